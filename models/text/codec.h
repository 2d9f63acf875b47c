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
  Vocabulary vocabulary;
  std::shared_ptr<const Subwords> subwords;  // null: the vocabulary holds words

  struct Encoded {
    std::vector<int> ids;
    std::vector<int> word_of;  // which word each id is of
  };
  /// Ids of words, without </s>.
  Encoded encode(std::span<const std::string> words) const;
  /// The vocabulary's entries that words are made of: themselves, or their pieces.
  std::vector<std::string> units(std::span<const std::string> words) const;
  /// Ids of an output (no </s>) as words, and which word each id is of.
  struct Decoded {
    std::vector<std::string> words;
    std::vector<int> word_of;
  };
  Decoded decode(std::span<const int> ids) const;
};

}  // namespace heed::models
