// Splits words into subword pieces and joins them again, using SentencePiece (Kudo & Richardson 2018):
// byte-pair encoding (Sennrich et al. 2016) or a unigram model (Kudo 2018). The model is trained on the
// corpus and stored in the run folder. The first piece of a word starts with U+2581.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heed::models {

/// The pieces of a line, and the index of the word that each belongs to.
struct LinePieces {
  std::vector<std::string> pieces;  // in order
  std::vector<int> word_of;         // for each piece, the index of its word
};

/// A trained subword model.
class Subwords {
 public:
  /// Trains a subword model.
  /// @param lines the words of each sentence of a corpus
  /// @param kind "bpe" or "unigram"
  /// @param size number of pieces
  /// @return the serialised model; equal input gives equal bytes
  /// @throws ValueError for an unknown kind, a size that is too small for the characters of the corpus, and a
  ///   corpus without words
  static std::string train(std::span<const std::vector<std::string>> lines, const std::string& kind,
                           int64_t size);

  /// Loads a model made by train().
  /// @param model the serialised model
  /// @param name used in error messages
  /// @throws FormatError naming `name`
  Subwords(const std::string& model, const std::string& name);
  ~Subwords();
  Subwords(const Subwords&) = delete;
  Subwords& operator=(const Subwords&) = delete;

  /// Splits a word into pieces. Thread-safe.
  /// @param word a word without white space
  /// @return its pieces, at least one
  std::vector<std::string> split(const std::string& word) const;
  /// The mark that a word begins with, U+2581.
  static constexpr std::string_view kWordMark = "\xE2\x96\x81";
  /// Splits a whole line into pieces, with the model's own normalisation, as the program that trained it
  /// does. For models that other programs trained; thread-safe.
  /// @param words words of the line; it is read with single spaces between them
  /// @return its pieces
  LinePieces split_line(std::span<const std::string> words) const;
  /// @return all pieces by SentencePiece's own ids, with its marks such as <unk> and </s>
  std::vector<std::string> table() const;
  /// @param piece a piece returned by split()
  /// @return whether it is the first piece of a word
  static bool begins_word(std::string_view piece);
  /// Joins pieces to words. Pieces before the first piece that begins a word are joined to the first word.
  /// @param pieces pieces of a sentence, in order
  /// @return the words
  static std::vector<std::string> join(std::span<const std::string> pieces);

 private:
  struct Processor;
  std::unique_ptr<Processor> processor_;
};

}  // namespace heed::models
