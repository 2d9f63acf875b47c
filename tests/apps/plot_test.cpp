// translator plot: curves of trainings as SVG, HTML and CSV.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/apps/translator_process.h"
#include "tests/testing/temp_dir.h"

namespace heed {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// Three runs as their reports tell them.
class Plot : public testing::Test {
 protected:
  void SetUp() override {
    make("one", metrics(10, 500));
    make("two", metrics(60, 900));
  }
  // `count` reports every 50 updates, validations every 250, the best one at `best`.
  static std::string metrics(int count, int best) {
    std::string text;
    for (int i = 1; i <= count; ++i) {
      const int update = 50 * i;
      text += fmt::format(
          R"({{"update":{},"epoch":{},"loss":{},"lr":0.001,"tokens_per_second":{},"skipped":0,"seconds":{}}})"
          "\n",
          update, i / 5, 2.0 + 8.0 / i, 3000 + i, 60 * i);
      if (i % 5 != 0 && update != best) continue;
      text += fmt::format(
          R"({{"update":{},"epoch":{},"validation_bleu":{},"validation_chrf":{},"validation_loss":{},)"
          R"("best":{},"averaged":0,"seconds":{}}})"
          "\n",
          update, i / 5, 20.0 * update / 3000, 30.0 + i, 3.0 - 0.01 * i, update <= best, 60 * i);
    }
    return text;
  }
  void make(const std::string& name, const std::string& text) {
    std::filesystem::create_directories(at(name));
    write(at(name) + "/metrics.jsonl", text);
  }
  std::string at(const std::string& name) const { return dir_ / name; }
  static size_t count(const std::string& text, const std::string& what) {
    size_t found = 0;
    for (size_t i = text.find(what); i != std::string::npos; i = text.find(what, i + 1)) ++found;
    return found;
  }
  TempDir dir_;
};

TEST_F(Plot, DrawsAPanelAKindWithALineARun) {
  const ProcessResult result =
      translator({"plot", at("one"), "second & last=" + at("two"), "-o", at("curves.svg")});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.err, "");
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("one: 500 updates in 10:00, kept update 500: BLEU 3.33, chrF2 40.00"),
                    HasSubstr("second & last: 3000 updates in 1:00:00, kept update 900"),
                    HasSubstr("curves: " + at("curves.svg"))));
  const std::string svg = content(at("curves.svg"));
  EXPECT_THAT(svg, AllOf(StartsWith("<svg "), HasSubstr(">Training loss<"), HasSubstr(">Validation loss<"),
                         HasSubstr(">Validation BLEU<"), HasSubstr(">Validation chrF2<"),
                         HasSubstr(">Learning rate<"), Not(HasSubstr(">Speed<")), HasSubstr(">one<"),
                         HasSubstr(">second &amp; last<"), HasSubstr(">updates<"),
                         HasSubstr(">nats a token<"), HasSubstr(">the weights that were kept<")));
  EXPECT_EQ(count(svg, "r=\"7.5\""), 7U);  // a ring a run in three panels, and in the legend
}

// A mean of checkpoints that was not kept is no point of a curve: it would fall to it at the same update.
TEST_F(Plot, AMeanThatWasNotKeptIsNotDrawn) {
  const auto points = [&](const std::string& mean) {
    make("mean", metrics(10, 250) + mean);
    EXPECT_EQ(translator({"plot", at("mean"), "--metric", "validation_loss", "-o", at("mean.svg")}).exit_code,
              0);
    return content(at("mean.svg"));
  };
  const auto of_mean = [](const char* best) {
    return fmt::format(
        R"({{"update":500,"epoch":2,"validation_bleu":0.1,"validation_chrf":1,"validation_loss":9,)"
        R"("best":{},"averaged":3,"seconds":600}})"
        "\n",
        best);
  };
  const std::string without = points("");
  EXPECT_EQ(points(of_mean("false")), without);
  EXPECT_NE(points(of_mean("true")), without);
}

