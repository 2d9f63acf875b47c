// Self-attention of finished pairs, for pictures: one forced pass over each batch, so that search need not carry it.
#pragma once

#include <span>
#include <vector>

#include "models/architectures/architecture.h"

namespace heed::models {

/// The self-attention of one pair, unit by unit; rows attend, columns are attended to.
struct SelfAttentionMaps {
  std::vector<std::vector<std::vector<float>>> encoder;  // [maps][source length][source length], </s> last on both sides
  /// [maps][1 + target length][1 + target length]: row t puts out unit t, the last one </s>; column 0 reads <s>, column u unit u - 1; zero
  /// above the diagonal.
  std::vector<std::vector<std::vector<float>>> decoder;
};

/// Without gradients; results do not depend on how pairs are batched (to rounding).
/// @param model one with self-attention
/// @param pairs sources and targets
/// @param batch_size pairs computed together
/// @return for each pair, in order
/// @throws ValueError for a model without self-attention
std::vector<SelfAttentionMaps> self_attention(const TranslationModel& model, std::span<const EncodedPair> pairs, int64_t batch_size = 64);

}  // namespace heed::models
