#include "04_scale/exercise.h"

void check(Check& c, const Answer& a) {
  const Tensor q = randn({2, 16}), k = randn({5, 16});
  c.equal("scores of 2 queries and 5 keys of size 16", a.scaled_scores(q, k), matmul(q, transpose(k)) * 0.25);
  const Tensor q9 = randn({3, 9}), k9 = randn({3, 9});
  c.equal("scores of 3 queries and 3 keys of size 9", a.scaled_scores(q9, k9),
          matmul(q9, transpose(k9)) / 3.0);
  const double ln4 = std::log(4.0);
  c.equal("entropy of (0.25 0.25 0.25 0.25) and (0.5 0.25 0.125 0.125)",
          a.entropy(from_vector<float>({0.25, 0.25, 0.25, 0.25, 0.5, 0.25, 0.125, 0.125}, {2, 4})),
          from_vector<double>({ln4, 1.75 * std::log(2.0)}, {2}));
  c.equal("entropy of (1 0 0 0) and (0.5 0.5 0 0)",
          a.entropy(from_vector<float>({1, 0, 0, 0, 0.5, 0.5, 0, 0}, {2, 4})),
          from_vector<double>({0, std::log(2.0)}, {2}));
  c.note("entropy of the weights over 32 words (evenly spread: {:.2f})", std::log(32.0));
  c.note("   d    not scaled   scaled");
  for (const int64_t d : {4, 64, 1024}) {
    const Tensor Q = randn({200, d}), K = randn({32, d});
    const double scaled = mean(a.entropy(softmax(a.scaled_scores(Q, K)))).item();
    c.note("{:>5}    {:.2f}         {:.2f}", d, mean(a.entropy(softmax(matmul(Q, transpose(K))))).item(),
           scaled);
    c.that(scaled > 2.7 && scaled < 3.3,
           fmt::format("with d = {} the mean entropy is {:.2f}, should be about 3", d, scaled));
  }
}
