// The attention of a record as lines of text.
#include "apps/heatmap/terminal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "framework/core/error.h"
#include "models/text/unicode.h"
#include "tests/testing/throws.h"

namespace heed::heatmap {
namespace {

models::Translation record_of(const std::vector<std::string>& source, const std::vector<std::string>& target,
                              std::vector<std::vector<float>> weights) {
  models::Translation record;
  for (const std::string& word : source) record.source.tokens.push_back({.text = word});
  for (const std::string& word : target) record.target.tokens.push_back({.text = word});
  record.attention.push_back({.layer = 0, .head = 0, .weights = std::move(weights)});
  return record;
}

TEST(TerminalMap, HasARowAWordAndAShadeAWeight) {
  const auto record = record_of({"a", "house"}, {"ein", "Haus"}, {{0.96F, 0.04F}, {0.3F, 0.7F}});
  EXPECT_EQ(draw_text(record, 80),
            "     a  house\n"
            "ein  \xE2\x96\x88\xE2\x96\x88 \xC2\xB7\xC2\xB7\xC2\xB7\xC2\xB7\xC2\xB7\n"
            "Haus \xE2\x96\x92\xE2\x96\x92 \xE2\x96\x88\xE2\x96\x88\xE2\x96\x88\xE2\x96\x88\xE2\x96\x88\n");
}

TEST(TerminalMap, ThatIsTooWideIsAList) {
  const auto record = record_of({"a", "house"}, {"ein", "Haus"}, {{0.96F, 0.04F}, {0.3F, 0.7F}});
  EXPECT_EQ(draw_text(record, 12),
            "ein   a 0.96\n"
            "Haus  house 0.70, a 0.30\n");
}

TEST(TerminalMap, CountsColumnsAndNotBytes) {
  EXPECT_EQ(models::terminal_columns("a\xCC\x81"), 1);                 // with an accent of its own
  EXPECT_EQ(models::terminal_columns("\xE6\xBC\xA2\xE5\xAD\x97"), 4);  // two Chinese signs
  const auto record = record_of({"\xE6\xBC\xA2\xE5\xAD\x97"}, {"\xC3\xA9t\xC3\xA9"}, {{1.0F}});
  EXPECT_EQ(draw_text(record, 80),
            "    \xE6\xBC\xA2\xE5\xAD\x97\n"
            "\xC3\xA9t\xC3\xA9 \xE2\x96\x88\xE2\x96\x88\xE2\x96\x88\xE2\x96\x88\n");
}

TEST(TerminalMap, CutsLongWordsAndControlCharacters) {
  const auto record = record_of({std::string(200, 'x')}, {"\x1B[31m"}, {{1.0F}});
  const std::string text = draw_text(record, 80);
  EXPECT_THAT(text, testing::HasSubstr(std::string(22, 'x') + "\xE2\x80\xA6"));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("\x1B")));
  models::Translation none = record;
  none.attention.clear();
  EXPECT_THROW(draw_text(none, 80), ValueError);
}

}  // namespace
}  // namespace heed::heatmap
