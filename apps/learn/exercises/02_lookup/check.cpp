#include "02_lookup/exercise.h"

void check(Check& c, const Answer& a) {
  const auto compare = [&](const std::string& of, const Tensor& q, const Tensor& k, const Tensor& v) {
    const Found found = a.look_up(q, k, v);
    const Tensor weights = softmax(matmul(k, q));
    c.equal("weights" + of, found.weights, weights);
    c.equal("context" + of, found.context, matmul(weights, v));
    return found;
  };
  compare(" of the picture", from_vector<float>({2, 0}, {2}), from_vector<float>({1, 0, 0, 1, -1, 1}, {3, 2}),
          from_vector<float>({10, 0, 0, 10, 5, 5}, {3, 2}));
  const Tensor q = randn({4}), k = randn({3, 4}), v = randn({3, 2});
  const Found one = compare(" of 3 keys of size 4, values of size 2", q, k, v);
  compare(" of as many keys as their size", q, randn({4, 4}), randn({4, 4}));
  const Tensor order = from_vector<int64_t>({2, 0, 1}, {3});
  c.equal("context, after the keys changed places together with their values",
          a.look_up(q, index_select(k, 0, order), index_select(v, 0, order)).context, one.context);
  c.equal("weights of keys that are 100 times as large", a.look_up(q, 100.0 * k, v).weights,
          softmax(matmul(100.0 * k, q)));
}
