#include "06_heads/exercise.h"

void check(Check& c, const Answer& a) {
  const auto numbers = [](int64_t rows, int64_t columns) {
    return reshape(arange(rows * columns, DType::f32), {rows, columns});
  };
  const auto head = [](const Tensor& x, int64_t h, int64_t heads) {
    const int64_t d = x.size(1) / heads;
    return slice(x, 1, h * d, (h + 1) * d);
  };
  for (const int64_t T : {3, 2}) {
    const Tensor x = numbers(T, 4);
    const Tensor want = stack({head(x, 0, 2), head(x, 1, 2)}, 0);
    c.equal(fmt::format("2 heads of the {} rows 0 1 2 3, 4 5 6 7, ...", T), a.split_heads(x, 2), want);
  }
  const Tensor x = numbers(3, 12);
  c.equal("4 heads of 3 rows of size 12", a.split_heads(x, 4),
          stack({head(x, 0, 4), head(x, 1, 4), head(x, 2, 4), head(x, 3, 4)}, 0));
  const Tensor split = stack({head(x, 0, 3), head(x, 1, 3), head(x, 2, 3)}, 0);
  c.equal("merged heads", a.merge_heads(split), x);
  c.equal("merge_heads(split_heads(x))", a.merge_heads(a.split_heads(x, 2)), x);
  const Tensor q = randn({3, 8}), k = randn({5, 8}), v = randn({5, 8});
  std::vector<Tensor> parts;
  for (int64_t h = 0; h < 4; ++h)
    parts.push_back(
        matmul(softmax(matmul(head(q, h, 4), transpose(head(k, h, 4))) / std::sqrt(2.0)), head(v, h, 4)));
  c.equal("attention with 4 heads of size 2", a.multi_head(q, k, v, 4), concat(parts, 1));
  c.equal("attention with 1 head", a.multi_head(q, k, v, 1),
          matmul(softmax(matmul(q, transpose(k)) / std::sqrt(8.0)), v));
}
