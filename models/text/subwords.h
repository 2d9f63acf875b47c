// Splits words into subword pieces and joins them again, using SentencePiece (Kudo & Richardson 2018):
// byte-pair encoding (Sennrich et al. 2016) or a unigram model (Kudo 2018). The model is trained on the
// corpus and stored in the run folder. The first piece of a word starts with U+2581. A model with bytes
// writes characters that it does not know as pieces <0x00> to <0xFF>, the bytes of their UTF-8, so that no
// text is unknown to it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/options/choice.h"

namespace heed::models {

/// How SentencePiece learns words or pieces: byte-pair encoding or a unigram language model.
enum class SubwordKind : uint8_t { none, bpe, unigram };
/// The names of SubwordKind, SentencePiece's.
template <>
inline constexpr std::array<std::string_view, 3> kNames<SubwordKind>{"none", "bpe", "unigram"};

/// What SentencePiece does to text before it splits it. `nmt_` also turns every white space into U+0020 and
/// drops control characters; `_cf` also folds case.
enum class Normalisation : uint8_t { identity, nfkc, nmt_nfkc, nfkc_cf, nmt_nfkc_cf };
/// The names of Normalisation, SentencePiece's.
template <>
inline constexpr std::array<std::string_view, 5> kNames<Normalisation>{"identity", "nfkc", "nmt_nfkc",
                                                                       "nfkc_cf", "nmt_nfkc_cf"};

/// What a subword model is like.
struct SubwordOptions {
  SubwordKind kind = SubwordKind::bpe;  // not none
  int64_t size = 8000;                  // number of pieces, the 256 bytes included
  /// Whether characters that the model does not know are written as bytes. Those that make up the last 0.05 %
  /// of the corpus are left to the bytes, so that the bytes are met in training.
  bool bytes = false;
  Normalisation normalisation = Normalisation::identity;  // of the text before it is split
};

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
  /// @param options kind other than none, size, bytes, normalisation
  /// @return the serialised model; equal input gives equal bytes
  /// @throws ValueError for a size that is too small for the characters of the corpus, and for a corpus
  ///   without words
  static std::string train(std::span<const std::vector<std::string>> lines, const SubwordOptions& options);

  /// The same from lines of text, which need less memory.
  /// @param lines sentences, their words joined by single spaces
  /// @param options as above
  /// @return the serialised model, the same bytes as of the words
  /// @throws ValueError as above
  static std::string train(std::span<const std::string> lines, const SubwordOptions& options);

  /// Loads a model made by train().
  /// @param model the serialised model
  /// @param name used in error messages
  /// @throws FormatError naming `name`
  Subwords(const std::string& model, const std::string& name);
  ~Subwords();
  Subwords(const Subwords&) = delete;
  Subwords& operator=(const Subwords&) = delete;

  /// Splits a word into pieces. Thread-safe.
  /// @param word a word; a space at its beginning or end (Spacing::kept) is a piece of its own, U+2581
  /// @return its pieces, at least one
  std::vector<std::string> split(const std::string& word) const;
  /// @return all pieces that split() can give for text that the model knows, and the 256 bytes if it has
  /// them;
  ///   without SentencePiece's marks of the unknown, the beginning and the end
  std::vector<std::string> pieces() const;
  /// The mark that a word begins with, U+2581.
  static constexpr std::string_view kWordMark = "\xE2\x96\x81";
  /// Splits a whole line into pieces, with the model's own normalisation, as the program that trained it
  /// does. For models that other programs trained; thread-safe.
  /// @param words words of the line; it is read with single spaces between them
  /// @return its pieces
  LinePieces split_line(std::span<const std::string> words) const;
  /// @return the serialised model
  std::string model() const;
  /// @param piece as SentencePiece's own table has it
  /// @return whether it is one of the model's
  bool has(const std::string& piece) const;
  /// @return all pieces by SentencePiece's own ids, with its marks such as <unk> and </s>
  std::vector<std::string> table() const;
  /// @param piece a piece returned by split()
  /// @return whether it is the first piece of a word
  static bool begins_word(std::string_view piece);
  /// Words that pieces are joined to.
  struct Joined {
    std::vector<std::string> words;  // in order
    std::vector<int> word_of;        // for each piece, the index of its word
  };
  /// Joins pieces to words. Pieces before the first piece that begins a word are joined to the first word;
  /// bytes that are not UTF-8 together become U+FFFD. A piece U+2581 that no piece of a word follows is a
  /// further space: it stands at the beginning of the word that comes next, behind the last word at its end.
  /// @param pieces pieces of a sentence, in order
  /// @return the words
  static Joined join(std::span<const std::string> pieces);

 private:
  struct Processor;
  std::vector<std::string> split_text(const std::string& word) const;  // of a word without spaces
  std::unique_ptr<Processor> processor_;
};

}  // namespace heed::models
