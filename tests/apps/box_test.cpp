// Translators that are called by their name: -r NAME, translator models, translator look, scores that are
// kept.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <nlohmann/json.hpp>

#include "tests/apps/translator_process.h"
#include "tests/models/marian_fixture.h"
#include "tests/testing/temp_dir.h"

namespace heed {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// A box of two translators, xx-yy and xx-yy-old, and nothing else.
class TheBox : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = new TempDir;
    models::write_hugging_face(*dir_ / "hf", models::MarianFixture());
    std::filesystem::create_directory(*dir_ / "box");
    std::filesystem::create_directory(*dir_ / "first");
    for (const char* name : {"xx-yy", "xx-yy-old"})
      ASSERT_EQ(translator({"import", *dir_ / "hf", "-o", *dir_ / "box" / name}).exit_code, 0);
    std::filesystem::create_directory(*dir_ / "box" / "notes");
    write(*dir_ / "box" / "README.md", "no translator\n");
    ::setenv("HEED_TRANSLATORS", (*dir_ / "box").c_str(), 1);
  }
  static void TearDownTestSuite() {
    ::unsetenv("HEED_TRANSLATORS");
    delete dir_;
    dir_ = nullptr;
  }
  static std::string at(const std::string& name) { return *dir_ / name; }
  // What `models` wrote, without the translators of the source tree.
  static nlohmann::json listed_models() {
    nlohmann::json own = nlohmann::json::array();
    const auto all = nlohmann::json::parse(content(at("models.json")));
    for (const auto& row : all["models"]) {
      if (!row["name"].get<std::string>().starts_with("en-")) own.push_back(row);
    }
    return own;
  }
  static TempDir* dir_;
};
TempDir* TheBox::dir_ = nullptr;

TEST_F(TheBox, ANameIsTakenWhereverARunIsAskedFor) {
  write(at("test.xx"), ">>xx<< a b\nc\n");
  write(at("test.yy"), "b a\nc\n");
  const std::vector<std::vector<std::string>> commands{
      {"translate", "-r", "xx-yy", "-s", at("test.xx")},
      {"translate", "-r", "xx-yy", "-r", "xx-yy-old", "-s", at("test.xx")},
      {"evaluate", "-r", "xx-yy", "-s", at("test.xx"), "-t", at("test.yy")},
      {"align", "-r", "xx-yy", "-s", at("test.xx"), "-t", at("test.yy")},
      {"export", "-r", "xx-yy", "-o", at("exported")},
      {"compare", "-r", "xx-yy", "-r", "old=xx-yy-old", "-s", at("test.xx"), "-t", at("test.yy"), "-o",
       at("report")},
      {"look", "-r", "xx-yy", "-o", at("look"), "c"},
      {"train", "--init-from", "xx-yy", "-r", at("tuned"), "-s", at("test.xx"), "-t", at("test.yy"),
       "--valid-source", at("test.xx"), "--valid-target", at("test.yy"), "--updates", "1"}};
  for (const std::vector<std::string>& command : commands) {
    const ProcessResult by_name = translator(command);
    EXPECT_EQ(by_name.exit_code, 0) << command.front() << ": " << by_name.err;
    if (command.front() != "translate") continue;
    std::vector<std::string> by_path = command;
    for (std::string& word : by_path) {
      if (word.starts_with("xx-yy")) word = at("box/" + word);
    }
    EXPECT_EQ(translator(by_path).out, by_name.out);
  }
  EXPECT_EQ(run_process({HEED_BIN_DIR "/heatmap", "-r", "xx-yy", "-o", at("map.svg"), "c"}, "").exit_code, 0);
  expect_failure(translator({"align", "-r", "xx-yy", "--reverse", "xx-yy-old", "-s", at("test.xx"), "-t",
                             at("test.yy")}),
                 at("box/xx-yy-old") + "' translates en to de");
  expect_failure(translator({"translate", "-r", "xx-zz"}, "a\n"), "xx-yy, xx-yy-old)");
  expect_failure(translator({"translate", "-r", "./xx-yy"}, "a\n"), "there is no run './xx-yy'");
  expect_failure(translator({"translate", "-r", "notes"}, "a\n"), "there is no run 'notes'");
}

