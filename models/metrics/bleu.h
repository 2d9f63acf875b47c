// BLEU [Papineni et al. 2002], computed exactly as by sacreBLEU 2 [Post 2018]:
//   BLEU = BP * exp(1/4 sum_n log p_n),  p_n = 100 * matches_n / total_n,
//   BP = exp(1 - ref_len / sys_len) if sys_len < ref_len
// Matches of an n-gram are clipped to its largest count in any reference; ref_len is the sum over sentences
// of the reference length closest to the hypothesis. Scores are in [0, 100]. If no n-gram of any order
// matches, BLEU is 0 with every smoothing method.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/options/choice.h"

namespace heed::models {

constexpr int kBleuOrder = 4;  ///< the longest n-grams

/// How BLEU finds words: mteval-v13a, at white space, mteval-v14, or every character is one.
enum class BleuTokenizer : uint8_t { v13a, none, intl, characters };
/// The names of BleuTokenizer, sacreBLEU's.
template <>
inline constexpr std::array<std::string_view, 4> kNames<BleuTokenizer>{"13a", "none", "intl", "char"};

/// What BLEU does about n-gram orders without a match; BleuOptions has the equations.
enum class BleuSmoothing : uint8_t { exp, floor, add_k, none };
/// The names of BleuSmoothing, sacreBLEU's.
template <>
inline constexpr std::array<std::string_view, 4> kNames<BleuSmoothing>{"exp", "floor", "add-k", "none"};

/// Options of BLEU. Smoothing methods for n-gram orders without a match [Chen & Cherry 2014, their methods 3,
/// 1 and 2]:
///   exp    the k-th order without a match counts as 1 / 2^k matches
///   floor  0 matches count as `smooth_value` (0.1)
///   add-k  `smooth_value` (1) is added to matches and totals of the orders above 1
///   none   nothing; an order without a match makes BLEU 0
struct BleuOptions {
  BleuTokenizer tokenize = BleuTokenizer::v13a;  ///< how words are found
  bool lowercase = false;                        ///< both sides, as Python's str.lower
  BleuSmoothing smooth = BleuSmoothing::exp;     ///< see above
  std::optional<double> smooth_value;            ///< for floor and add-k, >= 0
  /// Leave out orders that the text is too short for; unset: for single sentences only.
  std::optional<bool> effective_order;
  bool operator==(const BleuOptions&) const = default;
};

/// The counts from which BLEU is computed. The statistics of a corpus are the sum of those of its sentences.
struct BleuStats {
  std::array<int64_t, kBleuOrder> matches{};  ///< by order, clipped
  std::array<int64_t, kBleuOrder> totals{};   ///< n-grams of the hypothesis, by order
  int64_t sys_len = 0, ref_len = 0;           ///< words

  /// @param other counts of further sentences
  /// @return this
  BleuStats& operator+=(const BleuStats& other);
  bool operator==(const BleuStats&) const = default;
};

/// A BLEU score and its components.
struct BleuResult {
  double score = 0;                             ///< in [0, 100]
  std::array<double, kBleuOrder> precisions{};  ///< p_n in [0, 100]
  double bp = 1;                                ///< brevity penalty, in [0, 1]
  int64_t sys_len = 0, ref_len = 0;             ///< words
  std::string signature;  // BLEU|nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:heed-0.2.0
};

/// Tokenises a text as BLEU does.
/// @param line one sentence
/// @param options only tokenize and lowercase are used
/// @return words separated by one space
std::string bleu_tokenize(std::string_view line, const BleuOptions& options);

/// Statistics of one sentence against its references.
/// @param hypothesis the translation
/// @param references at least one
/// @param options tokenisation and case
/// @return counts
/// @throws ValueError for no reference and an unknown tokenisation
BleuStats bleu_stats(std::string_view hypothesis, std::span<const std::string> references,
                     const BleuOptions& options = {});

/// @{
/// Statistics of every sentence of a corpus, the input of bootstrap().
/// @param hypotheses the translations, one per sentence
/// @param references references[i] is the reference, or the list of references, of hypotheses[i]; lists may
/// differ in length
/// @param options tokenisation and case
/// @return statistics of each sentence
/// @throws ValueError as bleu_stats does, and for different numbers of sentences
std::vector<BleuStats> corpus_bleu_stats(std::span<const std::string> hypotheses,
                                         std::span<const std::string> references,
                                         const BleuOptions& options = {});
std::vector<BleuStats> corpus_bleu_stats(std::span<const std::string> hypotheses,
                                         std::span<const std::vector<std::string>> references,
                                         const BleuOptions& options = {});
/// @}

/// Computes BLEU from summed statistics; the signature says nrefs:1.
/// @param stats statistics of a corpus
/// @param options smoothing
/// @return the score
/// @throws ValueError for an unknown smoothing method
BleuResult bleu_of(const BleuStats& stats, const BleuOptions& options = {});

/// @{
/// BLEU of a corpus. If sentences have different numbers of references, the signature says nrefs:var.
/// @param hypotheses,references as for corpus_bleu_stats
/// @param options tokenisation, case, smoothing
/// @return the score; 0 without sentences
/// @throws ValueError as corpus_bleu_stats
BleuResult corpus_bleu(std::span<const std::string> hypotheses, std::span<const std::string> references,
                       const BleuOptions& options = {});
BleuResult corpus_bleu(std::span<const std::string> hypotheses,
                       std::span<const std::vector<std::string>> references, const BleuOptions& options = {});
/// @}

/// BLEU of one sentence, with effective order unless the options say otherwise (see effective_order).
/// @param hypothesis the translation
/// @param references at least one
/// @param options tokenisation, case, smoothing
/// @return the score
/// @throws ValueError as bleu_stats
BleuResult sentence_bleu(std::string_view hypothesis, std::span<const std::string> references,
                         const BleuOptions& options = {});

/// A range of source lengths: min to max words, both included.
struct LengthBucket {
  int min = 0;  ///< words
  int max = 0;  ///< words; kNoMaximum: no limit
  /// @return "10-19", "50+"
  std::string name() const;
  bool operator==(const LengthBucket&) const = default;
};
constexpr int kNoMaximum = 1 << 30;  ///< value of LengthBucket::max without a limit

/// The buckets used in reports.
/// @return 1-9, 10-19, 20-29, 30-39, 40-49, 50+, and 30+, which contains the last three
std::vector<LengthBucket> default_length_buckets();

/// BLEU of the sentences in a bucket.
struct BucketBleu {
  LengthBucket bucket;    ///< which
  int64_t sentences = 0;  ///< number of sentences in it
  BleuResult bleu;        ///< its score is 0 if the bucket is empty
};

/// Corpus BLEU of each bucket.
/// @param hypotheses,references one reference for each hypothesis
/// @param source_lengths source_lengths[i] is the number of source words of sentence i
/// @param options tokenisation, case, smoothing
/// @param buckets may overlap; empty: default_length_buckets()
/// @return the score of each bucket
std::vector<BucketBleu> bleu_by_length(std::span<const std::string> hypotheses,
                                       std::span<const std::string> references,
                                       std::span<const int> source_lengths, const BleuOptions& options = {},
                                       std::span<const LengthBucket> buckets = {});

}  // namespace heed::models
