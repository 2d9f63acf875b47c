// Text cut into sentences, for translators that were trained on one at a time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace heed::models {

/// A sentence and the white space around it.
struct SentencePart {
  std::string before;  // white space in front, only of the first part of a text or line
  std::string text;    // without white space at its ends; empty for a line without text
  std::string after;   // white space up to the next sentence, line ends included

  bool operator==(const SentencePart&) const = default;
};

/// Cuts text into sentences by the rules of Unicode (UAX 29) and of the language, whose common abbreviations
/// do not end one; a line end does always. The parts, joined as they are, are the text.
/// @param text UTF-8
/// @param language ISO 639 code such as "en"; one that is not known, or "", goes by the general rules
/// @return the sentences in order
/// @throws ValueError when the text is not UTF-8
std::vector<SentencePart> split_sentences(std::string_view text, const std::string& language);

}  // namespace heed::models
