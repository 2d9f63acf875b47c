// Self-attention of given sentence pairs, for pictures: computed by one forced pass over each batch, so that
// search need not store it.
#pragma once

#include <span>
#include <vector>

#include "models/architectures/architecture.h"

namespace heed::models {

/// The self-attention of one pair by units; the unit of a row attends to the units of the columns.
struct SelfAttentionMaps {
  /// [maps][source length][source length], </s> last on both sides.
  std::vector<std::vector<std::vector<float>>> encoder;
  /// [maps][1 + target length][1 + target length]. Row t belongs to the output of unit t (the last row to
  /// </s>); column 0 to the input <s>, column u to the input of unit u - 1. Zero above the diagonal.
  std::vector<std::vector<std::vector<float>>> decoder;
};

/// Computes self-attention without recording gradients; results do not depend on how pairs are batched, apart
/// from rounding.
/// @param model a model with self-attention
/// @param pairs encoded sources and targets
/// @param batch_size number of pairs that are computed together
/// @return the maps of each pair, in order
/// @throws ValueError for a model without self-attention
std::vector<SelfAttentionMaps> self_attention(const TranslationModel& model,
                                              std::span<const EncodedPair> pairs, int64_t batch_size = 64);

}  // namespace heed::models
