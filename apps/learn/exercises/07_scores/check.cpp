#include "07_scores/exercise.h"

void check(Check& c, const Answer& a) {
  // In loops over numbers, as the equations have it.
  const auto at = [](const Tensor& x, int64_t i, int64_t j) { return select(select(x, 0, i), 0, j).item(); };
  const auto additive = [&](const Tensor& q, const Tensor& k, const Tensor& W, const Tensor& U,
                            const Tensor& v) {
    std::vector<double> scores;
    for (int64_t j = 0; j < k.size(0); ++j) {
      double score = 0;
      for (int64_t i = 0; i < v.size(0); ++i) {
        double inner = 0;
        for (int64_t d = 0; d < q.size(0); ++d) inner += at(W, i, d) * select(q, 0, d).item();
        for (int64_t d = 0; d < k.size(1); ++d) inner += at(U, i, d) * at(k, j, d);
        score += select(v, 0, i).item() * std::tanh(inner);
      }
      scores.push_back(score);
    }
    return from_vector(scores, {k.size(0)});
  };
  const auto general = [&](const Tensor& q, const Tensor& k, const Tensor& M) {
    std::vector<double> scores;
    for (int64_t j = 0; j < k.size(0); ++j) {
      double score = 0;
      for (int64_t i = 0; i < q.size(0); ++i) {
        for (int64_t d = 0; d < k.size(1); ++d) score += select(q, 0, i).item() * at(M, i, d) * at(k, j, d);
      }
      scores.push_back(score);
    }
    return from_vector(scores, {k.size(0)});
  };
  {  // all sizes equal, so that a turned matrix gives numbers and not an error
    const Tensor q = randn({3}), k = randn({3, 3}), W = randn({3, 3}), U = randn({3, 3}), v = randn({3});
    c.equal("additive scores, all sizes 3", a.additive_scores(q, k, W, U, v), additive(q, k, W, U, v));
    c.equal("dot scores", a.dot_scores(q, k), general(q, k, eye(3)));
    c.equal("general scores, all sizes 3", a.general_scores(q, k, W), general(q, k, W));
    c.equal("general scores with the unit matrix", a.general_scores(q, k, eye(3)), general(q, k, eye(3)));
  }
  const Tensor q = randn({2}), k = randn({5, 4}), W = randn({6, 2}), U = randn({6, 4}), v = randn({6}),
               M = randn({2, 4});
  c.equal("additive scores, Dq 2, Dk 4, A 6, S 5", a.additive_scores(q, k, W, U, v), additive(q, k, W, U, v));
  c.equal("general scores, Dq 2, Dk 4, S 5", a.general_scores(q, k, M), general(q, k, M));
}
