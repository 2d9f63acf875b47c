// Cross-entropy of a model on given pairs.
#pragma once

#include <span>

#include "models/architectures/architecture.h"

namespace heed::models {

/// Mean cross-entropy without smoothing.
/// @param model in evaluation mode
/// @param pairs at least one
/// @param batch_size pairs computed together
/// @return nats a target token
double corpus_loss(const TranslationModel& model, std::span<const EncodedPair> pairs, int64_t batch_size = 64);

}  // namespace heed::models
