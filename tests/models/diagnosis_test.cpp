// The likely cause of a bad translation, on sentences made for each.
#include "models/evaluation/diagnosis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace heed::models {
namespace {

Translation sentence(const std::vector<std::string>& source, const std::vector<std::string>& target) {
  Translation t;
  for (const std::string& word : source) t.source.tokens.push_back({word, {}, false, false});
  t.source.tokens.push_back({"</s>", {}, true, false});
  for (const std::string& word : target) t.target.tokens.push_back({word, {}, false, false});
  t.target.tokens.push_back({"</s>", {}, true, false});
  return t;
}

TEST(Diagnosis, SkippedWordsAreThoseThatNothingLookedAt) {
  Translation t = sentence({"a", "red", "dog"}, {"ein", "hund"});
  t.attention = {{0, 0, {{1, 0, 0, 0}, {0, 0.1F, 0.9F, 0}, {0, 0, 0, 1}}},
                 {0, 1, {{1, 0, 0, 0}, {0, 0, 1, 0}, {0, 0.1F, 0, 0.9F}}}};
  const Diagnosis d = diagnose(t, {"ein", "roter", "hund"});  // red: (0.1 + 0.1) / 2 = 0.1
  EXPECT_THAT(d.skipped, testing::ElementsAre("red"));
  EXPECT_EQ(d.text(), "skipped: red");
}

TEST(Diagnosis, RepetitionCountsAgainstTheReference) {
  const std::vector<std::string> loop{"in", "der", "stadt", "in", "der", "stadt", "in", "der"};
  EXPECT_EQ(diagnose(sentence({"x"}, loop), {"in", "der", "stadt"}).repeated, "in der");
  EXPECT_EQ(diagnose(sentence({"x"}, loop), loop).repeated, "");
}

TEST(Diagnosis, LengthsAndUnknownWords) {
  Translation t = sentence({"a", "b"}, {"x", "<unk>"});
  t.target.tokens[1].unk = t.source.tokens[0].unk = true;
  EXPECT_EQ(diagnose(t, {"x", "y", "z", "w"}).text(), "unknown words: 2; early end");
  t.target.tokens.pop_back();
  EXPECT_EQ(diagnose(t, {"x", "y"}).text(), "unknown words: 2; no end");
  EXPECT_EQ(diagnose(sentence({"a"}, {"x"}), {"x"}).text(), "no cause found");
}

}  // namespace
}  // namespace heed::models
