// Cross-entropy of a model on given pairs.
#pragma once

#include <span>

#include "models/architectures/architecture.h"

namespace heed::models {

/// Mean cross-entropy of a model on pairs, without label smoothing.
/// @param model a model in evaluation mode
/// @param pairs at least one pair
/// @param batch_size number of pairs that are computed together
/// @return nats per target token
double corpus_loss(const TranslationModel& model, std::span<const EncodedPair> pairs,
                   int64_t batch_size = 64);

}  // namespace heed::models
