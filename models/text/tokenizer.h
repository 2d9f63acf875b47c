// Splits ordinary text into tokens and joins them again: by the rules of the Moses tokenizer, which is used
// for most machine translation corpora,  "A dog's ball."  ->  a dog &apos;s ball .   [Koehn et al. 2007,
// tokenizer.perl]; at spaces alone, so that the text comes back as it is written; or into characters.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/options/choice.h"

namespace heed::models {

/// The token of a space where every character is a token (U+2581, as SentencePiece has it).
constexpr std::string_view kSpaceToken = "\xE2\x96\x81";

/// How tokens are found.
enum class Tokenizer : uint8_t {
  automatic,   // none for a run with subwords, else words: what a run stores is one of those (resolved())
  words,       // by Moses' rules; text that is already tokenised is split at white space
  none,        // at spaces alone: the text of the tokens is the text itself, any other character included
  whitespace,  // at any white space; joined as Moses' tokens are
  characters,  // every character that a reader sees as one; a space is the token U+2581
};
/// The names of Tokenizer.
template <>
inline constexpr std::array<std::string_view, 5> kNames<Tokenizer>{"auto", "words", "none", "whitespace",
                                                                   "characters"};

/// What becomes of white space between words where text is taken as it is (TextSettings::raw).
enum class Spacing : uint8_t {
  automatic,  // kept where the training text has enough to learn it from (kept_spacing), else one
  one,        // white space in a row is one space, at the ends of a line none
  kept,       // as it is written: a further space, a tab, spaces at the ends
};
/// The names of Spacing.
template <>
inline constexpr std::array<std::string_view, 3> kNames<Spacing>{"auto", "one", "kept"};

/// How text is split into tokens; stored in the run folder, so that a model reads new text in the same way as
/// its training corpus.
struct TextSettings {
  Tokenizer tokenizer = Tokenizer::automatic;  // how tokens are found
  bool lowercase = false;                      ///< lower-case every token (to_lower)
  /// Of Tokenizer::none with subwords and of Tokenizer::characters. Spacing::automatic is Spacing::one here.
  Spacing spacing = Spacing::automatic;
  /// Of Tokenizer::words: typographic quotes, dashes and ellipses to ASCII; letters to NFC.
  bool normalise = true;
  /// Of Tokenizer::words: write & ' " < > | [ ] as Moses does: &amp; &apos; &quot; &lt; &gt; &#124; &#91;
  /// &#93;
  bool escape = true;
  /// Of Tokenizer::words: for apostrophes "en" and "" cut dog|'s, "fr" and "it" cut l'|homme, others cut both
  /// sides. Elsewhere it is what the text is scored as: languages without spaces by character.
  std::string language;
  /// Lines of the same document that stand before a sentence, with kBreak between them (context.h). Above 0
  /// kBreak is a token of its own, whatever the tokenizer.
  int64_t context = 0;

  /// @return whether tokens are parts of the text as it is written, which needs no rules to be put together
  bool raw() const { return tokenizer == Tokenizer::none || tokenizer == Tokenizer::characters; }

  bool operator==(const TextSettings&) const = default;
};

/// A token and its place in the text.
struct Token {
  std::string text;           ///< as the vocabulary has it: normalised, lower-cased, escaped
  size_t begin = 0, end = 0;  ///< the bytes of the original text that it stands for

  bool operator==(const Token&) const = default;
};

/// Splits a sentence into tokens. Their spans are in order, do not overlap, and leave only white space
/// between them.
///
/// Tokenizer::none cuts at spaces (U+0020) and, with Spacing::one, at tabs and their kind. With Spacing::kept
/// all spaces but one between two words stand at the beginning of the second, those behind the last word at
/// its end ("a  b " is "a", " b "), tabs are characters like others, and join() gives the text back.
/// Tokenizer::characters: with Spacing::one white space of any kind in a row is one token, at the ends none;
/// with Spacing::kept each is one: U+0020 is kSpaceToken, any other and U+2581 itself are kSpaceToken and the
/// number of the character in hexadecimal ("\u25819" is a tab), as a vocabulary has no white space.
///
/// Tokenizer::words, which is also what Tokenizer::automatic does here: punctuation is split from words;
/// numbers (3.14, 1,000), abbreviations (e.g., Mr., single initials) and hyphenated words stay whole. Text
/// that is already tokenised (see looks_tokenised) is only split at white space, and lower-cased if
/// `lowercase` is set.
/// @param text one sentence, UTF-8
/// @param settings case, normalisation, escapes, language
/// @return the tokens in order
std::vector<Token> tokenize(std::string_view text, const TextSettings& settings);

/// Whether Spacing::one would change white space inside a line; that at its ends does not count.
/// @param text one line
/// @param tokenizer none or characters, which know different characters as white space
/// @return whether there is a space behind another one, or white space that is no space
bool has_other_spacing(std::string_view text, Tokenizer tokenizer);

/// Whether a line looks like the output of a tokenizer: punctuation or Moses' `&apos;` stands between spaces,
/// and no word has a comma, a quote or a sentence end attached to it.
/// @param text one line
/// @return whether it looks tokenised
bool looks_tokenised(std::string_view text);

/// Joins tokens to readable text: entities are replaced by their characters and spaces are placed as in
/// print, so that a, dog, &apos;s, ball and . become "a dog's ball." In French ("fr") there is a space before
/// ? ! : ; and %, and quotes are guillemets with spaces inside.
/// @param tokens tokens of one sentence, of Tokenizer::words or whitespace
/// @param language as in TextSettings
/// @return the text
std::string detokenize(std::span<const std::string> tokens, std::string_view language = "");
/// Joins tokens to readable text, whatever tokenizer they are of.
/// @param tokens tokens of one sentence
/// @param settings how they were made
/// @return the text
std::string detokenize(std::span<const std::string> tokens, const TextSettings& settings);

/// Replaces Moses' entities in a token by their characters.
/// @param token such as `&apos;s`
/// @return the token with the characters: 's in this example
std::string unescape(std::string_view token);
/// The text that a token stands for, whatever tokenizer it is of; without spaces that Spacing::kept put at
/// its ends.
/// @param token a token
/// @param settings how it was made
/// @return its text
std::string readable(std::string_view token, const TextSettings& settings);

/// Tokenises each line; an empty line has no tokens.
/// @param lines ordinary text
/// @param settings tokenisation settings
/// @return the tokens of each line
std::vector<std::vector<std::string>> tokenize_lines(std::span<const std::string> lines,
                                                     const TextSettings& settings);
/// @param words words of a sentence
/// @return the words joined by single spaces
std::string join(std::span<const std::string> words);

}  // namespace heed::models
