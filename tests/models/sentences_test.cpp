// Text cut into sentences, and put together again.
#include "models/text/sentences.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "framework/core/error.h"
#include "tests/testing/throws.h"

namespace heed::models {
namespace {

std::vector<std::string> cut(std::string_view text, const std::string& language = "en") {
  std::vector<std::string> texts;
  for (const SentencePart& part : split_sentences(text, language)) texts.push_back(part.text);
  return texts;
}

using testing::ElementsAre;

TEST(Sentences, EndAtTheirMarks) {
  EXPECT_THAT(cut("One. Two! Three? Four"), ElementsAre("One.", "Two!", "Three?", "Four"));
  EXPECT_THAT(cut("He said: \u201cGo.\u201d She went."),
              ElementsAre("He said: \u201cGo.\u201d", "She went."));
  EXPECT_THAT(cut("\u4f60\u597d\u3002\u518d\u89c1\u3002", "zh"),
              ElementsAre("\u4f60\u597d\u3002", "\u518d\u89c1\u3002"));
  EXPECT_THAT(cut("3.14 is a number. It is."), ElementsAre("3.14 is a number.", "It is."));
}

TEST(Sentences, AbbreviationsDoNotEndThem) {
  EXPECT_THAT(cut("Dr. Smith met Mr. Jones. J. S. Bach came, too."),
              ElementsAre("Dr. Smith met Mr. Jones.", "J. S. Bach came, too."));
  EXPECT_THAT(cut("Das ist z. B. Brot. Am 3. Mai kam er.", "de"),
              ElementsAre("Das ist z. B. Brot.", "Am 3. Mai kam er."));
}

TEST(Sentences, LinesEndThem) {
  EXPECT_THAT(cut("one\ntwo\n\n  three  "), ElementsAre("one", "two", "", "three"));
  EXPECT_THAT(cut(""), ElementsAre());
  EXPECT_THAT(cut(" \n"), ElementsAre(""));
}

// Whatever the text and the language, its parts are the text.
TEST(Sentences, PartsAreTheText) {
  const std::string pieces[] = {"A b.", " ",      "\n",     "  ",     "Dr.", "etc. ",  "\r\n",
                                "3.",   "\u3002", "\u00a0", "!?",     "\t",  "\u2028", "\u0627\u0644.",
                                "x",    "\u200b", "J.",     "\"Hi.\""};
  uint64_t chance = 7;
  for (int i = 0; i < 2000; ++i) {
    std::string text;
    for (int k = 0; k < 12; ++k) {
      chance = chance * 6364136223846793005U + 1442695040888963407U;
      text += pieces[(chance >> 33) % std::size(pieces)];
    }
    for (const char* language : {"en", "de", "zh", "ar", "", "no-such-language"}) {
      std::string whole;
      for (const SentencePart& part : split_sentences(text, language)) {
        EXPECT_EQ(part.text.find('\n'), std::string::npos);
        whole += part.before + part.text + part.after;
      }
      ASSERT_EQ(whole, text) << language;
    }
  }
}

TEST(Sentences, WantUtf8) {
  EXPECT_ERROR(ValueError, "sentences: the text is not UTF-8", split_sentences("a\xff", "en"));
}

}  // namespace
}  // namespace heed::models
