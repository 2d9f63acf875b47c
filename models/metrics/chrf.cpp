#include "models/metrics/chrf.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "framework/core/error.h"
#include "models/metrics/ngrams.h"
#include "models/metrics/references.h"
#include "models/text/unicode.h"

namespace heed::models {
namespace {

constexpr std::string_view kVersion = "heed-0.2.0";
constexpr double kEps = 1e-16;

void check(const ChrfOptions& options) {
  if (options.char_order < 0 || options.word_order < 0 || options.char_order + options.word_order == 0) {
    throw ValueError("chrf", fmt::format("{} character orders and {} word orders", options.char_order,
                                         options.word_order));
  }
  if (options.beta < 1) throw ValueError("chrf", fmt::format("beta is {}, not 1 or more", options.beta));
}

std::string signature(std::string_view references, const ChrfOptions& options) {
  return fmt::format("chrF{}{}|nrefs:{}|case:{}|eff:{}|nc:{}|nw:{}|space:{}|version:{}", options.beta,
                     std::string(static_cast<size_t>(options.word_order), '+'), references,
                     options.lowercase ? "lc" : "mixed", options.eps_smoothing ? "no" : "yes",
                     options.char_order, options.word_order, options.whitespace ? "yes" : "no", kVersion);
}

bool is_ascii_punctuation(char32_t c) {
  return (c >= U'!' && c <= U'/') || (c >= U':' && c <= U'@') || (c >= U'[' && c <= U'`') ||
         (c >= U'{' && c <= U'~');
}

// A text as symbols of n-grams: characters, and words numbered as they turn up.
struct Symbols {
  std::map<std::u32string, uint32_t, std::less<>> numbers;

  std::vector<uint32_t> characters(const std::u32string& text, bool whitespace) const {
    std::vector<uint32_t> result;
    for (const char32_t c : text)
      if (whitespace || !is_space(c)) result.push_back(c);
    return result;
  }

  std::vector<uint32_t> words(const std::u32string& text) {
    std::vector<uint32_t> result;
    for (size_t begin = 0; begin < text.size();) {
      size_t end = begin;
      while (end < text.size() && !is_space(text[end])) ++end;
      const auto word = std::u32string_view(text).substr(begin, end - begin);
      size_t split = word.size();
      if (word.size() > 1 && is_ascii_punctuation(word.back())) {
        split = word.size() - 1;
      } else if (word.size() > 1 && is_ascii_punctuation(word.front())) {
        split = 1;
      }
      if (split > 0) result.push_back(number(word.substr(0, split)));
      if (split < word.size()) result.push_back(number(word.substr(split)));
      begin = end + 1;
    }
    return result;
  }

