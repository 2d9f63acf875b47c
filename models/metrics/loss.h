// Cross-entropy of a model on given pairs.
#pragma once

#include <span>

#include "models/architectures/architecture.h"
#include "models/cluster/ranks.h"

namespace heed::models {

/// Mean cross-entropy of a model on pairs, without label smoothing.
/// @param model a model in evaluation mode
/// @param pairs at least one pair
/// @param batch_size number of pairs that are computed together
/// @param ranks those that share the pairs, of which each has all; null: none
/// @return nats per target token
double corpus_loss(const TranslationModel& model, std::span<const EncodedPair> pairs, int64_t batch_size = 64,
                   Ranks* ranks = nullptr);

}  // namespace heed::models
