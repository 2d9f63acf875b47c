// Ordinary text into words and back, after the rules of the Moses tokenizer, whose output the corpora of
// machine translation are made of:  "A dog's ball."  ->  a dog &apos;s ball .        [Koehn et al. 2007,
// tokenizer.perl]
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heed::models {

/// How text becomes tokens; stored in the run folder, so that a model meets new text as it met its corpus.
struct TextSettings {
  std::string tokenizer = "words";  ///< "words": the rules of tokenize(); "none": split at white space, nothing else
  bool lowercase = false;           ///< lower-case every token (to_lower)
  bool normalise = true;            ///< typographic quotes, dashes and ellipses to ASCII; letters to NFC
  bool escape = true;               ///< write & ' " < > | [ ] as Moses does: &amp; &apos; &quot; &lt; &gt; &#124; &#91; &#93;
  std::string language;             ///< apostrophes: "en" and "" cut dog|'s, "fr" and "it" cut l'|homme, others cut both sides

  bool operator==(const TextSettings&) const = default;
};

/// Refuses settings that make no sense.
/// @param settings as a user gave them
/// @throws ValueError if they name a tokenizer that heed does not have
void check(const TextSettings& settings);

/// A token and where it stands.
struct Token {
  std::string text;           ///< as the vocabulary has it: normalised, lower-cased, escaped
  size_t begin = 0, end = 0;  ///< the bytes of the original text that it stands for

  bool operator==(const Token&) const = default;
};

/// The tokens of one sentence. Spans are in order, do not overlap, and leave only white space between them.
///
/// Words are split off punctuation; numbers (3.14, 1,000), abbreviations (e.g., Mr., single initials) and
/// hyphenated words stay whole. Text that is tokenised already (looks_tokenised) is split at white space and
/// otherwise left as it is, but for `lowercase`.
/// @param text one sentence, UTF-8
/// @param settings case, normalisation, escapes, language
/// @return the tokens in order
std::vector<Token> tokenize(std::string_view text, const TextSettings& settings);

/// Whether a line is the output of a tokenizer: it has punctuation between spaces or Moses' `&apos;`, and
/// nowhere a word with a comma, a quote or a sentence end attached to it.
/// @param text one line
/// @return whether it does
bool looks_tokenised(std::string_view text);

/// Tokens as text for people: entities undone, spaces where print has them, so that a, dog, &apos;s, ball and . become
/// "a dog's ball." French ("fr") has a space in front of ? ! : ; and % and writes quotes as guillemets with spaces inside.
/// @param tokens of one sentence
/// @param language as in TextSettings
/// @return the text
std::string detokenize(std::span<const std::string> tokens, std::string_view language = "");

/// A token without Moses' entities.
/// @param token such as `&apos;s`
/// @return for that an apostrophe and the s
std::string unescape(std::string_view token);

/// Lines as tokens; an empty line gives none.
/// @param lines ordinary text
/// @param settings of that side
/// @return the tokens of each line
std::vector<std::vector<std::string>> tokenize_lines(std::span<const std::string> lines, const TextSettings& settings);
/// @param words of a sentence
/// @return them, joined by single spaces
std::string join(std::span<const std::string> words);

}  // namespace heed::models
