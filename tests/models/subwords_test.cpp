// SentencePiece pieces and what a side of a translator makes of them.
#include "models/text/subwords.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "framework/core/error.h"
#include "models/text/codec.h"
#include "tests/testing/throws.h"

namespace heed::models {
namespace {

using testing::ElementsAre;

std::vector<std::vector<std::string>> lines() {
  std::vector<std::vector<std::string>> result;
  for (int i = 0; i < 40; ++i) {
    result.push_back({"das", "Haus", "und", "der", "Haustürschlüssel"});
    result.push_back({"die", "Haustür", "ist", "offen", "."});
    result.push_back({"low", "lower", "lowest", "newest"});
  }
  return result;
}

class SubwordKinds : public testing::TestWithParam<const char*> {};

TEST_P(SubwordKinds, PiecesJoinToTheWord) {
  const Subwords subwords(Subwords::train(lines(), GetParam(), 60), "model");
  for (const auto& line : lines()) {
    for (const std::string& word : line) {
      const std::vector<std::string> pieces = subwords.split(word);
      EXPECT_TRUE(Subwords::begins_word(pieces.front()));
      for (size_t i = 1; i < pieces.size(); ++i) EXPECT_FALSE(Subwords::begins_word(pieces[i]));
      EXPECT_THAT(Subwords::join(pieces), ElementsAre(word));
    }
  }
  EXPECT_GT(subwords.split("Haustürlowest").size(), 1U);  // a word it never saw
}

TEST_P(SubwordKinds, TheSameCorpusGivesTheSameModel) {
  EXPECT_EQ(Subwords::train(lines(), GetParam(), 60), Subwords::train(lines(), GetParam(), 60));
}

INSTANTIATE_TEST_SUITE_P(Kinds, SubwordKinds, testing::Values("bpe", "unigram"));

TEST(Subwords, JoinTakesPiecesApartAtTheirBeginnings) {
  const std::vector<std::string> pieces{"tail", "\u2581a", "\u2581do", "g"};
  EXPECT_THAT(Subwords::join(pieces), ElementsAre("tail", "a", "dog"));
  EXPECT_TRUE(Subwords::join({}).empty());
}

TEST(Subwords, Refusals) {
  EXPECT_ERROR(ValueError, "subwords: 'words' is not known (none, bpe, unigram)",
               Subwords::train(lines(), "words", 60));
  EXPECT_ERROR(ValueError, "subwords: there are no words to learn from", Subwords::train({}, "bpe", 60));
  EXPECT_THROW(Subwords::train(lines(), "bpe", 3), ValueError);  // fewer than there are characters
  EXPECT_ERROR(FormatError, "'run/source.spm' is not a SentencePiece model",
               Subwords("nothing of the kind", "run/source.spm"));
}

TEST(TextCodec, WordsOfPiecesAndBack) {
  TextCodec codec;
  codec.subwords = std::make_shared<Subwords>(Subwords::train(lines(), "bpe", 40), "model");
  std::vector<std::vector<std::string>> units;
  for (const auto& line : lines()) units.push_back(codec.units(line));
  codec.vocabulary = Vocabulary::build(units);
  const std::vector<std::string> words{"Haustürschlüssel", "lowest", "."};
  const TextCodec::Encoded encoded = codec.encode(words);
  ASSERT_GT(encoded.ids.size(), 3U);
  EXPECT_EQ(encoded.word_of.front(), 0);
  EXPECT_EQ(encoded.word_of.back(), 2);
  const TextCodec::Decoded decoded = codec.decode(encoded.ids);
  EXPECT_EQ(decoded.words, words);
  EXPECT_EQ(decoded.word_of, encoded.word_of);
}

TEST(TextCodec, WithoutPiecesEveryIdIsAWord) {
  TextCodec codec;
  codec.vocabulary = Vocabulary::build(lines());
  const TextCodec::Encoded encoded = codec.encode(std::vector<std::string>{"low", "unseen", "das"});
  EXPECT_THAT(encoded.word_of, ElementsAre(0, 1, 2));
  EXPECT_EQ(encoded.ids[1], Vocabulary::kUnk);
  EXPECT_THAT(codec.decode(encoded.ids).words, ElementsAre("low", "<unk>", "das"));
}

}  // namespace
}  // namespace heed::models
