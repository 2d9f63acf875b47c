// Exercise 3: the padding mask and its polarity.
#include "03_padding/exercise.h"

/// lengths, integers [B] -> mask [B, S]: true where a word is real, that is at the first lengths[b] places of
/// row b.
Tensor visible(const Tensor& lengths, int64_t S) {
  return lt(arange(S), reshape(lengths, {lengths.size(0), 1}));
}

/// scores [B, S], a mask of visible() [B, S] -> weights [B, S]: 0 at padding, rows sum to 1.
Tensor masked_weights(const Tensor& scores, const Tensor& seen) {
  return softmax(masked_fill(scores, logical_not(seen), -INFINITY));
}
