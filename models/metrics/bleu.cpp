#include "models/metrics/bleu.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "framework/core/error.h"
#include "models/metrics/ngrams.h"
#include "models/metrics/references.h"
#include "models/text/unicode.h"

namespace heed::models {
namespace {

constexpr std::string_view kVersion = "heed-0.2.0";

// The value that the smoothing works with, 0 where it has none.
double smooth_value(const BleuOptions& options) {
  if (options.smooth == BleuSmoothing::floor) return options.smooth_value.value_or(0.1);
  if (options.smooth == BleuSmoothing::add_k) return options.smooth_value.value_or(1);
  return 0;
}

void check(const BleuOptions& options) {
  if (const double value = smooth_value(options); !(value >= 0 && std::isfinite(value))) {
    throw ValueError("bleu", fmt::format("smoothing value {} is not a number from 0 up", value));
  }
}

std::string signature(std::string_view references, const BleuOptions& options) {
  const bool has_value = options.smooth == BleuSmoothing::floor || options.smooth == BleuSmoothing::add_k;
  return fmt::format("BLEU|nrefs:{}|case:{}|eff:{}|tok:{}|smooth:{}{}|version:{}", references,
                     options.lowercase ? "lc" : "mixed",
                     options.effective_order.value_or(false) ? "yes" : "no", name_of_choice(options.tokenize),
                     name_of_choice(options.smooth),
                     has_value ? fmt::format("[{:.2f}]", smooth_value(options)) : "", kVersion);
}

// Words as numbers, in the order in which they turn up.
struct WordNumbers {
  std::unordered_map<std::string, uint32_t> numbers;

