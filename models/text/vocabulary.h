// The list of words a model knows, and their numbers.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace heed::models {

/// Tokens and ids, one to one. Ids 0 to 3 are `<pad>`, `<s>`, `</s>` and `<unk>`; the others follow by falling
/// count, ties by bytes, so that the same corpus gives the same ids everywhere.
class Vocabulary {
 public:
  static constexpr int kPad = 0, kBos = 1, kEos = 2, kUnk = 3, kSpecials = 4;  // ids of the special tokens, and their number
  /// Their spelling.
  static constexpr std::string_view kSpecialTokens[kSpecials] = {"<pad>", "<s>", "</s>", "<unk>"};
  /// How often each token was seen.
  using Counts = std::unordered_map<std::string, int64_t>;

  /// The special tokens alone.
  Vocabulary();

  /// Tokens seen at least `min_count` times, the most frequent first, until the vocabulary has `max_size`
  /// entries, the special ones included (0: no limit). Corpus words spelt like a special token are left out.
  /// @param counts of a corpus
  /// @param min_count at least 0
  /// @param max_size above 4, or 0
  /// @return the vocabulary
  /// @throws ValueError for a max_size of 1 to 4, a negative argument, and tokens that a line of text cannot hold
  static Vocabulary build(const Counts& counts, int64_t min_count = 1, int64_t max_size = 0);
  /// The same from the tokens themselves.
  /// @param lines tokens of a corpus
  /// @param min_count,max_size as above
  /// @return the vocabulary
  static Vocabulary build(std::span<const std::vector<std::string>> lines, int64_t min_count = 1, int64_t max_size = 0);

  /// @param token special ones by their spelling too
  /// @return its id, or kUnk
  int id(std::string_view token) const;
  /// @param token special ones by their spelling too
  /// @return whether it has an id of its own
  bool contains(std::string_view token) const { return ids_.contains(token); }
  /// @param id in [0, size())
  /// @return its token
  /// @throws IndexError outside
  const std::string& token(int id) const;
  /// @return how many tokens, the special ones included
  int size() const { return static_cast<int>(tokens_.size()); }
  /// @return all, by id
  const std::vector<std::string>& tokens() const { return tokens_; }

  /// Ids of the words of a text. A word spelt like a special token is kUnk: text cannot end a sentence by
  /// writing `</s>`.
  /// @param words of a text
  /// @return as many ids
  std::vector<int> encode(std::span<const std::string> words) const;

  /// @return one token a line, in the order of the ids
  std::string save() const;
  /// Reads what save() wrote.
  /// @param text of the file
  /// @param name used in error messages
  /// @return the vocabulary
  /// @throws FormatError with `name` and the line: not UTF-8, a token twice, an empty line, white space in a token, a file that does not
  ///   start with the special tokens
  static Vocabulary parse(std::string_view text, std::string_view name);

  /// @param other compared token by token
  /// @return whether both give the same ids
  bool operator==(const Vocabulary& other) const { return tokens_ == other.tokens_; }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  bool add(std::string token);  // false if it is there already

  std::vector<std::string> tokens_;
  std::unordered_map<std::string, int, Hash, std::equal_to<>> ids_;
};

}  // namespace heed::models
