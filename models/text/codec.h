// One side of a translator: how its text becomes the ids that the model sees, and back.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "models/text/subwords.h"
#include "models/text/vocabulary.h"

namespace heed::models {

/// A vocabulary of words, or of subword pieces.
struct TextCodec {
  Vocabulary vocabulary;                     // of words or of pieces
  std::shared_ptr<const Subwords> subwords;  // null: the vocabulary holds words

  /// Words as ids.
  struct Encoded {
    std::vector<int> ids;      // in the vocabulary
    std::vector<int> word_of;  // which word each id is of
  };
  /// @param words of one sentence
  /// @return their ids, without the end mark
  Encoded encode(std::span<const std::string> words) const;
  /// The vocabulary's entries that words are made of.
  /// @param words of one sentence
  /// @return themselves, or their pieces
  std::vector<std::string> units(std::span<const std::string> words) const;
  /// Ids as words.
  struct Decoded {
    std::vector<std::string> words;  // whole ones
    std::vector<int> word_of;        // which word each id is of
  };
  /// @param ids of an output, without the end mark
  /// @return its words
  Decoded decode(std::span<const int> ids) const;
};

/// Words to ids, the end mark behind them.
/// @param codec of the source
/// @param words of a sentence
/// @return the ids
std::vector<int> encode_source(const TextCodec& codec, std::span<const std::string> words);

}  // namespace heed::models
