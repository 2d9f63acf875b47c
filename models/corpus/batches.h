// Padded batches of encoded sentence pairs of similar length, in an order determined by seed and epoch.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "framework/core/tensor.h"
#include "models/corpus/alignment.h"

namespace heed::models {

/// Token ids of one sentence pair. The source ends with </s>; the target contains neither <s> nor </s>, which
/// make_batch adds.
struct EncodedPair {
  std::vector<int> source, target;  // ids in the vocabularies
  /// Which source token each target token translates, where a training is guided by that: positions in
  /// `source` and `target`.
  std::vector<AlignmentLink> links = {};
};

/// A batch of B pairs, padded with <pad> to the lengths S and T; T includes the end mark.
struct Batch {
  Tensor source;              // i64 [B, S]
  Tensor source_lengths;      // i64 [B]
  Tensor source_seen = {};    // bool [B, S], false where attention may not look; undefined: it may everywhere
  Tensor target_in;           // i64 [B, T], begins with <s>
  Tensor target_out;          // i64 [B, T], ends with </s>
  Tensor target_lengths;      // i64 [B], 1..T
  int64_t target_tokens = 0;  // number of target tokens without padding, end marks included
  Tensor linked;              // i64 [N]: the links of the pairs, as (b T + t) S + s; undefined without links
  Tensor link_shares;         // f32 [N]: 1 / (number of links of the target token)
  int64_t linked_tokens = 0;  // number of target tokens with links
};

/// Builds a padded batch.
/// @param pairs encoded pairs, all of them
/// @return the batch
Batch make_batch(std::span<const EncodedPair> pairs);
/// Builds a padded batch from pairs.
/// @param pairs encoded pairs of a corpus
/// @param indices which of them to take, in this order
/// @return the batch
Batch make_batch(std::span<const EncodedPair> pairs, std::span<const int64_t> indices);
/// Builds a batch that has only sources.
/// @param sources encoded sources of a corpus, each with the end mark
/// @param indices which of them to take, in this order
/// @param hidden for each source the indices of its units that attention may not look at; empty: all are seen
/// @return a batch with source, source_lengths and, with `hidden`, source_seen
Batch make_source_batch(std::span<const std::vector<int>> sources, std::span<const int64_t> indices,
                        std::span<const std::vector<int>> hidden = {});

/// The numbers of tokens of a pair.
struct PairLengths {
  uint32_t source = 0, target = 0;  // the end mark of the source counted, none of the target
};

/// How batches are cut.
struct BatchSizes {
  int64_t pairs = 64;  // pairs per batch
  /// If above 0, replaces `pairs`: the largest number of tokens per batch on either side, padding and end
  /// marks included (a batch has at least one pair).
  int64_t tokens = 0;
};

/// The batches of one epoch. Pairs are sorted by target and source length, with ties in random order, cut
/// into batches, and the batches are shuffled. The same seed and epoch give the same batches. Memory: four
/// bytes a pair, and eight a batch.
class EpochBatches {
 public:
  EpochBatches() = default;  ///< no batches
  /// @param lengths of all pairs of the corpus, fewer than 2^32
  /// @param sizes how batches are cut
  /// @param seed,epoch determine the order
  EpochBatches(std::span<const PairLengths> lengths, BatchSizes sizes, uint64_t seed, int64_t epoch);
  /// @return the number of batches
  int64_t size() const { return static_cast<int64_t>(turn_.size()); }
  /// @param i index of a batch, in [0, size())
  /// @return indices of its pairs
  std::span<const uint32_t> operator[](int64_t i) const;

 private:
  std::vector<uint32_t> order_;        // indices of the pairs, by length
  std::vector<uint32_t> ends_, turn_;  // of each batch: its end in `order_`; which batch comes when
};

/// The batches of one epoch of pairs that are held one by one.
/// @param pairs encoded pairs of the corpus
/// @param batch_size pairs per batch
/// @param seed,epoch determine the order
/// @param batch_tokens as BatchSizes::tokens
/// @return indices of the pairs, batch by batch
std::vector<std::vector<int64_t>> epoch_batches(std::span<const EncodedPair> pairs, int64_t batch_size,
                                                uint64_t seed, int64_t epoch, int64_t batch_tokens = 0);

/// Batches of sources for decoding, the longest sources first.
/// @param sources encoded sources
/// @param batch_size sources per batch
/// @param most_units words or pieces per batch, the sources as long as the longest: long ones come in smaller
///   batches, one at least in each
/// @return indices of the pairs, batch by batch
std::vector<std::vector<int64_t>> batches_by_length(std::span<const std::vector<int>> sources,
                                                    int64_t batch_size, int64_t most_units = INT64_MAX);

}  // namespace heed::models
