#include "05_causal/exercise.h"

void check(Check& c, const Answer& a) {
  const Tensor scores = randn({4, 4});
  std::vector<Tensor> rows;
  for (int64_t t = 0; t < 4; ++t)
    rows.push_back(masked_softmax(slice(scores, 0, t, t + 1), from_vector<int64_t>({t + 1}, {1})));
  const Tensor weights = a.causal_weights(scores);
  c.equal("weights", weights, concat(rows, 0));
  c.that(amax(abs(triu(weights, 1))).item() == 0, "weights of later places are small, but not 0");

  const Tensor x = randn({5, 3});
  const auto causal = [](const Tensor& v) {  // with no gap in it
    const Tensor s = masked_fill(matmul(v, transpose(v)),
                                 triu(ones({v.size(0), v.size(0)}), 1).to(DType::boolean), -INFINITY);
    return matmul(softmax(s), v);
  };
  const auto one_ahead = [](const Tensor& v) {
    return concat({slice(v, 0, 1, v.size(0)), slice(v, 0, 0, 1)}, 0);
  };
  const auto from_the_end = [](const Tensor& v) { return v + slice(v, 0, v.size(0) - 1, v.size(0)); };
  const auto first_reads_last = [](double factor) {
    return [factor](const Tensor& v) {
      return concat({factor * slice(v, 0, v.size(0) - 1, v.size(0)), slice(v, 0, 1, v.size(0))}, 0);
    };
  };
  c.equal("how many times larger leak() is when output 0 is 10 times the last row, not once",
          a.leak(first_reads_last(10), x, 4) / a.leak(first_reads_last(1), x, 4), 10);
  c.that(a.leak(causal, x, 2) == 0,
         fmt::format("leak() of a function without a leak is {:.6g}, should be 0", a.leak(causal, x, 2)));
  const auto must_leak = [&](const std::string& what, const Attend& attend, int64_t t) {
    c.that(a.leak(attend, x, t) > 0,
           fmt::format("leak() at t = {} of a function in which {} is 0, should not be", t, what));
  };
  must_leak("each row reads the one after it", one_ahead, 3);
  must_leak("every row reads the last one", from_the_end, 1);
  must_leak("every row reads the last one", from_the_end, 4);
  const auto yours = [&](const Tensor& v) { return matmul(a.causal_weights(matmul(v, transpose(v))), v); };
  for (int64_t t = 1; t < 5; ++t)
    c.that(a.leak(yours, x, t) == 0, fmt::format("your own causal attention leaks at t = {}", t));
  c.note("your causal attention does not leak; attention without a mask does: {:.2f}",
         a.leak([](const Tensor& v) { return matmul(softmax(matmul(v, transpose(v))), v); }, x, 2));
}