TEST_F(TheBox, WhatIsThereUnderThatNameComesFirst) {
  std::filesystem::create_directory(at("elsewhere"));
  std::filesystem::copy(at("box/xx-yy"), at("elsewhere/xx-yy"), std::filesystem::copy_options::recursive);
  write(at("elsewhere/xx-yy/config.toml"), "damaged\n");
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(at("elsewhere"));
  expect_failure(translator({"translate", "-r", "xx-yy"}, "a\n"), "config.toml");
  std::filesystem::current_path(before);
}

TEST_F(TheBox, ScoresAreKeptForTheWeightsThatHaveThem) {
  write(at("test.xx"), "a b\nc\n");
  write(at("test.yy"), "b a\nc\n");
  std::filesystem::copy(at("box/xx-yy"), at("scored"), std::filesystem::copy_options::recursive);
  const std::vector<std::string> command{
      "evaluate", "-r", at("scored"),    "-s",        at("test.xx"), "-t",     at("test.yy"),
      "--beam",   "3",  "--keep-scores", "--lengths", "2",           "--json", at("e.json")};
  ASSERT_EQ(translator(command).exit_code, 0);
  // where they cannot be kept is said before anything is translated, and they are kept over no input
  std::filesystem::copy(at("box/xx-yy"), at("blocked"), std::filesystem::copy_options::recursive);
  std::filesystem::create_directories(at("blocked/scores.json"));
  expect_failure(translator({"evaluate", "-r", at("blocked"), "-s", at("test.xx"), "-t", at("test.yy"),
                             "--keep-scores"}),
                 "--keep-scores: '" + at("blocked/scores.json") + "' is a directory, not a file");
  std::filesystem::remove(at("blocked/scores.json"));
  write(at("blocked/scores.json"), "a\nb\n");
  expect_failure(translator({"evaluate", "-r", at("blocked"), "-s", at("test.xx"), "-t",
                             at("blocked/scores.json"), "--keep-scores"}),
                 "scores.json' is also an input (--target)");
  expect_failure(translator({"models", at("blocked"), "--json", at("blocked/config.toml")}),
                 "is a file of a run");
  const auto evaluated = nlohmann::json::parse(content(at("e.json")));
  const auto list = [&] {
    EXPECT_EQ(translator({"models", at("scored"), "--json", at("models.json")}).exit_code, 0);
    return listed_models();
  };
  const auto rows = list();
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0]["name"], "xx-yy");
  EXPECT_EQ(rows[1]["name"], "xx-yy-old");
  EXPECT_FALSE(rows[0].contains("bleu"));
  EXPECT_EQ(rows[2]["name"], at("scored"));
  EXPECT_EQ(rows[2]["bleu"], evaluated["bleu_13a"]);
  EXPECT_EQ(rows[2]["chrf"], evaluated["chrf2"]);
  EXPECT_EQ(rows[2]["search"], "beam 3");
  EXPECT_EQ(rows[2]["test"], "test.yy");
  EXPECT_EQ(rows[2]["bleu_by_length"].size(), 2U);
  // a run that is passed on or trained further has other weights, which were not scored
  ASSERT_EQ(
      translator({"export", "-r", at("scored"), "-o", at("scored-int8"), "--weights", "int8"}).exit_code, 0);
  std::filesystem::copy(at("scored/scores.json"), at("scored-int8/scores.json"));
  EXPECT_EQ(translator({"models", at("scored-int8"), "--json", at("models.json")}).exit_code, 0);
  EXPECT_FALSE(listed_models()[2].contains("bleu"));
  // what is no scores is said, and the others are listed
  for (const char* bad : {"", "{", "[]", "{\"format\": \"heed.scores\"}", "null", "{\"format\": 1}"}) {
    write(at("scored/scores.json"), bad);
    const auto listed = list();
    EXPECT_THAT(listed[2].value("damage", ""), HasSubstr("is not the scores of a run")) << bad;
  }
  expect_failure(translator({"evaluate", "-r", "xx-yy", "-r", "xx-yy-old", "-s", at("test.xx"), "-t",
                             at("test.yy"), "--keep-scores"}),
                 "--keep-scores", 2);
}