TEST_F(Plot, MetricAndAxisChooseWhatIsDrawn) {
  const ProcessResult result =
      translator({"plot", at("two"), "--metric", "tokens_per_second,lr", "--x", "seconds", "-o", "-"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(StartsWith("<svg "), HasSubstr(">Speed<"), HasSubstr(">Learning rate<"),
                                Not(HasSubstr("Training loss")), HasSubstr(">time in updates, min<"),
                                HasSubstr(">60<"), Not(HasSubstr("kept"))));
  EXPECT_THAT(result.err, HasSubstr("two: 3000 updates"));
  expect_failure(translator({"plot", at("two"), "--metric", "loss,bleu"}), "--metric", 2);
}

TEST_F(Plot, WritesAPageAndATableAtOnce) {
  const ProcessResult result = translator(
      {"plot", at("one"), at("two"), "-o", at("page.html"), "-o", at("rows.csv"), "--json", at("plot.json")});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const std::string page = content(at("page.html"));
  EXPECT_THAT(page, AllOf(StartsWith("<!doctype html>"), HasSubstr("<svg "), HasSubstr("</html>"),
                          HasSubstr("<h2>Validations of two</h2>"), HasSubstr("<td>kept</td>"),
                          Not(HasSubstr("http://www.w3.org/1999")), Not(HasSubstr("src="))));
  std::istringstream rows(content(at("rows.csv")));
  std::vector<std::string> lines;
  for (std::string line; std::getline(rows, line);) lines.push_back(line);
  ASSERT_EQ(lines.size(), 1U + 12 + 73);
  EXPECT_EQ(lines[0],
            "run,update,epoch,seconds,best,averaged,loss,validation_loss,validation_bleu,validation_chrf,lr,"
            "tokens_per_second,skipped");
  EXPECT_EQ(lines[1], "one,50,0,60.000,,,10,,,,0.001,3001,0");
  EXPECT_EQ(lines[6], "one,250,1,300.000,1,0,,2.95,1.6666666666666667,35,,,");
  const auto json = nlohmann::json::parse(content(at("plot.json")));
  EXPECT_EQ(json["runs"][1]["name"], "two");
  EXPECT_EQ(json["runs"][1]["best_update"], 900);
  EXPECT_EQ(json["runs"][0]["best_validation_chrf"], 40);
  EXPECT_THAT(json["files"], ElementsAre(at("page.html"), at("rows.csv")));
}

TEST_F(Plot, AveragesNeighboursOfLongCurves) {
  make("long", metrics(6000, 0));
  ASSERT_EQ(translator({"plot", at("long"), "--metric", "loss", "-o", at("long.svg")}).exit_code, 0);
  const std::string svg = content(at("long.svg"));
  EXPECT_LT(svg.size(), 40000U);
  EXPECT_THAT(svg, HasSubstr(">300k<"));
}

TEST_F(Plot, RefusesInOneLine) {
  const auto plot = [&](const std::string& run) { return translator({"plot", run, "-o", at("x.svg")}); };
  expect_failure(plot(at("none")), "there is no run '" + at("none") + "'");
  make("imported", "");
  expect_failure(plot(at("imported")), "metrics.jsonl' holds no report yet");
  std::filesystem::create_directory(at("bare"));
  expect_failure(plot(at("bare")), "tells nothing of its training");
  make("odd", metrics(3, 0) + "{\"update\":\n" + metrics(1, 0));
  expect_failure(plot(at("odd")), "metrics.jsonl' line 4 is no report of a training");
  make("short", metrics(3, 0));
  expect_failure(translator({"plot", at("short"), "--metric", "validation_bleu", "-o", at("x.svg")}),
                 "the runs report no validation_bleu");
  expect_failure(translator({"plot", at("one"), at("one") + "/", "-o", at("x.svg")}),
                 "two runs are called one", 2);
  expect_failure(translator({"plot", at("one"), "-o", at("x.png")}), "must end in .svg, .html, .csv", 2);
  expect_failure(translator({"plot", at("one"), "-o", at("one/metrics.jsonl")}), "must end in", 2);
  expect_failure(translator({"plot"}), "run", 2);
  EXPECT_FALSE(std::filesystem::exists(at("x.svg")));
  make("twice", metrics(6, 0) + metrics(2, 0));
  const ProcessResult twice = plot(at("twice"));
  EXPECT_EQ(twice.exit_code, 0);
  EXPECT_EQ(std::ranges::count(twice.err, '\n'), 1);
  EXPECT_THAT(twice.err,
              AllOf(StartsWith("translator: warning: "), HasSubstr("goes back to earlier updates")));
  EXPECT_THAT(twice.out, HasSubstr("twice: 100 updates"));
}

// A line of another form is an error, the last one counts once it is whole, and what no axis has room for is
// in the tables alone.
TEST_F(Plot, OddReports) {
  make("whole", metrics(10, 500) + R"({"update":550,"epoch":2,"loss":1.5,"seconds":700})");
  EXPECT_THAT(translator({"plot", at("whole"), "-o", at("c.svg")}).out, HasSubstr("550 updates"));
  make("half", metrics(10, 500) + R"({"update":550,"epo)");
  EXPECT_THAT(translator({"plot", at("half"), "-o", at("c.svg")}).out, HasSubstr("500 updates"));
  for (const char* value : {"\"x\"", "true", "[1]", "{}"}) {
    make("odd", metrics(2, 500) + fmt::format("{{\"update\":700,\"loss\":{}}}\n", value));
    expect_failure(translator({"plot", at("odd"), "-o", at("c.svg")}), "line 3 is no report of a training");
  }
  make("huge", R"({"update":1,"loss":1e308,"seconds":1e308})"
               "\n"
               R"({"update":2,"loss":-1e308,"seconds":1e308})"
               "\n"
               R"({"update":3,"loss":2,"seconds":1e308})"
               "\n"
               R"({"update":4,"loss":3,"seconds":1e308})"
               "\n");
  const ProcessResult huge = translator({"plot", at("huge"), "-o", at("c.svg"), "-o", at("c.csv")});
  EXPECT_EQ(huge.exit_code, 0) << huge.err;
  EXPECT_THAT(huge.out, Not(HasSubstr(" -")));
  EXPECT_THAT(content(at("c.svg")),
              AllOf(Not(HasSubstr("nan")), Not(HasSubstr("inf")), Not(HasSubstr("e+3"))));
  EXPECT_THAT(content(at("c.csv")), HasSubstr("1e+308"));
  const std::string name(200, 'n');
  make("long", metrics(10, 500));
  EXPECT_EQ(translator({"plot", name + "=" + at("long"), "-o", at("c.svg")}).exit_code, 0);
  EXPECT_THAT(content(at("c.svg")), Not(HasSubstr(std::string(41, 'n'))));
  expect_failure(translator({"plot", at("one"), "--metric", "tokens_per_second,tokens_per_second", "--metric",
                             "validation_bleu", "-o", at("no/c.svg")}),
                 "--output");
}

}  // namespace
}  // namespace heed
