// Encoded sentence pairs as padded batches of similar length, in an order that (seed, epoch) fixes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "framework/core/tensor.h"

namespace heed::models {

/// Ids of one pair. The source ends with </s>; the target has neither <s> nor </s>: a batch adds them.
struct EncodedPair {
  std::vector<int> source, target;  // ids of the vocabularies
};

/// B pairs, padded with <pad> to S and T. T counts the end of the sentence.
struct Batch {
  Tensor source;              // i64 [B, S]
  Tensor source_lengths;      // i64 [B]
  Tensor target_in;           // i64 [B, T], begins with <s>
  Tensor target_out;          // i64 [B, T], ends with </s>
  Tensor target_lengths;      // i64 [B], 1..T
  int64_t target_tokens = 0;  // without padding
};

/// Pads pairs into a batch.
/// @param pairs of a corpus
/// @param indices which of them, in this order
/// @return the batch
Batch make_batch(std::span<const EncodedPair> pairs, std::span<const int64_t> indices);
/// Sources alone.
/// @param sources of a corpus, with the end mark
/// @param indices which of them, in this order
/// @return source and source_lengths
Batch make_source_batch(std::span<const std::vector<int>> sources, std::span<const int64_t> indices);

/// The batches of one epoch: pairs sorted by target and source length with ties in random order, cut into batches, and the batches
/// shuffled. The same for the same seed and epoch.
/// @param pairs of the corpus
/// @param batch_size pairs a batch
/// @param seed,epoch fix the order
/// @param batch_tokens above 0, in the place of batch_size: at most so many tokens on either side, padding and ends counted (one pair at
///   least)
/// @return indices, batch by batch
std::vector<std::vector<int64_t>> epoch_batches(std::span<const EncodedPair> pairs, int64_t batch_size, uint64_t seed, int64_t epoch,
                                                int64_t batch_tokens = 0);

/// The longest sources first: for decoding.
/// @param sources of a corpus
/// @param batch_size sources a batch
/// @return indices, batch by batch
std::vector<std::vector<int64_t>> batches_by_length(std::span<const std::vector<int>> sources, int64_t batch_size);

}  // namespace heed::models
