#include "models/evaluation/diagnosis.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>

namespace heed::models {
namespace {

// How often each pair of neighbours stands in a text.
std::map<std::string, int> pairs_of(const std::vector<std::string>& words) {
  std::map<std::string, int> counts;
  for (size_t i = 0; i + 1 < words.size(); ++i) ++counts[words[i] + " " + words[i + 1]];
  return counts;
}

}  // namespace

Diagnosis diagnose(const Translation& translation, const std::vector<std::string>& reference_words) {
  Diagnosis result;
  std::vector<std::string> words;
  bool ended = false;
  for (const TranslationToken& token : translation.target.tokens) {
    ended = ended || token.eos;
    if (token.eos) continue;
    words.push_back(token.text);
    result.unknown += token.unk ? 1 : 0;
  }
  for (const TranslationToken& token : translation.source.tokens) result.unknown += token.unk ? 1 : 0;
  const std::vector<std::vector<float>> weights = mean_attention(translation);
  for (size_t s = 0; !weights.empty() && s < translation.source.tokens.size(); ++s) {
    double covered = 0;
    for (const std::vector<float>& row : weights) covered += static_cast<double>(row[s]);
    if (covered < kSkipped && !translation.source.tokens[s].eos)
      result.skipped.push_back(translation.source.tokens[s].text);
  }
  const std::map<std::string, int> wanted = pairs_of(reference_words);
  int most = 2;  // a pair may stand twice by chance
  for (const auto& [pair, count] : pairs_of(words)) {
    const auto found = wanted.find(pair);
    if (count <= most || count <= (found == wanted.end() ? 0 : found->second)) continue;
    most = count;
    result.repeated = pair;
  }
  result.no_end = !ended && !words.empty();
  result.early_end =
      ended && static_cast<double>(words.size()) < kShort * static_cast<double>(reference_words.size());
  return result;
}

std::string Diagnosis::text() const {
  std::vector<std::string> parts;
  if (!skipped.empty()) parts.push_back(fmt::format("skipped: {}", fmt::join(skipped, ", ")));
  if (!repeated.empty()) parts.push_back("repeated: " + repeated);
  if (unknown > 0) parts.push_back(fmt::format("unknown words: {}", unknown));
  if (early_end) parts.push_back("early end");
  if (no_end) parts.push_back("no end");
  return parts.empty() ? "no cause found" : fmt::format("{}", fmt::join(parts, "; "));
}

}  // namespace heed::models
