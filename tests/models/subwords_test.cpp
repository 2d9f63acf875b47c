// SentencePiece pieces and what a side of a translator makes of them.
#include "models/text/subwords.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

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

class SubwordKinds : public testing::TestWithParam<SubwordKind> {};

TEST_P(SubwordKinds, PiecesJoinToTheWord) {
  const Subwords subwords(Subwords::train(lines(), {.kind = GetParam(), .size = 60}), "model");
  for (const auto& line : lines()) {
    for (const std::string& word : line) {
      const std::vector<std::string> pieces = subwords.split(word);
      EXPECT_TRUE(Subwords::begins_word(pieces.front()));
      for (size_t i = 1; i < pieces.size(); ++i) EXPECT_FALSE(Subwords::begins_word(pieces[i]));
      EXPECT_THAT(Subwords::join(pieces).words, ElementsAre(word));
    }
  }
  EXPECT_GT(subwords.split("Haustürlowest").size(), 1U);  // a word it never saw
}

TEST_P(SubwordKinds, TheSameCorpusGivesTheSameModel) {
  EXPECT_EQ(Subwords::train(lines(), {.kind = GetParam(), .size = 60}),
            Subwords::train(lines(), {.kind = GetParam(), .size = 60}));
}

INSTANTIATE_TEST_SUITE_P(Kinds, SubwordKinds, testing::Values(SubwordKind::bpe, SubwordKind::unigram),
                         [](const auto& kind) { return name_of_choice(kind.param); });

TEST_P(SubwordKinds, BytesMakeEveryWordKnown) {
  const Subwords subwords(Subwords::train(lines(), {.kind = GetParam(), .size = 320, .bytes = true}),
                          "model");
  const std::vector<std::string> pieces = subwords.pieces();
  const std::set<std::string> known(pieces.begin(), pieces.end());
  EXPECT_EQ(std::ranges::count_if(pieces, [](const std::string& p) { return p.starts_with("<0x"); }), 256);
  EXPECT_FALSE(known.contains("<unk>") || known.contains("<s>") || known.contains("</s>"));
  for (const std::string& word :
       {std::string("Haustür"), std::string("\u6F22\u5B57"), std::string("\u0643\u062A\u0627\u0628"),
        std::string("a\u00A0!"), std::string("\U0001F468\u200D\U0001F469"), std::string("\u2581x\uE0001"),
        std::string("\x01\x7F")}) {
    const std::vector<std::string> split = subwords.split(word);
    EXPECT_TRUE(Subwords::begins_word(split.front())) << word;
    for (const std::string& piece : split) EXPECT_TRUE(known.contains(piece)) << word << ": " << piece;
    EXPECT_THAT(Subwords::join(split).words, ElementsAre(word));
  }
}

// Further spaces are pieces of their own, a tab is a character that has bytes.
TEST_P(SubwordKinds, SpacesOfWordsComeBack) {
  TextCodec codec;
  codec.subwords = std::make_shared<Subwords>(
      Subwords::train(lines(), {.kind = GetParam(), .size = 320, .bytes = true}), "model");
  codec.vocabulary = Vocabulary::build(std::vector<std::vector<std::string>>{codec.subwords->pieces()});
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"low", " lowest"},
                                             {"  low", "das  "},
                                             {" low "},
                                             {"low\tlow", "\t", "   \u6F22 "},
                                             {"\u2581", " \u2581\u2581x"}}) {
    codec.keeps_spaces = true;
    const TextCodec::Encoded encoded = codec.encode(words);
    EXPECT_EQ(std::ranges::count(encoded.ids, Vocabulary::kUnk), 0);
    TextCodec::Decoded decoded = codec.decode(encoded.ids);
    EXPECT_EQ(decoded.words, words);
    EXPECT_EQ(decoded.word_of, encoded.word_of);
    codec.keeps_spaces = false;  // a run of single spaces: what its model writes beside them is dropped
    decoded = codec.decode(encoded.ids);
    for (size_t i = 0; i < words.size(); ++i) {
      const size_t begin = words[i].find_first_not_of(' ');
      EXPECT_EQ(decoded.words[i], words[i].substr(begin, words[i].find_last_not_of(' ') + 1 - begin));
    }
  }
}

