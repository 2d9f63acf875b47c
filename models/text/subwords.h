// Words into pieces and back, by SentencePiece (Kudo & Richardson 2018): byte-pair encoding (Sennrich et al. 2016) or a unigram model
// (Kudo 2018), trained on the corpus and kept in the run folder. A word's first piece begins with U+2581.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heed::models {

/// A trained model of pieces.
class Subwords {
 public:
  /// Learns pieces from words.
  /// @param lines the words of a corpus
  /// @param kind "bpe" or "unigram"
  /// @param size how many pieces
  /// @return the model as bytes; equal input gives equal bytes
  /// @throws ValueError for another kind, a size that is too small for the characters, and no words
  static std::string train(std::span<const std::vector<std::string>> lines, const std::string& kind, int64_t size);

  /// Reads what train() made.
  /// @param model the bytes
  /// @param name used in error messages
  /// @throws FormatError naming `name`
  Subwords(const std::string& model, const std::string& name);
  ~Subwords();
  Subwords(const Subwords&) = delete;
  Subwords& operator=(const Subwords&) = delete;

  /// Several threads may call at once.
  /// @param word without white space
  /// @return its pieces, at least one
  std::vector<std::string> split(const std::string& word) const;
  /// @param piece as split() gives it
  /// @return whether it begins a word
  static bool begins_word(std::string_view piece);
  /// Words from pieces; what stands before the first beginning joins the first word.
  /// @param pieces in order
  /// @return the words
  static std::vector<std::string> join(std::span<const std::string> pieces);

 private:
  struct Processor;
  std::unique_ptr<Processor> processor_;
};

}  // namespace heed::models
