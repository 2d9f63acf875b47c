// What all kinds of attention share: the keys are prepared once a sentence, any number of queries is answered, nothing is kept between
// calls, and the weights come back with the context.
#pragma once

#include "nn/module.h"

namespace heed::nn {

class Attention : public Module {
 public:
  /// What a sentence offers: computed once, used for every query.
  struct Memory {
    Tensor keys;       // [B, S, E], also the values
    Tensor projected;  // what the kind makes of the keys; may be undefined
    Tensor lengths;    // i64 [B]
  };
  struct Output {
    Tensor context;  // [B, T, E]
    Tensor weights;  // [B, T, S]; a row sums to 1, or is 0 where the length is 0
  };
  /// keys [B, S, E], lengths i64 [B].
  virtual Memory prepare(const Tensor& keys, const Tensor& lengths) const = 0;
  /// query [B, T, Q].
  virtual Output attend(const Tensor& query, const Memory& memory) const = 0;
};

}  // namespace heed::nn