TEST_F(TheBox, ModelsListsWhatCannotBeUsedToo) {
  std::filesystem::create_directory(at("runs"));
  std::filesystem::copy(at("box/xx-yy"), at("runs/broken"), std::filesystem::copy_options::recursive);
  std::filesystem::resize_file(at("runs/broken/model.safetensors"), 100);
  const ProcessResult listed = translator({"models", at("runs")});
  EXPECT_EQ(listed.exit_code, 0) << listed.err;
  EXPECT_THAT(listed.out,
              AllOf(HasSubstr("xx-yy-old"), HasSubstr("runs/broken"), HasSubstr("cannot be used: load '"),
                    HasSubstr("Transformer 2+2, 8 wide, 2 heads")));
  expect_failure(translator({"models", at("nowhere")}), "there is no folder '");
  EXPECT_THAT(translator({"models", at("runs/broken/..") + "/../hf"}).err, HasSubstr("holds no run"));
}

TEST_F(TheBox, LookShowsASentenceInTheTerminalAndAsPictures) {
  const ProcessResult seen =
      translator({"look", "-r", "xx-yy", "-r", "xx-yy-old", "-o", at("seen"), "a", "b", "--json", "-"});
  ASSERT_EQ(seen.exit_code, 0) << seen.err;
  const auto looks = nlohmann::json::parse(seen.out)["looks"];
  ASSERT_EQ(looks.size(), 2U);
  EXPECT_EQ(looks[0]["source"], "a b");
  EXPECT_EQ(looks[0]["pictures"], (std::vector{at("seen/xx-yy.svg"), at("seen/xx-yy.png")}));
  EXPECT_THAT(content(at("seen/xx-yy-old.svg")), HasSubstr("<g class=\"cells\">"));
  EXPECT_THAT(seen.err, AllOf(HasSubstr("a b\n"), HasSubstr("xx-yy.svg")));
  expect_failure(translator({"look", "-r", "xx-yy", "-o", at("seen"), " "}), "the sentence has no words");
  expect_failure(translator({"look", "-r", "xx-yy", "-o", at("seen"), "\xFF"}), "the sentence is not UTF-8");
  expect_failure(translator({"look", "-r", "xx-yy", "-r", at("box/xx-yy"), "-o", at("seen"), "a"}), "--run",
                 2);
  expect_failure(translator({"look"}), "sentence", 2);
}

// Without -r: one of each language, the classical picture before the Transformer's.
TEST_F(TheBox, LookKnowsWhatToShow) {
  for (const char* name : {"en-de", "en-de-additive", "en-fr", "en-fr-additive"})
    std::filesystem::copy(at("box/xx-yy"), at(std::string("first/") + name),
                          std::filesystem::copy_options::recursive);
  ::setenv("HEED_TRANSLATORS", at("first").c_str(), 1);
  const ProcessResult seen = translator({"look", "a", "b", "-o", at("shown"), "--json", "-"});
  ::setenv("HEED_TRANSLATORS", at("box").c_str(), 1);
  ASSERT_EQ(seen.exit_code, 0) << seen.err;
  const auto looks = nlohmann::json::parse(seen.out)["looks"];
  ASSERT_EQ(looks.size(), 2U);
  EXPECT_EQ(looks[0]["pictures"][0], at("shown/en-fr-additive.svg"));
  EXPECT_EQ(looks[1]["pictures"][0], at("shown/en-de-additive.svg"));
}

}  // namespace
}  // namespace heed