TEST(Subwords, APieceThatIsASpaceBelongsToAWord) {
  const std::string space = "\u2581";
  const auto joined = [](const std::vector<std::string>& pieces) {
    const Subwords::Joined all = Subwords::join(pieces);
    EXPECT_EQ(all.word_of.size(), pieces.size());
    return std::pair(all.words, all.word_of);
  };
  using Words = std::vector<std::string>;
  using Of = std::vector<int>;
  EXPECT_EQ(joined({space, "x"}), std::pair(Words{"x"}, Of({0, 0})));  // a word without a longer piece
  EXPECT_EQ(joined({space, space, "x", space}), std::pair(Words{" x "}, Of({0, 0, 0, 0})));
  EXPECT_EQ(joined({"\u2581a", space, space, "\u2581b", space, space}),
            std::pair(Words{"a", "  b  "}, Of({0, 1, 1, 1, 1, 1})));
  EXPECT_EQ(joined({space}), std::pair(Words{""}, Of({0})));
  EXPECT_EQ(joined({"a", space}), std::pair(Words{"a "}, Of({0, 0})));
}

TEST(Subwords, BytesThatAreNoTextAreMarked) {
  const std::vector<std::string> pieces{"\u2581", "<0xE6>", "<0xBC>", "<0xA2>",
                                        "b",      "<0xE6>", "<0xBC>", "\u2581c"};
  EXPECT_THAT(Subwords::join(pieces).words, ElementsAre("\u6F22b\uFFFD\uFFFD", "c"));
  // nearly a byte
  EXPECT_THAT(Subwords::join(std::vector<std::string>{"\u2581<0x41>", "<0xZZ>", "<0x4>"}).words,
              ElementsAre("<0x41><0xZZ><0x4>"));
}

TEST(Subwords, NormalisationIsSentencePieces) {
  const auto first = [](Normalisation normalisation, const std::string& word) {
    const Subwords subwords(
        Subwords::train(lines(), {.size = 320, .bytes = true, .normalisation = normalisation}), "model");
    return Subwords::join(subwords.split(word)).words;
  };
  EXPECT_THAT(first(Normalisation::identity, "\uFB01n"), ElementsAre("\uFB01n"));
  EXPECT_THAT(first(Normalisation::nfkc, "\uFB01n"), ElementsAre("fin"));
  EXPECT_THAT(first(Normalisation::nmt_nfkc, "Low\u00A0!"), ElementsAre("Low", "!"));
  EXPECT_THAT(first(Normalisation::nfkc_cf, "HAUS"), ElementsAre("haus"));
}

TEST(Subwords, JoinTakesPiecesApartAtTheirBeginnings) {
  const std::vector<std::string> pieces{"tail", "\u2581a", "\u2581do", "g"};
  EXPECT_THAT(Subwords::join(pieces).words, ElementsAre("tail", "a", "dog"));
  EXPECT_TRUE(Subwords::join({}).words.empty());
}

TEST(Subwords, Refusals) {
  EXPECT_ERROR(ValueError, "subwords: there are no words to learn from",
               Subwords::train(std::vector<std::string>(), {.size = 60}));
  EXPECT_THAT(
      [] { Subwords::train(lines(), {.size = 3}); },
      testing::ThrowsMessage<ValueError>(testing::MatchesRegex(
          "subwords: 3 pieces do not hold the [0-9]+ characters of the text; raise subword-vocabulary")));
  EXPECT_THAT([] { Subwords::train(lines(), {.size = 200, .bytes = true}); },
              testing::ThrowsMessage<ValueError>(testing::MatchesRegex(
                  "subwords: 200 pieces do not hold the 2[0-9][0-9] characters and bytes of the text; raise "
                  "subword-vocabulary")));
  EXPECT_ERROR(FormatError, "'run/source.spm' is not a SentencePiece model",
               Subwords("nothing of the kind", "run/source.spm"));
}

TEST(TextCodec, WordsOfPiecesAndBack) {
  TextCodec codec;
  codec.subwords = std::make_shared<Subwords>(Subwords::train(lines(), {.size = 40}), "model");
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
