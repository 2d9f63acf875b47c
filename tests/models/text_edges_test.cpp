// Text that tokenizers and subwords trip over: marks of the subword code inside words, letters before a final
// period, French spacing, signs of several code points, words without end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "framework/core/error.h"
#include "models/text/codec.h"
#include "models/text/lines.h"
#include "models/text/tokenizer.h"

namespace heed::models {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

std::vector<std::string> tokens(std::string_view text, const std::string& language, bool escape = true) {
  TextSettings settings;
  settings.language = language;
  settings.escape = escape;
  std::vector<std::string> result;
  for (const Token& token : tokenize(text, settings)) result.push_back(token.text);
  return result;
}

std::string there_and_back(std::string_view text, const std::string& language) {
  return detokenize(tokens(text, language), language);
}

Subwords pieces_of(const std::vector<std::string>& words, SubwordKind kind = SubwordKind::bpe) {
  std::vector<std::vector<std::string>> lines(20, words);
  return Subwords(Subwords::train(lines, {.kind = kind, .size = 200}), "test");
}

TEST(TextEdges, TheMarkOfAWordsBeginningMayStandInAWord) {
  const std::vector<std::string> words{"a\u2581b",     "\u2581under", "end\u2581", "\u2581",
                                       "\u2581\u2581", "x\uE000y",    "\uE0001",   "\uE000"};
  for (const SubwordKind kind : {SubwordKind::bpe, SubwordKind::unigram}) {
    const Subwords subwords =
        pieces_of({"a\u2581b", "under", "ab", "\u2581under", "x\uE000y", "1", "0", "end"}, kind);
    for (const std::string& word : words) {
      const std::vector<std::string> pieces = subwords.split(word);
      EXPECT_TRUE(Subwords::begins_word(pieces.front())) << word;
      for (size_t i = 1; i < pieces.size(); ++i) EXPECT_FALSE(Subwords::begins_word(pieces[i])) << word;
      EXPECT_THAT(Subwords::join(pieces).words, ElementsAre(word)) << name_of_choice(kind);
    }
  }
}

TEST(TextEdges, AWordWithoutEndIsSplitAndComesBack) {
  const Subwords subwords = pieces_of({"ab", "ba", "\u00E4b"});
  for (const size_t length : {3999UL, 4000UL, 4001UL, 34'000UL, 70'000UL}) {
    std::string word;
    while (word.size() < length) word += word.size() % 3 == 0 ? "\u00E4" : "ab";
    EXPECT_THAT(Subwords::join(subwords.split(word)).words, ElementsAre(word)) << length;
  }
}

TEST(TextEdges, AWordWithoutEndTeachesNoPieces) {
  for (const SubwordKind kind : {SubwordKind::bpe, SubwordKind::unigram}) {
    const std::vector<std::vector<std::string>> lines{{"a", "cat"}, {std::string(70'000, 'q')}, {"a", "rat"}};
    const Subwords subwords(Subwords::train(lines, {.kind = kind, .size = 30}), "test");
    EXPECT_THAT(Subwords::join(subwords.split("rat")).words, ElementsAre("rat"));
    EXPECT_THROW(Subwords::train(std::vector<std::vector<std::string>>{{std::string(70'000, 'q')}},
                                 {.kind = kind, .size = 30}),
                 ValueError);
  }
}

TEST(TextEdges, ALetterBeforeTheFinalPeriodLosesIt) {
  EXPECT_THAT(tokens("Das war's.", "de"), ElementsAre("Das", "war", "&apos;", "s", "."));
  EXPECT_EQ(there_and_back("Das war's.", "de"), "Das war's.");
  // as older runs have it
  EXPECT_EQ(detokenize(std::vector<std::string>{"Das", "war", "&apos;", "s."}, "de"), "Das war's.");
  EXPECT_THAT(tokens("The answer is x.", "en"), ElementsAre("The", "answer", "is", "x", "."));
  EXPECT_THAT(tokens("This is Plan B.", "en"), ElementsAre("This", "is", "Plan", "B", "."));
  EXPECT_THAT(tokens("(See Plan B.)", "en"), ElementsAre("(", "See", "Plan", "B", ".", ")"));
  EXPECT_THAT(tokens("Take x. Then y.", "en"), ElementsAre("Take", "x", ".", "Then", "y", "."));
  EXPECT_THAT(tokens("By J. S. Bach.", "en"), ElementsAre("By", "J.", "S.", "Bach", "."));
  EXPECT_THAT(tokens("See p. 5.", "en"), ElementsAre("See", "p.", "5", "."));
  EXPECT_THAT(tokens("Hunde, z. B. Pudel.", "de"), ElementsAre("Hunde", ",", "z.", "B.", "Pudel", "."));
  EXPECT_THAT(tokens("Es war's. Gut.", "de"), ElementsAre("Es", "war", "&apos;", "s", ".", "Gut", "."));
}

TEST(TextEdges, FrenchComesBackAsItIsTyped) {
  for (const char* text : {"Et toi ?", "Non !", "Il dit : oui ; elle dit non.", "« Bonjour », dit-il.",
                           "Il dit « oui » !", "50 % des gens.", "L'homme s'entraîne.", "Il est 10:30.",
                           "« Quoi ? »", "Quoi ?!", "Vois http://a.b/c ici."}) {
    EXPECT_EQ(there_and_back(text, "fr"), text);
  }
  EXPECT_EQ(there_and_back("Et toi ?", "en"), "Et toi?");  // other languages have none
}

TEST(TextEdges, SignsOfSeveralCodePointsAreOneToken) {
  EXPECT_THAT(tokens("Hi \U0001F468\u200D\U0001F469\u200D\U0001F467!", "en"),
              ElementsAre("Hi", "\U0001F468\u200D\U0001F469\u200D\U0001F467", "!"));
  EXPECT_THAT(tokens("\U0001F44D\U0001F3FD\u2764\uFE0F", "en"),
              ElementsAre("\U0001F44D\U0001F3FD", "\u2764\uFE0F"));
  EXPECT_THAT(tokens("\U0001F1E9\U0001F1EA\U0001F1EB\U0001F1F7", "en"),
              ElementsAre("\U0001F1E9\U0001F1EA", "\U0001F1EB\U0001F1F7"));
}

// U+200C and U+200D within a word, as Persian and Sinhala have them, end none.
TEST(TextEdges, JoinersBetweenLettersStayInTheirWord) {
  EXPECT_THAT(tokens("\u0645\u06CC\u200C\u062E\u0648\u0627\u0647\u0645.", ""),
              ElementsAre("\u0645\u06CC\u200C\u062E\u0648\u0627\u0647\u0645", "."));
  EXPECT_THAT(tokens("\u0DC1\u0DCA\u200D\u0DBB\u0DD3", ""), ElementsAre("\u0DC1\u0DCA\u200D\u0DBB\u0DD3"));
  EXPECT_THAT(tokens("\u0915\u094D\u200D\u0937 \u0939\u093F\u0928\u094D\u0926\u0940", ""),
              ElementsAre("\u0915\u094D\u200D\u0937", "\u0939\u093F\u0928\u094D\u0926\u0940"));
}

TEST(TextEdges, PackedFilesAreNamed) {
  for (const auto& [bytes, kind] : {std::pair(std::string("\x1F\x8B\x08\0\0", 5), "gzip"),
                                    {std::string("PK\x03\x04\0\0", 6), "zip"},
                                    {std::string("BZh91AY&SY\xFF\0", 12), "bzip2"},
                                    {std::string("\xFD"
                                                 "7zXZ\0\0",
                                                 7),
                                     "xz"},
                                    {std::string("\x28\xB5\x2F\xFD\0", 5), "zstd"}}) {
    EXPECT_THAT([&] { split_lines(bytes, "a.en"); },
                ThrowsMessage<FormatError>(HasSubstr(std::string("'a.en' is a ") + kind + " file")));
  }
  EXPECT_EQ(split_lines("PK\nBZh\n", "a").size(), 2U);
}

}  // namespace
}  // namespace heed::models
