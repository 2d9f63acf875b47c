// Encoded sentence pairs as padded batches of similar length, in an order that (seed, epoch) fixes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "framework/core/tensor.h"

namespace heed::models {

/// Ids of one pair. The source ends with </s>; the target has neither <s> nor </s>: a batch adds them.
struct EncodedPair {
  std::vector<int> source, target;
};

/// B pairs, padded with <pad> to S and T. T counts the end of the sentence.
struct Batch {
  Tensor source;          // i64 [B, S]
  Tensor source_lengths;  // i64 [B]
  Tensor target_in;       // i64 [B, T], begins with <s>
  Tensor target_out;      // i64 [B, T], ends with </s>
  Tensor target_lengths;  // i64 [B], 1..T
  int64_t target_tokens = 0;
};

Batch make_batch(std::span<const EncodedPair> pairs, std::span<const int64_t> indices);
/// Sources alone: i64 [B, S] and lengths.
Batch make_source_batch(std::span<const std::vector<int>> sources, std::span<const int64_t> indices);

/// The batches of one epoch: pairs sorted by target and source length with ties in random order, cut into batches, and the batches
/// shuffled. A batch has `batch_size` pairs or, with batch_tokens > 0, as many as give at most batch_tokens tokens on either side, padding
/// and ends counted (one pair at least). The same for the same seed and epoch.
std::vector<std::vector<int64_t>> epoch_batches(std::span<const EncodedPair> pairs, int64_t batch_size, uint64_t seed, int64_t epoch,
                                                int64_t batch_tokens = 0);

/// Indices in batches of `batch_size`, the longest sources first: for decoding.
std::vector<std::vector<int64_t>> batches_by_length(std::span<const std::vector<int>> sources, int64_t batch_size);

}  // namespace heed::models
