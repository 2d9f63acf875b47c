// The most probable ids of rows of logits, as search needs them: one pass over the logits, no softmax
// written.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "framework/core/tensor.h"

namespace heed {

/// Ranges [first, end) of ids, in order and apart from each other.
using IdRanges = std::vector<std::pair<int, int>>;

/// An id and the natural logarithm of its probability.
struct ProbableId {
  int id = 0;                  // position in the row
  double log_probability = 0;  // x[id] - log sum_v exp(x[v]), over all of the row
};

/// What the values of the rows are.
enum class Scale : uint8_t {
  logits,             // anything: they are normalised
  log_probabilities,  // normalised already
};

/// The k most probable ids of each row among those that are allowed, the best first; of equals, the smaller
/// id. A NaN counts as the largest value, as in topk. No gradient.
/// @param x f32 or f64 [B, V], whatever its strides
/// @param k at least 1
/// @param allowed the ids that count: one entry for each row, the same or others
/// @param scale what x holds
/// @return for each row at most k entries, fewer where fewer are allowed
/// @throws ShapeError, DTypeError, IndexError for ranges outside 0..V
std::vector<std::vector<ProbableId>> most_probable(const Tensor& x, int64_t k,
                                                   std::span<const IdRanges* const> allowed,
                                                   Scale scale = Scale::logits);

}  // namespace heed
