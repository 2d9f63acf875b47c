// Forced decoding of a given target, with the attention of every token.
#pragma once

#include <span>
#include <vector>

#include "models/architectures/architecture.h"
#include "models/decoding/hypothesis.h"

namespace heed::models {

/// The model's score and attention for the targets as they are given.
/// @param model a single one
/// @param pairs sources and targets
/// @param batch_size pairs computed together
/// @return one output for each pair, in order
std::vector<Hypothesis> forced_decoding(const TranslationModel& model, std::span<const EncodedPair> pairs, int64_t batch_size = 64);

}  // namespace heed::models
