// The list of tokens that a model knows, with their ids.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace heed::models {

/// A one-to-one mapping between tokens and ids. Ids 0 to 3 are `<pad>`, `<s>`, `</s>` and `<unk>`; the others
/// are in order of falling count, ties in byte order, so that the same corpus gives the same ids everywhere.
class Vocabulary {
 public:
  static constexpr int kPad = 0, kBos = 1, kEos = 2, kUnk = 3;  // ids of the special tokens
  static constexpr int kSpecials = 4;                           // their number
  /// Spelling of the special tokens, by id.
  static constexpr std::string_view kSpecialTokens[kSpecials] = {"<pad>", "<s>", "</s>", "<unk>"};
  /// The number of occurrences of each token.
  using Counts = std::unordered_map<std::string, int64_t>;

  /// A vocabulary that has only the special tokens.
  Vocabulary();

  /// @param token any text
  /// @return whether a vocabulary file can hold it: not empty, UTF-8, no white space of ASCII
  static bool fits(std::string_view token);

  /// Builds a vocabulary from the tokens that occur at least `min_count` times, the most frequent first, up
  /// to `max_size` entries including the special ones (0: no limit). Words that are spelt like a special
  /// token are left out.
  /// @param counts token counts of a corpus
  /// @param min_count at least 0
  /// @param max_size above 4, or 0
  /// @return the vocabulary
  /// @throws ValueError for a max_size of 1 to 4, a negative argument, and tokens that a line of text cannot
  /// hold
  static Vocabulary build(const Counts& counts, int64_t min_count = 1, int64_t max_size = 0);
  /// The same from tokens instead of counts.
  /// @param lines tokens of each sentence of a corpus
  /// @param min_count,max_size as in the overload above
  /// @return the vocabulary
  static Vocabulary build(std::span<const std::vector<std::string>> lines, int64_t min_count = 1,
                          int64_t max_size = 0);

  /// @param token a token; may be the spelling of a special one
  /// @return its id, or kUnk if it is not in the vocabulary
  int id(std::string_view token) const;
  /// @param token a token; may be the spelling of a special one
  /// @return whether the token is in the vocabulary
  bool contains(std::string_view token) const { return slots_[slot_of(token)] >= 0; }
  /// @param id in [0, size())
  /// @return its token
  /// @throws IndexError for another id
  const std::string& token(int id) const;
  /// @return the number of tokens, including the special ones
  int size() const { return static_cast<int>(tokens_.size()); }
  /// @return all tokens, by id
  const std::vector<std::string>& tokens() const { return tokens_; }

  /// Converts words of a text to ids. A word that is spelt like a special token becomes kUnk, so text cannot
  /// end a sentence by writing `</s>`.
  /// @param words words of a text
  /// @return one id for each word
  std::vector<int> encode(std::span<const std::string> words) const;

  /// @return text with one token per line, in the order of ids
  std::string save() const;
  /// Parses a result of save().
  /// @param text content of the file
  /// @param name used in error messages
  /// @return the vocabulary
  /// @throws FormatError with `name` and the line: not UTF-8, a token twice, an empty line, white space in a
  /// token, a file that does not
  ///   start with the special tokens
  static Vocabulary parse(std::string_view text, std::string_view name);

  /// @param other the vocabulary to compare with
  /// @return whether both have the same tokens with the same ids
  bool operator==(const Vocabulary& other) const { return tokens_ == other.tokens_; }

 private:
  bool add(std::string token);  // returns false if the token is already there
  void index(size_t slots);
  size_t slot_of(std::string_view token) const;

  std::vector<std::string> tokens_;
  // Ids by the hash of their tokens, -1 for none, the next free slot where one is taken. A node for each
  // token, which a map of the library makes, takes milliseconds of a program's start.
  std::vector<int> slots_;
};

}  // namespace heed::models
