// Exercise 3: the padding mask and its polarity. Read lesson.md first; ./run learn run checks this file.
#include "03_padding/exercise.h"

/// lengths, integers [B] -> mask [B, S]: true where a word is real, that is at the first lengths[b] places of
/// row b.
Tensor visible(const Tensor& lengths, int64_t S) { gap("visible"); }

/// scores [B, S], a mask of visible() [B, S] -> weights [B, S]: 0 at padding, rows sum to 1.
Tensor masked_weights(const Tensor& scores, const Tensor& seen) { gap("masked_weights"); }
