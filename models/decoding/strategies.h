// What the ways of searching share. Nothing of it is public: see search.h.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "models/decoding/search.h"
#include "models/text/vocabulary.h"

namespace heed::models {

constexpr int kFirstOutput = Vocabulary::kEos;  // <pad> and <s> are never output
static_assert(Vocabulary::kPad < kFirstOutput && Vocabulary::kBos < kFirstOutput);

/// The models of an ensemble side by side: one row of log probabilities for each row of the batch.
class Ensemble {
 public:
  /// @param models at least one
  /// @param batch whose sources are read
  Ensemble(std::span<const TranslationModel* const> models, const Batch& batch);
  /// @return the shortest of the models' longest targets
  int64_t longest_target() const { return longest_; }
  /// One word further.
  /// @param words the last of each row
  /// @param raw of a single model its logits, which have the same order
  /// @return log probabilities [B, V], and the first model's attention
  Decoding::Step step(const std::vector<int64_t>& words, bool raw);
  /// Keeps these rows.
  /// @param rows as Decoding::select takes them
  void select(const std::vector<int64_t>& rows);

 private:
  std::vector<std::unique_ptr<Decoding>> decodings_;
  int64_t longest_ = std::numeric_limits<int64_t>::max();
};

/// What all hypotheses of a sentence have in common.
struct Limits {
  int64_t source_length = 0, most = 0;  // units
};

/// @param batch of sources
/// @param row of the batch
/// @param options lengths
/// @param longest target that the models can write
/// @return the limits of that row
Limits limits_of(const Batch& batch, size_t row, const SearchOptions& options, int64_t longest);

/// What a score is divided by.
/// @param options length penalty
/// @param n units, with the end mark
/// @return the divisor
double length_divisor(const SearchOptions& options, int64_t n);

/// Greedy: one hypothesis for each of `running`.
/// @param models on the batch
/// @param running empty hypotheses, a row each
/// @param limits of each row
/// @param options lengths, attention
/// @param raw whether step() gives a single model's logits
void decode_greedily(Ensemble& models, std::vector<Hypothesis*> running, std::vector<Limits> limits, const SearchOptions& options,
                     bool raw);

/// Sampling: as greedy, each word drawn.
/// @param models on the batch
/// @param running empty hypotheses, a row each
/// @param limits of each row
/// @param options temperature and the like
/// @param seeds of the rows' random numbers
void decode_by_sampling(Ensemble& models, const std::vector<Hypothesis*>& running, const std::vector<Limits>& limits,
                        const SearchOptions& options, std::span<const uint64_t> seeds);

/// Beam search on a batch.
/// @param models on the batch
/// @param batch of sources
/// @param indices where the results of each row go
/// @param options beam and penalties
/// @param results of all sentences
void decode_with_beam(Ensemble& models, const Batch& batch, std::span<const int64_t> indices, const SearchOptions& options,
                      std::vector<std::vector<Hypothesis>>& results);

}  // namespace heed::models
