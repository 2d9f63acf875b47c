// Internals shared by greedy search, beam search and sampling; the public interface is search.h.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "framework/ops/most_probable.h"
#include "models/decoding/search.h"
#include "models/text/vocabulary.h"

namespace heed::models {

constexpr int kFirstOutput = Vocabulary::kEos;  // <pad> and <s> are never output
static_assert(Vocabulary::kPad < kFirstOutput && Vocabulary::kBos < kFirstOutput);

/// The models of an ensemble, which compute each step together: one row of log probabilities for each row of
/// the batch.
class Ensemble {
 public:
  /// @param models at least one model
  /// @param batch batch whose sources are translated
  /// @param attention whether steps give the attention of the first model
  Ensemble(std::span<const TranslationModel* const> models, const Batch& batch, bool attention);
  /// @param may_end whether </s> is among them
  /// @param V number of ids
  /// @return the ids that may be written next, without what any of the models may not write
  IdRanges allowed(bool may_end, int64_t V) const;
  /// @return whether an output at its limit ends with </s>
  bool end_at_limit() const { return rules_.end_at_limit; }
  /// @return the longest target that all models can write
  int64_t longest_target() const { return longest_; }
  /// Computes the next word's distribution.
  /// @param words the previous word of each row
  /// @return logits of a single model or log probabilities of several (scale()), [B, V], and the attention of
  ///   the first model
  Decoding::Step step(const std::vector<int64_t>& words);
  /// @return what step() gives
  Scale scale() const { return members_.size() == 1 ? Scale::logits : Scale::log_probabilities; }
  /// Keeps only some rows.
  /// @param rows rows to keep, as for Decoding::select
  void select(const std::vector<int64_t>& rows);

 private:
  void leave_out_banned(const Tensor& logits) const;
  struct Member {
    const TranslationModel* model;
    std::unique_ptr<Decoding> decoding;
  };
  Decoding::Step step_of(const Member& member, const Tensor& ids) const;
  std::vector<Member> members_;
  OutputRules rules_;  // of all models: banned ids in order, each once
  int64_t longest_ = std::numeric_limits<int64_t>::max();
};

/// Limits of a sentence, common to all its hypotheses.
struct Limits {
  int64_t source_length = 0, most = 0;  // length of the source, and the largest number of output units
  bool end = false;                     // whether an output of that many units ends with </s>
};

/// @param batch batch of sources
/// @param row row of the batch
/// @param options length limits
/// @param models what translates
/// @return the limits of that row
Limits limits_of(const Batch& batch, size_t row, const SearchOptions& options, const Ensemble& models);

/// The divisor of a score under the length penalty.
/// @param options length penalty
/// @param n number of output units, end mark included
/// @return the divisor
double length_divisor(const SearchOptions& options, int64_t n);

/// Greedy search: always takes the most probable word.
/// @param models the models, started on the batch
/// @param running empty hypotheses, one per row
/// @param limits limits of each row
/// @param options length limits, attention
void decode_greedily(Ensemble& models, std::vector<Hypothesis*> running, std::vector<Limits> limits,
                     const SearchOptions& options);

/// Sampling: draws each word at random from its distribution.
/// @param models the models, started on the batch
/// @param running empty hypotheses, one per row
/// @param limits limits of each row
/// @param options temperature, top_k, top_p, length limits
/// @param seeds seed of each row's random numbers
void decode_by_sampling(Ensemble& models, const std::vector<Hypothesis*>& running,
                        const std::vector<Limits>& limits, const SearchOptions& options,
                        std::span<const uint64_t> seeds);

/// Beam search on one batch.
/// @param models the models, started on the batch
/// @param batch batch of sources
/// @param indices position in `results` of each row's outputs
/// @param options beam and penalties
/// @param results outputs of all sentences; those of the batch are filled in
void decode_with_beam(Ensemble& models, const Batch& batch, std::span<const int64_t> indices,
                      const SearchOptions& options, std::vector<std::vector<Hypothesis>>& results);

}  // namespace heed::models
