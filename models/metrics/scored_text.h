// The words by which the output of a run is scored.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/metrics/bleu.h"
#include "models/text/tokenizer.h"

namespace heed::models {

/// How BLEU finds words in a language: by character (sacreBLEU's `char`) where words are written without
/// spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese, Tibetan), else 13a.
/// @param language code of two or three letters, or empty
/// @return the tokenizer
BleuTokenizer bleu_tokenizer_of(std::string_view language);

/// The words of a sentence for BLEU on a run's own tokens. Tokens of raw text have punctuation attached, so
/// there the words are those that BLEU finds in the text.
/// @param tokens tokens of the sentence
/// @param settings how they were made
/// @return words separated by one space
std::string scored_words(std::span<const std::string> tokens, const TextSettings& settings);

}  // namespace heed::models
