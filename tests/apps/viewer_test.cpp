// The interactive page of heatmap: one file that asks nothing of a network, small, and unharmed by what
// sentences hold. tests/viewer/browse.py opens it in a browser.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>

#include "apps/heatmap/colour.h"
#include "framework/io/file.h"
#include "models/run/translation.h"
#include "tests/apps/heatmap_process.h"

namespace heed {
namespace {

using models::Translation;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::vector<models::AttentionWeights> viewer_maps(int layers, int heads, size_t rows, size_t columns) {
  std::vector<models::AttentionWeights> maps;
  for (int layer = 0; layer < layers; ++layer) {
    for (int head = 0; head < heads; ++head) {
      maps.push_back({layer, head, std::vector(rows, std::vector<float>(columns))});
      for (size_t r = 0; r < rows; ++r)
        for (size_t c = 0; c < columns; ++c)
          maps.back().weights[r][c] = static_cast<float>((r * 7 + c * 13 + 1) % 29) / 29.0F;
    }
  }
  return maps;
}

// A Transformer's record of so many words a side, end marks included.
Translation viewer_record(size_t words, int layers = 1, int heads = 1) {
  Translation record;
  record.model = "Transformer";
  record.score = -1.5;
  for (size_t i = 0; i + 1 < words; ++i) {
    record.source.tokens.push_back({"word" + std::to_string(i), {}});
    record.target.tokens.push_back({"mot" + std::to_string(i), {}});
  }
  record.source.tokens.push_back({"</s>", {}, true});
  record.target.tokens.push_back({"</s>", {}, true});
  record.source.text = "a source";
  record.target.text = "une sortie";
  record.attention = viewer_maps(layers, heads, words, words);
  record.encoder_self_attention = viewer_maps(layers, heads, words, words);
  record.decoder_self_attention = viewer_maps(layers, heads, words, words);
  return record;
}

class Viewer : public HeatmapProcess {
 protected:
  std::string page_of(const std::vector<Translation>& records) const { return drawn(records, "page.html"); }
  // What stands in the element of this id.
  static std::string element(const std::string& page, const std::string& id) {
    const size_t begin = page.find('>', page.find("id=\"" + id + "\"")) + 1;
    return page.substr(begin, page.find("</script>", begin) - begin);
  }
  void expect_no_page(const std::vector<std::string>& arguments, int code, const std::string& message) const {
    expect_failure(arguments, code, message);
    EXPECT_FALSE(std::filesystem::exists(path("bad.html")));
  }
};

TEST_F(Viewer, PageAsksNothingOfANetwork) {
  const std::string page = page_of({viewer_record(4)});
  EXPECT_THAT(page, AllOf(testing::StartsWith("<!doctype html>"), HasSubstr("default-src 'none'"),
                          testing::EndsWith("</html>\n")));
  const std::regex address(
      R"((src|href)\s*=\s*["']?\s*[a-z]*:?//|\bimport\b\s*[\("']|url\(\s*["']?(?!#)|@import)");
  std::smatch found;
  EXPECT_FALSE(std::regex_search(page, found, address)) << found.str();
  EXPECT_THAT(page, Not(HasSubstr("https:")));
  EXPECT_THAT(page,
              AllOf(Not(HasSubstr("fetch(")), Not(HasSubstr("XMLHttpRequest")), Not(HasSubstr("<link"))));
}

// One list of colours serves pictures and pages.
TEST_F(Viewer, PageHasTheColoursOfPictures) {
  const std::string page = page_of({viewer_record(3)});
  const size_t begin = page.find("colourStops = ") + 14;
  const auto stops = nlohmann::json::parse(page.substr(begin, page.find(";\n", begin) - begin));
  EXPECT_EQ(stops["weights"].size(), 2 * models::kNames<heatmap::ColourMap>.size());
  for (const std::string_view name : models::kNames<heatmap::ColourMap>) {
    Translation record = viewer_record(2);
    record.attention[0].weights = {{0, 0.25F}, {0.5F, 1}};
    for (const bool light : {false, true}) {
      const std::string svg =
          drawn({record}, "out.svg", {"--colour", std::string(name), light ? "--light" : "--dark"});
      const auto& colours = stops["weights"][std::string(name) + (light ? ", light" : "")];
      ASSERT_EQ(colours.size(), 41U);
      for (const size_t at : {0, 10, 20, 40})
        EXPECT_THAT(svg, HasSubstr("fill=\"" + colours[at].get<std::string>() + "\"><title>")) << name << at;
    }
  }
  EXPECT_EQ(stops["differences"]["light"][20], "#ffffff");
}

TEST_F(Viewer, MarkupInSentencesStaysText) {
  Translation record = viewer_record(3);
  record.source.text = "</script><script>alert(1)</script> <!-- @script@ @data@";
  record.source.tokens[0].text = "</script><b>";
  record.model = "<i>m</i>";
  const std::string page = page_of({record});
  EXPECT_THAT(page,
              AllOf(Not(HasSubstr("alert(1)</script>")), Not(HasSubstr("<i>m")), Not(HasSubstr("<!-- @"))));
  const auto index = nlohmann::json::parse(element(page, "index"));
  EXPECT_EQ(index["entries"][0]["source"], record.source.text);
  const auto words = nlohmann::json::parse(element(page, "record-0"));
  EXPECT_EQ(words["source"]["tokens"][0]["t"], "</script><b>");
  ASSERT_EQ(run({"--records", path("r.jsonl"), "-o", path("t.html"), "--title", "<b>&"}).exit_code, 0);
  EXPECT_THAT(read_file(path("t.html")), HasSubstr("<title>&lt;b>&amp;</title>"));
}

TEST_F(Viewer, SmallRecordsHaveSixteenBitsAndLargeOnesEight) {
  const std::string small = page_of({viewer_record(3)});
  const auto maps = nlohmann::json::parse(element(small, "record-0"))["maps"];
  EXPECT_EQ(maps["cross"]["bits"], 16);
  EXPECT_EQ(maps["cross"]["stride"], 18);
  // weights 1/29, 14/29, ...: 2260 = 0x08D4, 31638 = 0x7B96, little end first
  EXPECT_THAT(element(small, "maps-0-cross"), testing::StartsWith("1AiWe"));
  const std::string page = page_of({viewer_record(60, 6, 8)});
  EXPECT_EQ(nlohmann::json::parse(element(page, "record-0"))["maps"]["encoder"]["bits"], 8);
  EXPECT_LT(page.size(), 2'000'000U);
}

// All that a record may have: the bound holds with the best words of every step, the tree of a beam of 4, the
// translations without each word, maps of 90 pieces and as many layers of vectors as there is room for.
TEST_F(Viewer, SixtyWordsWithEverythingStayUnderTwoMegabytes) {
  constexpr size_t kWords = 60, kPieces = 90, kSize = 128;
  Translation record = viewer_record(kWords, 6, 8);
  models::TranslationPieces& pieces = record.pieces.emplace();
  for (auto* const side :
       {&pieces.source, &pieces.target})  // the first half of the words are two pieces each
    for (size_t i = 0; i < kPieces; ++i) side->push_back({"piece", i < kWords ? i / 2 : i - kWords / 2});
  pieces.attention = pieces.encoder_self_attention = pieces.decoder_self_attention =
      viewer_maps(6, 8, kPieces, kPieces);
  for (size_t i = 0; i < kPieces; ++i) {
    record.steps.push_back({-0.1, std::vector(6, models::ProbableUnit{"\u2581probable", -2.5})});
    for (int k = 0; k < 8; ++k)
      record.beam.push_back(
          {static_cast<int64_t>(8 * i) - 1, "\u2581branch", -12.5, models::BeamFate::pruned});
  }
  std::string text;
  for (size_t i = 0; i + 1 < kWords; ++i) text += "translated ";
  for (size_t i = 0; i + 1 < kWords; ++i) record.without.push_back({i, text, -20.5});
  const std::vector<std::vector<float>> vectors(kPieces, std::vector<float>(kSize, 0.5F));
  for (int kind = 0; kind < 3; ++kind)
    for (int layer = 0; layer < 6; ++layer)
      record.vectors.push_back({kind, layer, vectors, vectors, vectors});
  const std::string page = page_of({record});
  const auto json = nlohmann::json::parse(element(page, "record-0"));
  EXPECT_EQ(json["steps"].size(), kPieces);
  EXPECT_EQ(json["tree"].size(), 8 * kPieces);
  EXPECT_EQ(json["without"].size(), kWords - 1);
  EXPECT_EQ(json["maps"]["cross"]["rows"], kPieces);
  EXPECT_LT(page.size(), 2'000'000U);
  record.pieces.reset();
  record.steps.resize(kWords);
  for (models::TranslationVectors& one : record.vectors)
    for (auto* const list : {&one.query, &one.key, &one.value}) list->resize(kWords);
  const std::string words = page_of({record});
  EXPECT_EQ(nlohmann::json::parse(element(words, "record-0"))["vectors"].size(), 12U);  // a kind is left out
  EXPECT_LT(words.size(), 2'000'000U);
}

TEST_F(Viewer, SentencesOfThreeHundredWords) {
  const std::string page = page_of({viewer_record(300, 1, 2)});
  EXPECT_EQ(element(page, "maps-0-cross").size(), 2U * 300 * 300 / 3 * 4);
}

TEST_F(Viewer, SeveralFilesAndGold) {
  const std::string one = write("one.jsonl", {viewer_record(3)}),
                    two = write("two.jsonl", {viewer_record(3)});
  write_file_atomically(path("gold"), "0-0 1?1\n");
  const auto result = run({"--records", one, "--records", two, "--gold", path("gold"), "-o",
                           path("page.html"), "--json", path("j")});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const std::string page = read_file(path("page.html"));
  const auto index = nlohmann::json::parse(element(page, "index"));
  EXPECT_EQ(index["entries"].size(), 2U);
  EXPECT_EQ(index["entries"][1]["file"], "two");
  EXPECT_EQ(nlohmann::json::parse(element(page, "record-1"))["gold"].dump(),
            R"({"possible":[[1,1]],"sure":[[0,0]]})");
  const std::string records = read_file(path("j"));
  EXPECT_EQ(std::ranges::count(records, '\n'), 2);
}

TEST_F(Viewer, PageOfSomeLines) {
  const std::string file =
      write("r.jsonl", {viewer_record(2), viewer_record(3), viewer_record(4), viewer_record(5)});
  ASSERT_EQ(run({"--records", file, "--lines", "1,3-", "-o", path("page.html")}).exit_code, 0);
  const std::string page = read_file(path("page.html"));
  EXPECT_EQ(nlohmann::json::parse(element(page, "index"))["entries"].size(), 3U);
  EXPECT_EQ(nlohmann::json::parse(element(page, "record-1"))["source"]["tokens"].size(), 4U);
}

TEST_F(Viewer, BadInputIsOneClearLine) {
  const std::string file = write("r.jsonl", {viewer_record(3)}), out = path("bad.html");
  expect_no_page({"--records", path("none"), "-o", out}, 1, "none': No such file or directory");
  write_file_atomically(path("cut"), to_json_line(viewer_record(3)) + "\n{\"format\":\n");
  expect_no_page({"--records", path("cut"), "-o", out}, 1, "cut' line 2: the record is cut off");
  write_file_atomically(path("empty"), "");
  expect_no_page({"--records", path("empty"), "-o", out}, 1, "empty' has 0 lines and no record with words");
  expect_no_page({"--records", file, "-o", out, "--grid"}, 2, "--grid: is of pictures");
  expect_no_page({"--records", file, "--line", "7", "-o", out}, 1, "has 1 line, --line asks for 7");
  write_file_atomically(path("gold"), "0-9\n");
  expect_no_page({"--records", file, "--gold", path("gold"), "-o", out}, 1,
                 "gold' line 1: 0-9 lies outside the record's 2 source and 2 output words");
  expect_no_page({"--records", file, "--lines", "1-2", "-o", out}, 1, "has 1 line, --lines asks for 2");
}

// Candidates as they are read, and not as Moses' tokenizer writes them.
TEST_F(Viewer, CandidatesAreUnescaped) {
  Translation record = viewer_record(1);
  record.steps.push_back({-0.1, {{"&apos;s", -0.5}, {"&lt;unk&gt;", -2.5}}});
  record.steps.resize(record.target.tokens.size(), record.steps.front());
  record.beam.push_back({-1, "&amp;", -0.5, models::BeamFate::kept});
  const auto json = nlohmann::json::parse(element(page_of({record}), "record-0"));
  EXPECT_EQ(json["steps"][0]["best"][0]["t"], "'s");
  EXPECT_EQ(json["steps"][0]["best"][1]["t"], "<unk>");
  EXPECT_EQ(json["tree"][0][1], "&");
}

}  // namespace
}  // namespace heed
