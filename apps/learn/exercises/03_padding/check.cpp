#include "03_padding/exercise.h"

void check(Check& c, const Answer& a) {
  const Tensor lengths = from_vector<int64_t>({2, 4, 1}, {3});
  const Tensor mask = from_vector<bool>(
      {true, true, false, false, true, true, true, true, true, false, false, false}, {3, 4});
  const Tensor seen = a.visible(lengths, 4);
  c.that(seen.dtype() == DType::boolean,
         "visible() is to return a mask of true and false, not " + seen.describe());
  c.equal("mask of the lengths 2 4 1 (1 is true)", seen.to(DType::f32), mask.to(DType::f32));
  const Tensor scores = from_vector<float>({1, 2, 0.5, 0.5, 1, 2, 3, 4, -3, 5, 5, 5}, {3, 4});
  const Tensor want = masked_softmax(scores, lengths), weights = a.masked_weights(scores, mask);
  c.equal("weights", weights, want);
  c.that(sum(masked_fill(weights, mask, 0)).item() == 0, "weights of padding are small, but not 0");
  const Tensor other = masked_fill(scores, logical_not(mask), 77);
  c.equal("weights after the padding's scores became 77", a.masked_weights(other, mask), want);
  c.equal("weights after two more places of padding, the first 4",
          slice(a.masked_weights(pad(scores, {{0, 0}, {0, 2}}, 9), a.visible(lengths, 6)), 1, 0, 4), want);
  c.equal("weights of scores that are all below -100", a.masked_weights(scores - 200, mask), want);
}