  uint32_t number(std::u32string_view word) {
    const auto found = numbers.find(word);
    if (found != numbers.end()) return found->second;
    return numbers.emplace(word, static_cast<uint32_t>(numbers.size())).first->second;
  }
};

// Adds the counts of orders 1, 2, ... to `orders`.
void compare(const NgramCounter& counter, const std::vector<int64_t>& hypothesis,
             const std::vector<int64_t>& reference, std::span<ChrfCounts> orders) {
  for (size_t i = 0; i < reference.size(); ++i) {
    ChrfCounts& counts = orders[static_cast<size_t>(counter.length(i) - 1)];
    counts.reference += reference[i];
    if (i >= hypothesis.size()) continue;
    counts.hypothesis += hypothesis[i];
    counts.matches += std::min(hypothesis[i], reference[i]);
  }
  for (ChrfCounts& counts : orders)
    if (counts.reference == 0) counts.hypothesis = 0;
}

double score(const ChrfStats& stats, const ChrfOptions& options) {
  const double factor = options.beta * options.beta;
  double f_sum = 0, precision_sum = 0, recall_sum = 0;
  int effective_order = 0;
  for (const ChrfCounts& counts : stats.orders) {
    const auto matches = static_cast<double>(counts.matches);
    const double precision = counts.hypothesis > 0 ? matches / static_cast<double>(counts.hypothesis) : kEps;
    const double recall = counts.reference > 0 ? matches / static_cast<double>(counts.reference) : kEps;
    const double denominator = factor * precision + recall;
    f_sum += denominator > 0 ? (1 + factor) * precision * recall / denominator : kEps;
    if (counts.hypothesis > 0 && counts.reference > 0) {
      precision_sum += precision;
      recall_sum += recall;
      ++effective_order;
    }
  }
  if (options.eps_smoothing) return 100 * f_sum / (options.char_order + options.word_order);
  if (precision_sum + recall_sum == 0) return 0;
  const double precision = precision_sum / effective_order, recall = recall_sum / effective_order;
  return 100 * ((1 + factor) * precision * recall / (factor * precision + recall));
}

template <class References>
std::vector<ChrfStats> stats_of_each(std::span<const std::string> hypotheses, References references,
                                     const ChrfOptions& options, std::string& nrefs) {
  check(options);
  std::vector<ChrfStats> stats;
  nrefs = for_each_sentence("chrf", hypotheses.size(), references,
                            [&](size_t i, std::span<const std::string> of_sentence) {
                              stats.push_back(chrf_stats(hypotheses[i], of_sentence, options));
                            });
  return stats;
}

template <class References>
ChrfResult score_corpus(std::span<const std::string> hypotheses, References references,
                        const ChrfOptions& options) {
  ChrfStats sum;
  std::string nrefs;
  for (const ChrfStats& sentence : stats_of_each(hypotheses, references, options, nrefs)) sum += sentence;
  return {hypotheses.empty() ? 0 : score(sum, options), signature(nrefs, options)};
}

}  // namespace

ChrfStats& ChrfStats::operator+=(const ChrfStats& other) {
  if (other.orders.empty()) return *this;
  if (orders.empty()) orders.resize(other.orders.size());
  if (orders.size() != other.orders.size()) {
    throw ValueError("chrf",
                     fmt::format("statistics of {} orders and of {}", orders.size(), other.orders.size()));
  }
  for (size_t n = 0; n < orders.size(); ++n) {
    orders[n].hypothesis += other.orders[n].hypothesis;
    orders[n].reference += other.orders[n].reference;
    orders[n].matches += other.orders[n].matches;
  }
  return *this;
}

ChrfStats chrf_stats(std::string_view hypothesis, std::span<const std::string> references,
                     const ChrfOptions& options) {
  check(options);
  require_reference("chrf", references);
  const auto prepared = [&](std::string_view text) {
    return code_points(options.lowercase ? to_lower(text) : text);
  };
  Symbols symbols;
  NgramCounter characters(options.char_order), words(options.word_order);
  const std::u32string text = prepared(hypothesis);
  const std::vector<int64_t> hypothesis_characters =
      characters.count(symbols.characters(text, options.whitespace));
  const std::vector<int64_t> hypothesis_words = words.count(symbols.words(text));

  ChrfStats best;
  double best_score = -1;
  for (const std::string& reference : references) {
    const std::u32string reference_text = prepared(reference);
    ChrfStats stats;
    stats.orders.resize(static_cast<size_t>(options.char_order + options.word_order));
    const std::span<ChrfCounts> orders(stats.orders);
    compare(characters, hypothesis_characters,
            characters.count(symbols.characters(reference_text, options.whitespace)),
            orders.first(static_cast<size_t>(options.char_order)));
    compare(words, hypothesis_words, words.count(symbols.words(reference_text)),
            orders.last(static_cast<size_t>(options.word_order)));
    if (const double found = score(stats, options); found > best_score) {
      best_score = found;
      best = std::move(stats);
    }
  }
  return best;
}

std::vector<ChrfStats> corpus_chrf_stats(std::span<const std::string> hypotheses,
                                         std::span<const std::string> references,
                                         const ChrfOptions& options) {
  std::string nrefs;
  return stats_of_each(hypotheses, references, options, nrefs);
}

std::vector<ChrfStats> corpus_chrf_stats(std::span<const std::string> hypotheses,
                                         std::span<const std::vector<std::string>> references,
                                         const ChrfOptions& options) {
  std::string nrefs;
  return stats_of_each(hypotheses, references, options, nrefs);
}

ChrfResult chrf_of(const ChrfStats& stats, const ChrfOptions& options) {
  check(options);
  const auto orders = static_cast<size_t>(options.char_order + options.word_order);
  if (!stats.orders.empty() && stats.orders.size() != orders) {
    throw ValueError("chrf",
                     fmt::format("statistics of {} orders, options for {}", stats.orders.size(), orders));
  }
  return {stats.orders.empty() ? 0 : score(stats, options), signature("1", options)};
}

ChrfResult corpus_chrf(std::span<const std::string> hypotheses, std::span<const std::string> references,
                       const ChrfOptions& options) {
  return score_corpus(hypotheses, references, options);
}

ChrfResult corpus_chrf(std::span<const std::string> hypotheses,
                       std::span<const std::vector<std::string>> references, const ChrfOptions& options) {
  return score_corpus(hypotheses, references, options);
}

ChrfResult sentence_chrf(std::string_view hypothesis, std::span<const std::string> references,
                         const ChrfOptions& options) {
  ChrfResult result = chrf_of(chrf_stats(hypothesis, references, options), options);
  result.signature = signature(std::to_string(references.size()), options);
  return result;
}

}  // namespace heed::models
