#include "models/text/codec.h"

namespace heed::models {

std::vector<std::string> TextCodec::units(std::span<const std::string> words) const {
  std::vector<std::string> result;
  for (const std::string& word : words) {
    if (!subwords) {
      result.push_back(word);
      continue;
    }
    for (std::string& piece : subwords->split(word)) result.push_back(std::move(piece));
  }
  return result;
}

TextCodec::Encoded TextCodec::encode(std::span<const std::string> words) const {
  Encoded result;
  for (size_t i = 0; i < words.size(); ++i) {
    for (const int id : vocabulary.encode(units(words.subspan(i, 1)))) {
      result.ids.push_back(id);
      result.word_of.push_back(static_cast<int>(i));
    }
  }
  return result;
}

TextCodec::Decoded TextCodec::decode(std::span<const int> ids) const {
  Decoded result;
  std::vector<std::string> pieces;
  int words = 0;
  for (const int id : ids) {
    pieces.push_back(vocabulary.token(id));
    const bool begins = !subwords || words == 0 || Subwords::begins_word(pieces.back());
    result.word_of.push_back(words - (begins ? 0 : 1));
    words += begins ? 1 : 0;
  }
  result.words = subwords ? Subwords::join(pieces) : std::move(pieces);
  return result;
}

std::vector<int> encode_source(const TextCodec& codec, std::span<const std::string> words) {
  std::vector<int> ids = codec.encode(words).ids;
  ids.push_back(Vocabulary::kEos);
  return ids;
}

}  // namespace heed::models
