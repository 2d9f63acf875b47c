#include "models/metrics/bleu.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_map>

#include "framework/core/error.h"
#include "models/text/unicode.h"

namespace heed::models {
namespace {

constexpr std::string_view kVersion = "heed-0.1.0";

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (size_t pos = text.find(what); pos != std::string::npos; pos = text.find(what, pos + with.size())) {
    text.replace(pos, what.size(), with);
  }
}

// The four substitutions of mteval-v13a, each one pass from left to right over code points, matches not
// overlapping.
bool is_digit(char32_t c) { return c >= U'0' && c <= U'9'; }
bool is_stop(char32_t c) { return c == U'.' || c == U','; }
bool is_symbol(char32_t c) {  // [\{-\~\[-\` -\&\(-\+\:-\@\/]
  return (c >= U'{' && c <= U'~') || (c >= U'[' && c <= U'`') || (c >= U' ' && c <= U'&') || (c >= U'(' && c <= U'+') ||
         (c >= U':' && c <= U'@') || c == U'/';
}

std::u32string surround_symbols(const std::u32string& text) {
  std::u32string out;
  for (const char32_t c : text) {
    if (is_symbol(c)) {
      out.append({U' ', c, U' '});
    } else {
      out += c;
    }
  }
  return out;
}

// s/(first)(second)/.../ for two single characters: `spaced` writes each pair that matches.
template <class First, class Second, class Spaced>
std::u32string replace_pairs(const std::u32string& text, First first, Second second, Spaced spaced) {
  std::u32string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i + 1 < text.size() && first(text[i]) && second(text[i + 1])) {
      spaced(out, text[i], text[i + 1]);
      ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string tokenize_13a(std::string_view line) {
  std::string text(line);
  replace_all(text, "<skipped>", "");
  replace_all(text, "-\n", "");
  replace_all(text, "\n", " ");
  replace_all(text, "&quot;", "\"");
  replace_all(text, "&amp;", "&");
  replace_all(text, "&lt;", "<");
  replace_all(text, "&gt;", ">");
  const auto not_digit = [](char32_t c) { return !is_digit(c); };
  const auto after = [](std::u32string& out, char32_t a, char32_t b) { out.append({a, U' ', b, U' '}); };
  const auto before = [](std::u32string& out, char32_t a, char32_t b) { out.append({U' ', a, U' ', b}); };
  std::u32string units = code_points(text);
  units.insert(units.begin(), U' ');
  units.push_back(U' ');
  units = surround_symbols(units);
  units = replace_pairs(units, not_digit, is_stop, after);
  units = replace_pairs(units, is_stop, not_digit, before);
  units = replace_pairs(
      units, is_digit, [](char32_t c) { return c == U'-'; }, after);
  return to_utf8(units);
}

void check(const BleuOptions& options) {
  if (options.tokenize != "13a" && options.tokenize != "none") {
    throw ValueError(fmt::format("bleu: unknown tokenisation '{}': '13a' or 'none'", options.tokenize));
  }
}

std::string signature(size_t references, bool effective_order, const BleuOptions& options) {
  return fmt::format("BLEU|nrefs:{}|case:{}|eff:{}|tok:{}|smooth:exp|version:{}", references, options.lowercase ? "lc" : "mixed",
                     effective_order ? "yes" : "no", options.tokenize, kVersion);
}

using NgramCounts = std::map<std::vector<int>, int64_t>;

// Counts all n-grams of 1 to 4 words; words are numbered as they turn up.
struct NgramCounter {
  std::unordered_map<std::string, int> ids;

  NgramCounts count(const std::vector<std::string_view>& words) {
    std::vector<int> numbers;
    for (const auto word : words) numbers.push_back(ids.emplace(std::string(word), static_cast<int>(ids.size())).first->second);
    NgramCounts counts;
    for (auto begin = numbers.begin(); begin != numbers.end(); ++begin) {
      const auto left = std::min<std::ptrdiff_t>(kBleuOrder, numbers.end() - begin);
      for (std::ptrdiff_t n = 1; n <= left; ++n) ++counts[std::vector<int>(begin, begin + n)];
    }
    return counts;
  }
};

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

std::string bleu_tokenize(std::string_view line, const BleuOptions& options) {
  check(options);
  const std::string_view stripped = strip_right(line);
  const std::string cased = options.lowercase ? to_lower(stripped) : std::string(stripped);
  const std::string text = options.tokenize == "13a" ? tokenize_13a(cased) : cased;
  std::string out;
  for (const auto word : split_whitespace(text)) {
    if (!out.empty()) out += ' ';
    out += word;
  }
  return out;
}

BleuStats bleu_stats(std::string_view hypothesis, std::span<const std::string> references, const BleuOptions& options) {
  if (references.empty()) throw ValueError("bleu: a sentence without a reference");
  NgramCounter counter;
  const std::string hypothesis_text = bleu_tokenize(hypothesis, options);
  const auto hypothesis_words = split_whitespace(hypothesis_text);
  const NgramCounts hypothesis_counts = counter.count(hypothesis_words);

  BleuStats stats;
  stats.sys_len = static_cast<int64_t>(hypothesis_words.size());
  NgramCounts reference_counts;  // the largest count in any reference
  int64_t closest = -1;
  for (const auto& reference : references) {
    const std::string text = bleu_tokenize(reference, options);
    const auto reference_words = split_whitespace(text);
    for (const auto& [ngram, count] : counter.count(reference_words)) {
      auto& most = reference_counts[ngram];
      most = std::max(most, count);
    }
    const auto length = static_cast<int64_t>(reference_words.size());
    const auto distance = std::abs(stats.sys_len - length);
    if (closest < 0 || distance < closest || (distance == closest && length < stats.ref_len)) {
      closest = distance;
      stats.ref_len = length;
    }
  }
  for (const auto& [ngram, count] : hypothesis_counts) {
    const auto found = reference_counts.find(ngram);
    stats.totals[ngram.size() - 1] += count;
    if (found != reference_counts.end()) stats.matches[ngram.size() - 1] += std::min(count, found->second);
  }
  return stats;
}

BleuResult bleu_of(const BleuStats& stats, bool effective_order) {
  BleuResult result;
  result.sys_len = stats.sys_len;
  result.ref_len = stats.ref_len;
  result.signature = signature(1, effective_order, {});
  if (stats.sys_len < stats.ref_len) {
    const auto sys = static_cast<double>(stats.sys_len), ref = static_cast<double>(stats.ref_len);
    result.bp = stats.sys_len > 0 ? std::exp(1 - ref / sys) : 0.0;
  }
  if (std::ranges::all_of(stats.matches, [](int64_t n) { return n == 0; })) return result;  // no match of any order: 0
  size_t order = kBleuOrder;
  double smoothing = 1;
  for (size_t n = 0; n < kBleuOrder && stats.totals[n] > 0; ++n) {
    if (effective_order) order = n + 1;
    const auto total = static_cast<double>(stats.totals[n]);
    if (stats.matches[n] == 0) {
      smoothing *= 2;
      result.precisions[n] = 100.0 / (smoothing * total);
    } else {
      result.precisions[n] = 100.0 * static_cast<double>(stats.matches[n]) / total;
    }
  }
  double sum = 0;
  for (size_t n = 0; n < order; ++n) sum += result.precisions[n] == 0 ? -9999999999.0 : std::log(result.precisions[n]);
  result.score = result.bp * std::exp(sum / static_cast<double>(order));
  return result;
}

BleuResult corpus_bleu(std::span<const std::string> hypotheses, std::span<const std::vector<std::string>> references,
                       const BleuOptions& options) {
  check(options);
  if (hypotheses.size() != references.size()) {
    throw ValueError(fmt::format("bleu: {} hypotheses, {} references", hypotheses.size(), references.size()));
  }
  BleuStats stats;
  for (size_t i = 0; i < hypotheses.size(); ++i) {
    if (references[i].size() != references[0].size()) {
      throw ValueError(
          fmt::format("bleu: sentence 1 has {} references, sentence {} has {}", references[0].size(), i + 1, references[i].size()));
    }
    stats += bleu_stats(hypotheses[i], references[i], options);
  }
  BleuResult result = bleu_of(stats);
  result.signature = signature(references.empty() ? 1 : references[0].size(), false, options);
  return result;
}

BleuResult corpus_bleu(std::span<const std::string> hypotheses, std::span<const std::string> references, const BleuOptions& options) {
  check(options);
  if (hypotheses.size() != references.size()) {
    throw ValueError(fmt::format("bleu: {} hypotheses, {} references", hypotheses.size(), references.size()));
  }
  BleuStats stats;
  for (size_t i = 0; i < hypotheses.size(); ++i) stats += bleu_stats(hypotheses[i], references.subspan(i, 1), options);
  BleuResult result = bleu_of(stats);
  result.signature = signature(1, false, options);
  return result;
}

BleuResult sentence_bleu(std::string_view hypothesis, std::span<const std::string> references, const BleuOptions& options) {
  BleuResult result = bleu_of(bleu_stats(hypothesis, references, options), true);
  result.signature = signature(references.size(), true, options);
  return result;
}

std::string LengthBucket::name() const { return max >= kNoMaximum ? fmt::format("{}+", min) : fmt::format("{}-{}", min, max); }

std::vector<LengthBucket> default_length_buckets() {
  return {{1, 9}, {10, 19}, {20, 29}, {30, 39}, {40, 49}, {50, kNoMaximum}, {30, kNoMaximum}};
}

std::vector<BucketBleu> bleu_by_length(std::span<const std::string> hypotheses, std::span<const std::string> references,
                                       std::span<const int> source_lengths, const BleuOptions& options,
                                       std::span<const LengthBucket> buckets) {
  check(options);
  if (hypotheses.size() != references.size() || hypotheses.size() != source_lengths.size()) {
    throw ValueError(
        fmt::format("bleu: {} hypotheses, {} references, {} source lengths", hypotheses.size(), references.size(), source_lengths.size()));
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
    results[b].bleu = bleu_of(stats[b]);
    results[b].bleu.signature = signature(1, false, options);
  }
  return results;
}

}  // namespace heed::models
