#include "nn/attention/location.h"

#include <algorithm>
#include <array>

namespace heed::nn {

Attention::Output LocationAttention::answer(const Tensor& query, const Memory& memory, const State&) const {
  const int64_t S = memory.keys.size(1), known = std::min(S, position_proj.weight.size(0));
  std::vector<int64_t> lengths = memory.lengths.to_vector<int64_t>();
  for (int64_t& length : lengths) length = std::min(length, known);
  const Tensor scores = linear(query, slice(position_proj.weight, 0, 0, known));  // [B, T, known]
  Memory seen = memory;  // its mask as long as the scores
  if (seen.mask.defined()) seen.mask = slice(seen.mask, 2, 0, known);
  Tensor weights = weights_of(scores, seen, from_vector(lengths, memory.lengths.shape()));
  if (known < S)
    weights = concat(std::array{weights, zeros(weights.shape().with(2, S - known), weights.dtype())}, 2);
  return {matmul(weights, memory.keys), weights};
}

}  // namespace heed::nn