  std::vector<uint32_t> operator()(std::string_view text) {
    std::vector<uint32_t> result;
    for (const auto word : split_whitespace(text)) {
      result.push_back(
          numbers.try_emplace(std::string(word), static_cast<uint32_t>(numbers.size())).first->second);
    }
    return result;
  }
};

template <class References>
std::vector<BleuStats> stats_of_each(std::span<const std::string> hypotheses, References references,
                                     const BleuOptions& options, std::string& nrefs) {
  check(options);
  std::vector<BleuStats> stats;
  nrefs = for_each_sentence("bleu", hypotheses.size(), references,
                            [&](size_t i, std::span<const std::string> of_sentence) {
                              stats.push_back(bleu_stats(hypotheses[i], of_sentence, options));
                            });
  return stats;
}

template <class References>
BleuResult score_corpus(std::span<const std::string> hypotheses, References references,
                        const BleuOptions& options) {
  std::string nrefs;
  BleuStats sum;
  for (const BleuStats& sentence : stats_of_each(hypotheses, references, options, nrefs)) sum += sentence;
  BleuResult result = bleu_of(sum, options);
  result.signature = signature(nrefs, options);
  return result;
}

}  // namespace

BleuStats& BleuStats::operator+=(const BleuStats& other) {
  for (size_t n = 0; n < kBleuOrder; ++n) {
    matches[n] += other.matches[n];
    totals[n] += other.totals[n];
  }
  sys_len += other.sys_len;
  ref_len += other.ref_len;
  return *this;
}

BleuStats bleu_stats(std::string_view hypothesis, std::span<const std::string> references,
                     const BleuOptions& options) {
  require_reference("bleu", references);
  WordNumbers words;
  NgramCounter counter(kBleuOrder);
  const std::vector<uint32_t> hypothesis_words = words(bleu_tokenize(hypothesis, options));
  const std::vector<int64_t> hypothesis_counts = counter.count(hypothesis_words);

  BleuStats stats;
  stats.sys_len = static_cast<int64_t>(hypothesis_words.size());
  std::vector<int64_t> most(hypothesis_counts.size());  // the largest count in any reference
  int64_t closest = -1;
  for (const std::string& reference : references) {
    const std::vector<uint32_t> reference_words = words(bleu_tokenize(reference, options));
    const std::vector<int64_t> counts = counter.count(reference_words);
    for (size_t i = 0; i < most.size(); ++i) most[i] = std::max(most[i], counts[i]);
    const auto length = static_cast<int64_t>(reference_words.size());
    const auto distance = std::abs(stats.sys_len - length);
    if (closest < 0 || distance < closest || (distance == closest && length < stats.ref_len)) {
      closest = distance;
      stats.ref_len = length;
    }
  }
  for (size_t i = 0; i < hypothesis_counts.size(); ++i) {
    const auto n = static_cast<size_t>(counter.length(i) - 1);
    stats.totals[n] += hypothesis_counts[i];
    stats.matches[n] += std::min(hypothesis_counts[i], most[i]);
  }
  return stats;
}

std::vector<BleuStats> corpus_bleu_stats(std::span<const std::string> hypotheses,
                                         std::span<const std::string> references,
                                         const BleuOptions& options) {
  std::string nrefs;
  return stats_of_each(hypotheses, references, options, nrefs);
}

std::vector<BleuStats> corpus_bleu_stats(std::span<const std::string> hypotheses,
                                         std::span<const std::vector<std::string>> references,
                                         const BleuOptions& options) {
  std::string nrefs;
  return stats_of_each(hypotheses, references, options, nrefs);
}

BleuResult bleu_of(const BleuStats& stats, const BleuOptions& options) {
  check(options);
  BleuResult result;
  result.sys_len = stats.sys_len;
  result.ref_len = stats.ref_len;
  result.signature = signature("1", options);
  if (stats.sys_len < stats.ref_len) {
    const auto sys = static_cast<double>(stats.sys_len), ref = static_cast<double>(stats.ref_len);
    result.bp = stats.sys_len > 0 ? std::exp(1 - ref / sys) : 0.0;
  }
  // no match of any order: 0
  if (std::ranges::all_of(stats.matches, [](int64_t n) { return n == 0; })) return result;
  const double value = smooth_value(options);
  size_t order = kBleuOrder;
  double halves = 1;
  for (size_t n = 0; n < kBleuOrder; ++n) {
    const double added = options.smooth == BleuSmoothing::add_k && n > 0 ? value : 0;
    const double matches = static_cast<double>(stats.matches[n]) + added,
                 total = static_cast<double>(stats.totals[n]) + added;
    if (total == 0) break;
    if (options.effective_order.value_or(false)) order = n + 1;
    if (matches > 0) {
      result.precisions[n] = 100.0 * matches / total;
    } else if (options.smooth == BleuSmoothing::exp) {
      halves *= 2;
      result.precisions[n] = 100.0 / (halves * total);
    } else if (options.smooth == BleuSmoothing::floor) {
      result.precisions[n] = 100.0 * value / total;
    }
  }
  double sum = 0;
  for (size_t n = 0; n < order; ++n)
    sum += result.precisions[n] == 0 ? -9999999999.0 : std::log(result.precisions[n]);
  result.score = result.bp * std::exp(sum / static_cast<double>(order));
  return result;
}

BleuResult corpus_bleu(std::span<const std::string> hypotheses, std::span<const std::string> references,
                       const BleuOptions& options) {
  return score_corpus(hypotheses, references, options);
}

BleuResult corpus_bleu(std::span<const std::string> hypotheses,
                       std::span<const std::vector<std::string>> references, const BleuOptions& options) {
  return score_corpus(hypotheses, references, options);
}

BleuResult sentence_bleu(std::string_view hypothesis, std::span<const std::string> references,
                         const BleuOptions& options) {
  BleuOptions with_order = options;
  with_order.effective_order = options.effective_order.value_or(true);
  BleuResult result = bleu_of(bleu_stats(hypothesis, references, options), with_order);
  result.signature = signature(std::to_string(references.size()), with_order);
  return result;
}

std::string LengthBucket::name() const {
  return max >= kNoMaximum ? fmt::format("{}+", min) : fmt::format("{}-{}", min, max);
}

std::vector<LengthBucket> default_length_buckets() {
  return {{1, 9}, {10, 19}, {20, 29}, {30, 39}, {40, 49}, {50, kNoMaximum}, {30, kNoMaximum}};
}

std::vector<BucketBleu> bleu_by_length(std::span<const std::string> hypotheses,
                                       std::span<const std::string> references,
                                       std::span<const int> source_lengths, const BleuOptions& options,
                                       std::span<const LengthBucket> buckets) {
  check(options);
  if (hypotheses.size() != references.size() || hypotheses.size() != source_lengths.size()) {
    throw ValueError("bleu", fmt::format("{} hypotheses, {} references, {} source lengths", hypotheses.size(),
                                         references.size(), source_lengths.size()));
  }
  std::vector<LengthBucket> wanted(buckets.begin(), buckets.end());
  if (wanted.empty()) wanted = default_length_buckets();
  std::vector<BleuStats> stats(wanted.size());
  std::vector<BucketBleu> results(wanted.size());
  for (size_t i = 0; i < hypotheses.size(); ++i) {
    const BleuStats sentence = bleu_stats(hypotheses[i], references.subspan(i, 1), options);
    for (size_t b = 0; b < wanted.size(); ++b) {
      if (source_lengths[i] < wanted[b].min || source_lengths[i] > wanted[b].max) continue;
      stats[b] += sentence;
      ++results[b].sentences;
    }
  }
  for (size_t b = 0; b < wanted.size(); ++b) {
    results[b].bucket = wanted[b];
    results[b].bleu = bleu_of(stats[b], options);
  }
  return results;
}

}  // namespace heed::models
