// Converts words of one side (source or target) of a translator to the ids that the model uses, and back.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/text/subwords.h"
#include "models/text/vocabulary.h"

namespace heed::models {

/// A vocabulary of words, or of subword pieces together with the model that splits words into pieces.
struct TextCodec {
  Vocabulary vocabulary;                     // its entries are words, or pieces if `subwords` is set
  std::shared_ptr<const Subwords> subwords;  // splits words into pieces; null: the vocabulary has whole words
  /// Whether the subword model is another program's: it reads whole lines, with its own normalisation, and
  /// pieces that the vocabulary does not have are unknown.
  bool whole_lines = false;
  bool ends = true;  // whether a sentence ends with </s> when it is a source
  /// Whether words of an output have the spaces that they begin and end with (Spacing::kept).
  bool keeps_spaces = false;
  bool breaks = false;  // whether kBreak (context.h) is a unit of its own

  /// Result of encode().
  struct Encoded {
    std::vector<int> ids;      // ids in the vocabulary
    std::vector<int> word_of;  // for each id, the index of the word that it belongs to
  };
  /// @param words words of one sentence
  /// @return their ids, without the end mark
  /// @throws ValueError with `whole_lines`, when the sentence begins with a target language, >>code<<, that
  /// the
  ///   vocabulary does not have while it has others
  Encoded encode(std::span<const std::string> words) const;
  /// Splits words into entries of the vocabulary.
  /// @param words words of one sentence
  /// @return the pieces of the words; the words themselves if `subwords` is null
  std::vector<std::string> units(std::span<const std::string> words) const;
  /// Result of decode().
  struct Decoded {
    std::vector<std::string> words;  // whole words
    std::vector<int> word_of;        // for each id, the index of the word that it belongs to
  };
  /// @param ids ids of an output, without the end mark
  /// @return the words, and which word each id belongs to
  Decoded decode(std::span<const int> ids) const;

 private:
  Decoded joined(std::span<const std::string> pieces) const;
  LinePieces line_pieces(std::span<const std::string> words) const;
};

/// Whether a token of a vocabulary says into which language a model of several is to translate.
/// @param token entry of a vocabulary
/// @return whether it is of the form >>code<<, as in OPUS-MT
bool is_language_mark(std::string_view token);

/// Appends the end mark to the ids of a source, if the model reads one.
/// @param codec codec of the source side
/// @param ids ids of a sentence
/// @return the ids as the model reads them
std::vector<int> with_end(const TextCodec& codec, std::vector<int> ids);

/// Converts words to ids and appends the end mark, if the model reads one.
/// @param codec codec of the source side
/// @param words words of a sentence
/// @return the ids
std::vector<int> encode_source(const TextCodec& codec, std::span<const std::string> words);

}  // namespace heed::models
