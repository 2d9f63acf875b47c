// Forced decoding: the score of a given target, with the attention of every token.
#pragma once

#include <span>
#include <vector>

#include "models/architectures/architecture.h"
#include "models/decoding/hypothesis.h"

namespace heed::models {

/// Computes the model's score and attention for given targets.
/// @param model the model
/// @param pairs encoded sources and targets
/// @param batch_size number of pairs that are computed together
/// @return one hypothesis for each pair, in order
std::vector<Hypothesis> forced_decoding(const TranslationModel& model, std::span<const EncodedPair> pairs,
                                        int64_t batch_size = 64);

}  // namespace heed::models
