// BLEU [Papineni et al. 2002] with the arithmetic of sacreBLEU 2 [Post 2018], to the last digit:
//   BLEU = BP * exp(1/4 sum_n log p_n),  p_n = 100 * matches_n / total_n,  BP = exp(1 - ref_len / sys_len) if
//   sys_len < ref_len
// Matches are clipped to the largest count in any reference; ref_len sums the reference length closest to each
// hypothesis. Scores are in [0, 100]. Where no n-gram of any order matches, BLEU is 0 under every smoothing.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heed::models {

constexpr int kBleuOrder = 4;

/// Smoothing of orders without a match [Chen & Cherry 2014, their methods 3, 1 and 2]:
///   exp    the k-th order without a match counts as 1 / 2^k matches
///   floor  0 matches count as `smooth_value` (0.1)
///   add-k  `smooth_value` (1) is added to matches and totals of the orders above 1
///   none   nothing; an order without a match makes BLEU 0
struct BleuOptions {
  std::string tokenize = "13a";         ///< "13a" (mteval-v13a), "none" (split at white space), "intl" (mteval-v14) or "char"
  bool lowercase = false;               ///< both sides, as Python's str.lower
  std::string smooth = "exp";           ///< "exp", "floor", "add-k" or "none"
  std::optional<double> smooth_value;   ///< for "floor" and "add-k", >= 0
  std::optional<bool> effective_order;  ///< leave out orders that the text is too short for; unset: for single sentences only
  bool operator==(const BleuOptions&) const = default;
};

/// What BLEU needs to know of a text. Statistics of parts add up to those of the whole.
struct BleuStats {
  std::array<int64_t, kBleuOrder> matches{}, totals{};
  int64_t sys_len = 0, ref_len = 0;

  BleuStats& operator+=(const BleuStats& other);
  bool operator==(const BleuStats&) const = default;
};

struct BleuResult {
  double score = 0;  ///< in [0, 100]
  std::array<double, kBleuOrder> precisions{};
  double bp = 1;
  int64_t sys_len = 0, ref_len = 0;
  std::string signature;  ///< BLEU|nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:heed-0.1.0
};

/// The text as BLEU counts it: words separated by one space. Throws ValueError for an unknown options.tokenize.
std::string bleu_tokenize(std::string_view line, const BleuOptions& options);

/// Statistics of one sentence against its references.
/// Throws ValueError for no reference and an unknown tokenisation.
BleuStats bleu_stats(std::string_view hypothesis, std::span<const std::string> references, const BleuOptions& options = {});

/// Statistics of every sentence of a corpus: what bootstrap() resamples. references[i] are the references of
/// hypotheses[i], or the one reference; their number may differ. Throws ValueError as bleu_stats does, and for
/// different numbers of sentences.
std::vector<BleuStats> corpus_bleu_stats(std::span<const std::string> hypotheses, std::span<const std::string> references,
                                         const BleuOptions& options = {});
std::vector<BleuStats> corpus_bleu_stats(std::span<const std::string> hypotheses, std::span<const std::vector<std::string>> references,
                                         const BleuOptions& options = {});

/// The score of summed statistics; its signature says nrefs:1. Throws ValueError for options that do not exist.
BleuResult bleu_of(const BleuStats& stats, const BleuOptions& options = {});

/// BLEU of a corpus; arguments and errors as for corpus_bleu_stats. A number of references that differs shows in
/// the signature as nrefs:var. No sentences: 0.
BleuResult corpus_bleu(std::span<const std::string> hypotheses, std::span<const std::string> references, const BleuOptions& options = {});
BleuResult corpus_bleu(std::span<const std::string> hypotheses, std::span<const std::vector<std::string>> references,
                       const BleuOptions& options = {});

/// BLEU of one sentence, with effective order unless the options say otherwise. Throws as bleu_stats.
BleuResult sentence_bleu(std::string_view hypothesis, std::span<const std::string> references, const BleuOptions& options = {});

/// Sentences whose source has min to max words, both included.
struct LengthBucket {
  int min = 0;
  int max = 0;
  std::string name() const;  ///< "10-19", "50+"
  bool operator==(const LengthBucket&) const = default;
};
constexpr int kNoMaximum = 1 << 30;

/// 1-9, 10-19, 20-29, 30-39, 40-49, 50+, and 30+ pooled.
std::vector<LengthBucket> default_length_buckets();

struct BucketBleu {
  LengthBucket bucket;
  int64_t sentences = 0;
  BleuResult bleu;  ///< score 0 where the bucket is empty
};

/// Corpus BLEU of each bucket; source_lengths[i] is the number of source words of sentence i. A bucket may
/// overlap others.
std::vector<BucketBleu> bleu_by_length(std::span<const std::string> hypotheses, std::span<const std::string> references,
                                       std::span<const int> source_lengths, const BleuOptions& options = {},
                                       std::span<const LengthBucket> buckets = {});

}  // namespace heed::models
