#include "models/metrics/scored_text.h"

#include <algorithm>
#include <array>

namespace heed::models {

BleuTokenizer bleu_tokenizer_of(std::string_view language) {
  constexpr std::array<std::string_view, 14> kWithoutSpaces{"zh",  "zho", "cmn", "yue", "ja",  "jpn", "th",
                                                            "tha", "lo",  "lao", "km",  "khm", "my",  "bo"};
  return std::ranges::find(kWithoutSpaces, language) == kWithoutSpaces.end() ? BleuTokenizer::v13a
                                                                             : BleuTokenizer::characters;
}

std::string scored_words(std::span<const std::string> tokens, const TextSettings& settings) {
  if (settings.raw())
    return bleu_tokenize(detokenize(tokens, settings), {.tokenize = bleu_tokenizer_of(settings.language)});
  std::vector<std::string> words;
  for (const std::string& token : tokens) words.push_back(readable(token, settings));
  return join(words);
}

}  // namespace heed::models
