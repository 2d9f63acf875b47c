// heatmap as a user runs it: files, exit codes, messages.
#include <glib.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <regex>

#include "apps/heatmap/colour.h"
#include "apps/heatmap/render.h"
#include "framework/build_info.h"
#include "framework/io/file.h"
#include "models/run/translation.h"
#include "tests/apps/heatmap_process.h"

namespace heed {
namespace {

using models::Translation;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// A record of S source and T target words with an even attention of every layer and head.
Translation record_of(int source, int target, int layers = 1, int heads = 1) {
  Translation record;
  record.model = "additive attention, LSTM 256";
  record.score = -4.25;
  for (int s = 0; s + 1 < source; ++s) record.source.tokens.push_back({"Wörter" + std::to_string(s), {}});
  for (int t = 0; t + 1 < target; ++t) record.target.tokens.push_back({"words" + std::to_string(t), {}});
  record.source.tokens.push_back({"</s>", {}, true});
  record.target.tokens.push_back({"</s>", {}, true});
  for (int layer = 0; layer < layers; ++layer) {
    for (int head = 0; head < heads; ++head) {
      const auto weight = static_cast<float>(1.0 / source);
      record.attention.push_back(
          {layer, head,
           std::vector(static_cast<size_t>(target), std::vector(static_cast<size_t>(source), weight))});
    }
  }
  return record;
}

// The same with even self-attention on both sides, the decoder's over what came before.
Translation record_with_self_attention(int source, int target, int layers = 1, int heads = 1) {
  Translation record = record_of(source, target, layers, heads);
  record.model = "Transformer";
  const auto S = static_cast<size_t>(source), T = static_cast<size_t>(target);
  for (int layer = 0; layer < layers; ++layer) {
    for (int head = 0; head < heads; ++head) {
      record.encoder_self_attention.push_back(
          {layer, head, std::vector(S, std::vector(S, 1.0F / static_cast<float>(S)))});
      record.decoder_self_attention.push_back({layer, head, std::vector(T, std::vector(T, 0.0F))});
      for (size_t t = 0; t < T; ++t) {
        for (size_t u = 0; u <= t; ++u)
          record.decoder_self_attention.back().weights[t][u] = 1.0F / static_cast<float>(t + 1);
      }
    }
  }
  return record;
}

class Heatmap : public HeatmapProcess {
 protected:
  // The SVG of one record.
  std::string svg_of(const Translation& record, const std::vector<std::string>& options = {}) const {
    return drawn({record}, "out.svg", options);
  }
};

// "", or why GLib's parser of XML does not take it: tags nest, attributes are quoted, every & is one of the
// five entities or a number.
std::string xml_error(const std::string& xml) {
  const GMarkupParser nothing{};
  const std::unique_ptr<GMarkupParseContext, decltype(&g_markup_parse_context_free)> context(
      g_markup_parse_context_new(&nothing, G_MARKUP_DEFAULT_FLAGS, nullptr, nullptr),
      g_markup_parse_context_free);
  GError* error = nullptr;
  const auto end = std::ranges::find_if(
      xml, [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t'; });
  if (end != xml.end())
    return "character " + std::to_string(*end) + " at " + std::to_string(end - xml.begin());
  if (g_markup_parse_context_parse(context.get(), xml.data(), static_cast<gssize>(xml.size()), &error) &&
      g_markup_parse_context_end_parse(context.get(), &error)) {
    return "";
  }
  std::string message = error->message;
  g_error_free(error);
  return message;
}

std::vector<std::smatch> all_matches(const std::string& text, const std::regex& pattern) {
  return {std::sregex_iterator(text.begin(), text.end(), pattern), std::sregex_iterator()};
}

double number_at(const std::string& svg, const std::string& pattern) {
  std::smatch match;
  return std::regex_search(svg, match, std::regex(pattern)) ? std::stod(match[1]) : NAN;
}

TEST_F(Heatmap, SvgShowsWordsValuesTitleAndBar) {
  Translation record = record_of(3, 2);
  record.source.tokens[0].text = "Größe";
  record.source.tokens[1].text = "&apos;s";
  record.source.tokens[1].unk = true;
  record.attention[0].weights[0] = {0.125f, 0.873f, 0.002f};
  const std::string svg = svg_of(record);
  EXPECT_EQ(xml_error(svg), "");
  EXPECT_THAT(svg, HasSubstr("role=\"img\" aria-label=\"Attention of additive attention, LSTM 256: 3 source "
                             "words across, 2 output words down\""));
  EXPECT_THAT(svg, HasSubstr("<title>Größe \xE2\x86\x92 words0: 0.125</title>"));
  EXPECT_THAT(svg, HasSubstr("<title>&#39;s \xE2\x86\x92 words0: 0.873</title>"));
  for (const char* text :
       {">additive attention, LSTM 256</text>", ">source</text>", ">output</text>", ">Größe</text>",
        ">0.50</text>", "class=\"unk\"", "class=\"eos\"", "url(#scale)", "layer 0, head 0"}) {
    EXPECT_THAT(svg, HasSubstr(text));
  }
  for (const char* text : {"<script", "href", "@import", "http://www.w3.org/1999"})
    EXPECT_THAT(svg, Not(HasSubstr(text)));
}

// CIE Y of each cell of an SVG.
std::vector<double> luminances(const std::string& svg) {
  std::vector<double> all;
  for (const auto& fill : all_matches(svg, std::regex(R"re(fill="#(\w\w)(\w\w)(\w\w)"><title>)re"))) {
    const auto channel = [&](size_t i) {
      const double c = std::stoi(fill[i], nullptr, 16) / 255.0;
      return c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4);
    };
    all.push_back(0.2126 * channel(1) + 0.7152 * channel(2) + 0.0722 * channel(3));
  }
  return all;
}

TEST_F(Heatmap, BrightnessRisesWithTheWeightInEveryPaletteAndFallsInLightOnes) {
  Translation record = record_of(101, 1);
  for (int i = 0; i <= 100; ++i)
    record.attention[0].weights[0][static_cast<size_t>(i)] = static_cast<float>(i) / 100;
  for (const std::string_view map : models::kNames<heatmap::ColourMap>) {
    for (const bool light : {false, true}) {
      std::vector<double> all =
          luminances(svg_of(record, {"--colour", std::string(map), light ? "--light" : "--dark"}));
      ASSERT_EQ(all.size(), 101U) << map;
      if (light) {
        EXPECT_EQ(all.front(), 1) << map;  // paper
        std::ranges::reverse(all);
      }
      for (size_t i = 1; i < all.size(); ++i)
        EXPECT_GT(all[i], all[i - 1]) << map << ' ' << light << ' ' << i;
      EXPECT_LT(all.front(), 0.05) << map;
      EXPECT_GT(all.back(), 0.7) << map;
    }
  }
  const std::string plain = svg_of(record);
  EXPECT_EQ(plain, svg_of(record, {"--colour", "cubehelix", "--dark"}));
  EXPECT_EQ(luminances(plain).front(), 0);
  EXPECT_EQ(luminances(plain).back(), 1);
}

TEST_F(Heatmap, EveryFormatFollowsThePalette) {
  const Translation record = record_of(3, 3);
  for (const heatmap::Format& format : heatmap::kFormats) {
    const std::string file = "out" + std::string(format.extension);
    std::vector<std::string> seen;
    for (const std::string_view map : models::kNames<heatmap::ColourMap>) {
      for (const char* light : {"--light", "--dark"})
        seen.push_back(drawn({record}, file, {"--colour", std::string(map), light}));
    }
    std::ranges::sort(seen);
    EXPECT_TRUE(std::ranges::adjacent_find(seen) == seen.end()) << format.extension << ": two are the same";
  }
}

TEST_F(Heatmap, AnyTextIsEscaped) {
  Translation record = record_of(6, 2);
  record.model = "<b>&\"x\"'</b> \x01";
  record.source.tokens[0].text = "</text><script>alert(1)</script>";
  record.source.tokens[1].text = "";
  record.source.tokens[2].text = " a\tb\n";
  record.source.tokens[3].text = "\x02\x7F\xEF\xBF\xBF";
  record.source.tokens[4].text = "\xF0\x9F\x98\x80\xD7\xA9\xE6\xBC\xA2";
  const std::string svg = svg_of(record);
  EXPECT_EQ(xml_error(svg), "");
  EXPECT_THAT(svg, Not(HasSubstr("<script")));
  EXPECT_THAT(svg, HasSubstr("\xE2\x90\xA3"
                             "a\xE2\x90\xA3"
                             "b"));
}

// Raw text may have "&amp;" in it, which is what the token says; Moses' tokenizer writes "&" so.
TEST_F(Heatmap, AnEntityThatTheTextHasStaysOne) {
  Translation record = record_of(2, 2);
  record.source.text = "&amp; b";
  record.source.tokens[0] = {.text = "&amp;", .span = std::pair<size_t, size_t>(0, 5)};
  record.source.tokens[1] = {.text = "b", .span = std::pair<size_t, size_t>(6, 7)};
  EXPECT_THAT(svg_of(record), HasSubstr(">&amp;amp;</text>"));
  record.source.text = "& b";
  record.source.tokens[0].span = std::pair<size_t, size_t>(0, 1);
  record.source.tokens[1].span = std::pair<size_t, size_t>(2, 3);
  EXPECT_THAT(svg_of(record), testing::AllOf(HasSubstr(">&amp;</text>"), Not(HasSubstr("&amp;amp;"))));
}

TEST_F(Heatmap, OfManyCellsThePaleOnesOfAValueAreOnePath) {
  Translation record = record_of(300, 300);
  for (size_t t = 0; t < 300; ++t) {
    std::vector<float>& row = record.attention[0].weights[t];
    row.assign(300, 0.0004F);
    row[t] = 0.88F;
    if (t > 0) row[t - 1] = 0.0006F;
  }
  const std::string svg = svg_of(record);
  EXPECT_EQ(xml_error(svg), "");
  EXPECT_EQ(all_matches(svg, std::regex(": 0.880</title>")).size(), 300U);  // with their words
  EXPECT_EQ(all_matches(svg, std::regex("<title>0.001</title>")).size(), 1U);
  EXPECT_EQ(all_matches(svg, std::regex("<title>0.000</title>")).size(), 1U);
  EXPECT_EQ(all_matches(svg, std::regex("h1v1h-1z")).size(), 300U * 299U);
  EXPECT_LT(svg.size(), 2'000'000U);
  for (size_t t = 0; t < 300; ++t) {  // a weight everywhere: no two alike
    for (size_t s = 0; s < 300; ++s)
      record.attention[0].weights[t][s] = static_cast<float>((t * 7 + s * 13) % 600) / 90'000;
  }
  const std::string dense = svg_of(record);
  EXPECT_EQ(xml_error(dense), "");
  EXPECT_LT(dense.size(), 2'000'000U);
}

TEST_F(Heatmap, LongSentencesKeepCellsAndLabelsApart) {
  for (const int words : {20, 60, 120}) {
    const std::string svg = svg_of(record_of(words, words));
    EXPECT_EQ(xml_error(svg), "");
    const double width = number_at(svg, R"re(<svg[^>]* width="([\d.]+)")re"),
                 height = number_at(svg, R"re(<svg[^>]* height="([\d.]+)")re");
    const auto cells =
        all_matches(svg, std::regex(R"re(<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)")re"));
    ASSERT_EQ(cells.size(),
              static_cast<size_t>(words) * static_cast<size_t>(words) + 1);  // and the frame
    EXPECT_GE(std::stod(cells[0][3]), 22);
    EXPECT_GT(width, std::stod(cells[0][3]) * words);
    // Labels: inside the picture, a line's height or more apart across their direction.
    const auto labels = all_matches(
        svg,
        std::regex(
            R"re(<text class="(?:label|eos)" x="([\d.]+)" y="([\d.]+)" dy="0.35em" font-size="([\d.]+)" text-anchor="(\w+)"([^>]*)>)re"));
    ASSERT_EQ(labels.size(), 2 * static_cast<size_t>(words));
    for (size_t i = 0; i < labels.size(); ++i) {
      const double x = std::stod(labels[i][1]), y = std::stod(labels[i][2]), font = std::stod(labels[i][3]);
      EXPECT_GE(font, 11);
      EXPECT_LT(x, width);
      EXPECT_LT(y, height);
      if (i == 0 || labels[i - 1][4] != labels[i][4]) continue;
      const bool leaning = labels[i][5].str().find("rotate(-45") != std::string::npos;
      const double apart = std::hypot(x - std::stod(labels[i - 1][1]), y - std::stod(labels[i - 1][2])) *
                           (leaning ? std::sqrt(0.5) : 1);
      EXPECT_GE(apart, font * 1.15) << words;
    }
  }
}

// The columns of a text that is written from right to left follow it, with their weights, unless told
// otherwise.
TEST_F(Heatmap, ColumnsRunAsTheTextDoes) {
  Translation record = record_of(3, 2);
  record.source.tokens[0].text = "\u0643\u062A\u0627\u0628";
  record.source.tokens[1].text = "\u05E1\u05E4\u05E8";
  record.source.text = "1. " + record.source.tokens[0].text + " " + record.source.tokens[1].text;
  record.attention[0].weights = {{0.7F, 0.2F, 0.1F}, {0.25F, 0.35F, 0.4F}};
  const std::string first = record.source.tokens[0].text, second = record.source.tokens[1].text;
  const auto label_at = [](const std::string& svg, const std::string& word) {
    return svg.find(">" + word + "</text>");
  };
  for (const auto& options : {std::vector<std::string>{}, {"--order", "rtl"}, {"--order", "ltr"}}) {
    const std::string svg = svg_of(record, options);
    EXPECT_THAT(svg, HasSubstr("<title>" + first + " \xE2\x86\x92 words0: 0.700</title>"));
    EXPECT_THAT(svg, HasSubstr("<title>" + second + " \xE2\x86\x92 words0: 0.200</title>"));
    const bool turned = options.empty() || options[1] == "rtl";
    EXPECT_EQ(label_at(svg, first) > label_at(svg, second), turned);
    EXPECT_EQ(label_at(svg, second) > label_at(svg, "&lt;/s&gt;"), turned);
    EXPECT_EQ(svg.find("0.700</title>") > svg.find("0.200</title>"), turned);
  }
  record.source.text = "Wort " + record.source.tokens[1].text;
  record.source.tokens[0].text = "Wort";
  const std::string svg = svg_of(record);
  EXPECT_LT(label_at(svg, "Wort"), label_at(svg, second));
  expect_failure({"--records", write("rtl.jsonl", {record}), "-o", path("out.html"), "--order", "rtl"}, 2,
                 "--order: is of pictures");
}

TEST_F(Heatmap, AVeryLongWordMakesThePictureGrow) {
  Translation record = record_of(3, 3);
  const double before = number_at(svg_of(record), R"re(width="([\d.]+)")re");
  record.target.tokens[0].text = std::string(300, 'm');
  EXPECT_GT(number_at(svg_of(record), R"re(width="([\d.]+)")re"), before + 2000);
  record = record_of(3, 3);
  record.source.tokens[1].text = std::string(300, 'm');
  const std::string svg = svg_of(record);
  EXPECT_GT(number_at(svg, R"re(width="([\d.]+)")re"), before + 1000);
  EXPECT_GT(number_at(svg, R"re(height="([\d.]+)")re"), 1000);
}

TEST_F(Heatmap, PngHasTheSizeOfTheSvgAtItsResolution) {
  const std::string svg = svg_of(record_of(5, 4));
  for (const int dpi : {96, 192}) {
    const auto result =
        run({"--records", path("r.jsonl"), "-o", path("out.PNG"), "--dpi", std::to_string(dpi)});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const std::string png = read_file(path("out.PNG"));
    ASSERT_GT(png.size(), 1000u);
    EXPECT_EQ(png.substr(0, 8), "\x89PNG\r\n\x1A\n");
    const auto big_endian = [&](size_t at) {
      uint32_t value = 0;
      for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(png[at + i]);
      return value;
    };
    EXPECT_EQ(big_endian(16), std::ceil(number_at(svg, R"re(width="([\d.]+)")re") * dpi / 96));
    EXPECT_EQ(big_endian(20), std::ceil(number_at(svg, R"re(height="([\d.]+)")re") * dpi / 96));
  }
}

TEST_F(Heatmap, PdfIsOnePageOfTheSizeOfTheSvgAndTheSameEachTime) {
  const std::string svg = svg_of(record_of(5, 4));
  const auto draw = [&] {
    const auto result = run({"--records", path("r.jsonl"), "-o", path("out.pdf")});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return read_file(path("out.pdf"));
  };
  const std::string pdf = draw();
  EXPECT_THAT(pdf, testing::StartsWith("%PDF-1."));
  EXPECT_THAT(pdf, HasSubstr("%%EOF"));
  EXPECT_THAT(pdf, HasSubstr("/Count 1"));
  std::smatch box;
  ASSERT_TRUE(std::regex_search(pdf, box, std::regex(R"re(/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \])re")));
  EXPECT_NEAR(std::stod(box[1]), number_at(svg, R"re(width="([\d.]+)")re") * 0.75, 0.01);
  EXPECT_NEAR(std::stod(box[2]), number_at(svg, R"re(height="([\d.]+)")re") * 0.75, 0.01);
  EXPECT_TRUE(draw() == pdf);
}

TEST_F(Heatmap, GridOfAllHeadsAndTheirMean) {
  Translation record = record_of(4, 3, 2, 3);  // two layers of three heads
  const std::string grid = svg_of(record, {"--grid"});
  EXPECT_EQ(xml_error(grid), "");
  for (const char* title : {"layer 0, head 0", "layer 0, head 2", "layer 1, head 0", "layer 1, head 2"})
    EXPECT_THAT(grid, HasSubstr(title));
  EXPECT_EQ(all_matches(grid, std::regex("class=\"cells\"")).size(), 6U);
  const std::string one = svg_of(record);
  const double width = number_at(one, R"re(width="([\d.]+)")re"),
               height = number_at(one, R"re(height="([\d.]+)")re");
  EXPECT_GT(number_at(grid, R"re(width="([\d.]+)")re"), 2 * width);
  EXPECT_GT(number_at(grid, R"re(height="([\d.]+)")re"), 1.5 * height);
  EXPECT_LT(number_at(grid, R"re(height="([\d.]+)")re"), 2.5 * height);
  for (models::AttentionWeights& map : record.attention) map.weights[0][0] = map.layer == 0 ? 0.9F : 0.3F;
  EXPECT_THAT(svg_of(record, {"--mean"}), AllOf(HasSubstr("mean of 6 maps"), HasSubstr(": 0.600</title>")));
  EXPECT_THAT(svg_of(record, {"--mean", "--layer", "1"}),
              AllOf(HasSubstr("layer 1, mean of its heads"), HasSubstr(": 0.300</title>")));
  const auto png = run({"--records", path("r.jsonl"), "-o", path("grid.png"), "--grid"});
  EXPECT_EQ(png.exit_code, 0) << png.err;
  EXPECT_THAT(svg_of(record, {"--grid", "--title", "My title"}),
              AllOf(HasSubstr(">My title<"), HasSubstr(">score ")));
  expect_failure({"--records", path("r.jsonl"), "-o", path("x.svg"), "--mean", "--head", "1"}, 2, "--head");
  expect_failure({"--records", path("r.jsonl"), "-o", path("x.svg"), "--grid", "--layer", "1"}, 2, "--layer");
}

TEST_F(Heatmap, TheBrightestWeightIsWhereTheScaleEnds) {
  Translation record = record_of(2, 2, 1, 1);
  record.attention[0].weights = {{0.05F, 0.1F}, {0.025F, 0}};
  const std::string bright = "fill=\"#ffffff\"><title>", plain = svg_of(record),
                    scaled = svg_of(record, {"--brightest", "0"});
  EXPECT_THAT(plain, AllOf(Not(HasSubstr(bright)), HasSubstr(">1.00</text>")));
  EXPECT_EQ(all_matches(scaled, std::regex(bright)).size(), 1U);
  EXPECT_THAT(scaled,
              AllOf(HasSubstr(">0.100</text>"), HasSubstr(">0.025</text>"), HasSubstr(": 0.050</title>")));
  EXPECT_THAT(svg_of(record, {"--brightest", "0.5"}), HasSubstr(">0.50</text>"));
}

TEST_F(Heatmap, TheMapThatWasChosenForARunIsDrawnUnlessAnotherIsSaid) {
  Translation record = record_of(3, 3, 2, 2);
  record.usual_map = models::AttentionChoice{.layer = 1, .head = 0};
  EXPECT_THAT(svg_of(record), HasSubstr("layer 1, head 0"));
  EXPECT_THAT(svg_of(record, {"--mean"}), HasSubstr("mean of 4 maps"));
  EXPECT_THAT(svg_of(record, {"--layer", "0", "--head", "1"}), HasSubstr("layer 0, head 1"));
  record.usual_map->head = -1;
  EXPECT_THAT(svg_of(record), HasSubstr("layer 1, mean of its heads"));
  // each record its own
  Translation other = record_of(3, 3, 2, 2);
  EXPECT_THAT(drawn({record, other}, "first.svg", {"--line", "1"}), HasSubstr("layer 1, mean of its heads"));
  EXPECT_THAT(drawn({record, other}, "second.svg", {"--line", "2"}), HasSubstr("mean of 4 maps"));
}

TEST_F(Heatmap, EncoderSelfAttentionHasTheSourceOnBothAxes) {
  Translation record = record_with_self_attention(4, 3, 1, 2);
  record.encoder_self_attention[1].weights[0] = {0.125F, 0.875F, 0, 0};
  const std::string svg = svg_of(record, {"--which", "encoder", "--head", "1"});
  EXPECT_EQ(xml_error(svg), "");
  EXPECT_THAT(
      svg,
      AllOf(HasSubstr("aria-label=\"Encoder self-attention of Transformer: 4 source words across and down\""),
            HasSubstr(">source, attended to</text>"), HasSubstr(">source, attending</text>"),
            HasSubstr("encoder self-attention \xC2\xB7 layer 0, head 1 \xC2\xB7 1 of 2 maps"),
            Not(HasSubstr("score"))));
  EXPECT_THAT(svg, HasSubstr("<title>W\xC3\xB6rter1 \xE2\x86\x92 W\xC3\xB6rter0: 0.875</title>"));
  EXPECT_THAT(svg, AllOf(Not(HasSubstr("words0")),
                         HasSubstr("<title>&lt;/s&gt; \xE2\x86\x92 &lt;/s&gt;: 0.250</title>")));
  EXPECT_EQ(all_matches(svg, std::regex("\xE2\x86\x92")).size(), 16U);
  EXPECT_EQ(
      all_matches(svg_of(record, {"--which", "encoder", "--no-eos"}), std::regex("\xE2\x86\x92")).size(), 9U);
  const std::string cropped = svg_of(record, {"--which", "encoder", "--source-words", "2-3"});
  EXPECT_THAT(cropped, AllOf(HasSubstr(">source, attended to, 2\xE2\x80\x93"
                                       "3 of 4<"),
                             HasSubstr(">source, attending, 2\xE2\x80\x93"
                                       "3 of 4<")));
  EXPECT_EQ(all_matches(cropped, std::regex("\xE2\x86\x92")).size(), 4U);
}

TEST_F(Heatmap, DecoderSelfAttentionHasTheOutputDownAndWhatWasWrittenAcross) {
  const Translation record = record_with_self_attention(4, 3);
  const std::string svg = svg_of(record, {"--which", "decoder"});
  EXPECT_EQ(xml_error(svg), "");
  EXPECT_THAT(svg,
              AllOf(HasSubstr("aria-label=\"Decoder self-attention of Transformer: 3 words read across, 3 "
                              "output words down\""),
                    HasSubstr(">output so far, attended to</text>"), HasSubstr(">output, attending</text>"),
                    HasSubstr("decoder self-attention \xC2\xB7 layer 0, head 0 \xC2\xB7 score -4.25"),
                    Not(HasSubstr("rter"))));
  std::vector<std::string> cells;
  for (const auto& match : all_matches(svg, std::regex("<title>([^<]*\xE2\x86\x92[^<]*)</title>")))
    cells.push_back(match[1]);
  EXPECT_THAT(cells, testing::ElementsAre(
                         "&lt;s&gt; \xE2\x86\x92 words0: 1.000", "&lt;s&gt; \xE2\x86\x92 words1: 0.500",
                         "words0 \xE2\x86\x92 words1: 0.500", "&lt;s&gt; \xE2\x86\x92 &lt;/s&gt;: 0.333",
                         "words0 \xE2\x86\x92 &lt;/s&gt;: 0.333", "words1 \xE2\x86\x92 &lt;/s&gt;: 0.333"));
  EXPECT_EQ(all_matches(svg, std::regex("<text class=\"eos\"")).size(), 2U);  // <s> and </s>
  const std::string dropped = svg_of(record, {"--which", "decoder", "--no-eos"});
  EXPECT_THAT(dropped, AllOf(HasSubstr("&lt;s&gt;"), Not(HasSubstr("&lt;/s&gt;"))));
  EXPECT_EQ(all_matches(dropped, std::regex("\xE2\x86\x92")).size(), 3U);
  const std::string cropped = svg_of(record, {"--which", "decoder", "--target-words", "2"});
  EXPECT_THAT(cropped, AllOf(HasSubstr(">output, attending, 2 of 3<"), HasSubstr("attended to, 2 of 2<"),
                             HasSubstr("<title>&lt;s&gt; \xE2\x86\x92 words1: 0.500<")));  // <s> is no word
  EXPECT_EQ(all_matches(cropped, std::regex("\xE2\x86\x92")).size(), 1U);
}

TEST_F(Heatmap, SelfAttentionHasGridsAndMeansToo) {
  Translation record = record_with_self_attention(4, 3, 3, 2);
  record.attention.resize(1);  // the kinds may differ in layers and heads
  const std::string grid = svg_of(record, {"--which", "encoder", "--grid"});
  EXPECT_THAT(grid, AllOf(HasSubstr(">encoder layer 0, head 0<"), HasSubstr(">encoder layer 2, head 1<")));
  EXPECT_EQ(all_matches(grid, std::regex("class=\"cells\"")).size(), 6U);
  const std::string one = svg_of(record, {"--which", "encoder"});
  // a row a layer
  EXPECT_LT(number_at(grid, R"re(width="([\d.]+)")re"), 2.5 * number_at(one, R"re(width="([\d.]+)")re"));
  EXPECT_THAT(svg_of(record, {"--which", "decoder", "--grid"}), HasSubstr(">decoder layer 1, head 1<"));
  for (models::AttentionWeights& map : record.decoder_self_attention) {
    map.weights[1] = {map.layer == 0 ? 0.9F : 0.3F, map.layer == 0 ? 0.1F : 0.7F, 0};
  }
  EXPECT_THAT(
      svg_of(record, {"--which", "decoder", "--mean"}),
      AllOf(HasSubstr("decoder self-attention \xC2\xB7 mean of 6 maps"), HasSubstr(": 0.500</title>")));
  EXPECT_THAT(svg_of(record, {"--which", "decoder", "--mean", "--layer", "0"}),
              AllOf(HasSubstr("layer 0, mean of its heads"), HasSubstr(": 0.900</title>")));
  EXPECT_THAT(svg_of(record, {"--which", "cross"}), HasSubstr(">source</text>"));
}

TEST_F(Heatmap, AxisTitlesOfShortSentencesAreInThePicture) {
  for (const char* which : {"encoder", "decoder"}) {
    const std::string svg = svg_of(record_with_self_attention(1, 1), {"--which", which, "--grid"});
    const double width = number_at(svg, R"re(<svg[^>]* width="([\d.]+)")re"),
                 height = number_at(svg, R"re(<svg[^>]* height="([\d.]+)")re");
    const auto axes = all_matches(
        svg,
        std::regex(
            R"re(<text class="axis" x="([\d.]+)" y="([\d.]+)" dy="0.35em" font-size="([\d.]+)"[^>]*>([^<]*)</text>)re"));
    ASSERT_EQ(axes.size(), 2U);
    for (const auto& axis : axes) {
      const bool turned = axis.str().find("rotate(-90") != std::string::npos;
      // letters half as wide as high
      const double half = 0.25 * std::stod(axis[3]) * static_cast<double>(axis[4].length());
      const double at = std::stod(axis[turned ? 2 : 1]);
      EXPECT_GT(at - half, 0) << axis[4];
      EXPECT_LT(at + half, turned ? height : width) << axis[4];
    }
  }
}

TEST_F(Heatmap, ARecordWithoutSelfAttentionSaysHowToMakeIt) {
  const auto file = write("r.jsonl", {record_of(3, 3)});
  for (const std::string which : {"encoder", "decoder"}) {
    expect_failure({"--records", file, "-o", path("out.svg"), "--which", which}, 1,
                   "the record of model 'additive attention, LSTM 256' has no " + which +
                       " self-attention: 'translator translate --records FILE --self-attention' writes it, "
                       "where the model has it");
  }
  expect_failure({"--records", write("s.jsonl", {record_with_self_attention(3, 3)}), "-o", path("out.svg"),
                  "--which", "encoder", "--layer", "4"},
                 1, "no attention of layer 4 in the record: it has layer 0, head");
  expect_failure({"--records", file, "-o", path("out.svg"), "--which", "self"}, 2, "--which");
  auto damaged = to_json_line(record_with_self_attention(3, 3));
  damaged.replace(damaged.find("[[1.0,"), 6, "[[");
  write_file_atomically(path("damaged.jsonl"), damaged);
  expect_failure({"--records", path("damaged.jsonl"), "-o", path("out.svg")}, 1,
                 "damaged.jsonl' line 1: decoder_self_attention[0].weights[0] has 2 values, <s> and target "
                 "without </s> have 3 tokens");
  EXPECT_FALSE(std::filesystem::exists(path("out.svg")));
}

TEST_F(Heatmap, LayerHeadTitleAndCropping) {
  Translation record = record_of(8, 6, 2, 2);
  record.attention[3].weights[0][0] = 0.5;
  const std::string svg = svg_of(record, {"--layer", "1", "--head", "1", "--title", "My & title"});
  EXPECT_THAT(svg, HasSubstr(": 0.500</title>"));
  EXPECT_THAT(svg, HasSubstr("layer 1, head 1"));
  EXPECT_THAT(svg, HasSubstr("1 of 4 maps"));
  EXPECT_THAT(svg, HasSubstr(">My &amp; title</text>"));
  EXPECT_THAT(svg_of(record, {"--layer", "1"}), HasSubstr("layer 1, head 0"));
  EXPECT_THAT(svg_of(record), HasSubstr("&lt;/s&gt;"));
  EXPECT_THAT(svg_of(record, {"--no-eos"}), Not(HasSubstr("&lt;/s&gt;")));
}

TEST_F(Heatmap, RangesOfWordsAreDrawnAndThePictureSaysWhatIsLeftOut) {
  const Translation record = record_of(8, 6);
  const auto cells = [](const std::string& svg) {
    return all_matches(svg, std::regex("\xE2\x86\x92")).size();
  };
  const std::string part = svg_of(record, {"--source-words", "3-4", "--target-words", "5-"});
  EXPECT_THAT(part, AllOf(HasSubstr(">source, 3\xE2\x80\x93"
                                    "4 of 8<"),
                          HasSubstr(">output, 5\xE2\x80\x93"
                                    "6 of 6<"),
                          HasSubstr("25 % of the weight is drawn"),
                          HasSubstr("W\xC3\xB6rter2 \xE2\x86\x92 words4: 0.125"), Not(HasSubstr("rter1 ")),
                          HasSubstr(">&lt;/s&gt;<")));
  EXPECT_EQ(cells(part), 4U);
  const std::string rows = svg_of(record, {"--target-words", "2"});
  EXPECT_THAT(rows,
              AllOf(HasSubstr(">source<"), HasSubstr(">output, 2 of 6<"), Not(HasSubstr("weight is drawn"))));
  EXPECT_EQ(svg_of(record, {"--source-words", "1-8"}), svg_of(record));
  EXPECT_EQ(svg_of(record, {"--source-words", "1-99"}), svg_of(record));  // as far as the sentence goes
  EXPECT_EQ(cells(svg_of(record, {"--source-words", "7-", "--no-eos"})), 5U);
  const std::string file = path("r.jsonl"), out = path("bad.svg");
  const auto refused = [&](const char* option, const char* range, int code, const std::string& message) {
    expect_failure({"--records", file, "-o", out, option, range}, code, message);
  };
  refused("--source-words", "9-12", 1, "source words 9-12: the sentence has 8 with its end mark");
  refused("--target-words", "7", 1, "output words 7: the sentence has 6 with its end mark");
  refused("--source-words", "5-3", 2, "--source-words: '5-3' is empty: it ends before it begins");
  refused("--source-words", "0-3", 2, "--source-words: '0-3' begins before 1");
  for (const char* wrong : {"", "-", "x", "1-x", "1--2", "1,2", "99999999999999999999"})
    refused("--target-words", wrong, 2, "--target-words: '" + std::string(wrong) + "' is no range");
  expect_failure({"--records", file, "-o", out, "--which", "encoder", "--target-words", "1"}, 2,
                 "--target-words: the encoder attends to source words alone");
  expect_failure({"--records", file, "-o", out, "--which", "decoder", "--source-words", "1"}, 2,
                 "--source-words: the decoder attends to output words alone");
  expect_failure({"--records", file, "-o", out, "--max-tokens", "3"}, 2, "--source-words 1-N");
  EXPECT_FALSE(std::filesystem::exists(out));
}

TEST_F(Heatmap, TheLegendSaysWhatMarksUnknownWordsAndMaskedCells) {
  Translation record = record_with_self_attention(3, 3);
  const char *const unknown = "is outside the vocabulary", *const masked = "masked: not written yet";
  EXPECT_THAT(svg_of(record), AllOf(Not(HasSubstr(unknown)), Not(HasSubstr(masked))));
  const std::string decoder = svg_of(record, {"--which", "decoder", "--grid"});
  EXPECT_THAT(decoder, AllOf(Not(HasSubstr(unknown)), HasSubstr(masked)));
  EXPECT_EQ(all_matches(decoder, std::regex("class=\"masked\"")).size(), 2U);  // the cells, and the legend's
  record.source.tokens[0].unk = true;
  EXPECT_THAT(svg_of(record), AllOf(HasSubstr(unknown), Not(HasSubstr(masked))));
  record.target.tokens[0].unk = true;
  const std::string both = svg_of(record, {"--which", "decoder"});
  EXPECT_EQ(xml_error(both), "");
  EXPECT_THAT(both, AllOf(HasSubstr(unknown), HasSubstr(masked)));
  for (const char* file : {"out.png", "out.pdf"}) {
    const std::string with = drawn({record}, file, {"--which", "decoder"});
    record.decoder_self_attention[0].weights[0][1] = 1e-6F;  // not masked: attended to a little
    EXPECT_NE(drawn({record}, file, {"--which", "decoder"}), with) << file;
    record.decoder_self_attention[0].weights[0][1] = 0;
  }
}

TEST_F(Heatmap, LinesStandardInputAndTheRecordDrawn) {
  Translation second = record_of(4, 4);
  second.model = "second";
  const auto file = write("two.jsonl", {record_of(2, 2), second});
  const auto result = run({"--records", file, "--line", "2", "-o", path("a.svg"), "--json", path("a.json")});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(read_file(path("a.svg")), HasSubstr(">second</text>"));
  EXPECT_EQ(read_file(path("a.json")), to_json_line(second) + "\n");
  EXPECT_EQ(run({"--records", "-", "-o", path("b.svg")}, to_json_line(second)).exit_code, 0);
  EXPECT_EQ(read_file(path("a.svg")), read_file(path("b.svg")));
}

// Texts of a class in an SVG, in order.
std::vector<std::string> texts_of(const std::string& svg, const std::string& kind) {
  std::vector<std::string> texts;
  for (const auto& match : all_matches(svg, std::regex("<text class=\"" + kind + "\"[^>]*>([^<]*)</text>")))
    texts.push_back(match[1]);
  return texts;
}

// Two records of the same words, looked at differently.
std::pair<Translation, Translation> two_looks() {
  std::pair<Translation, Translation> two{record_of(2, 2), record_of(2, 2)};
  two.first.attention[0].weights = {{0.9F, 0.1F}, {0.25F, 0.75F}};
  two.second.attention[0].weights = {{0.5F, 0.5F}, {0.5F, 0.5F}};
  two.second.model = "dot attention, GRU 128";
  return two;
}

TEST_F(Heatmap, SeveralFilesStandSideBySideOnOneScaleWithTheirDifference) {
  const auto [a, b] = two_looks();
  const std::vector<std::string> both = {"--records", write("one.jsonl", {a}), "--records",
                                         write("two.jsonl", {b})};
  const auto svg_with = [&](std::vector<std::string> options) {
    options.insert(options.begin(), both.begin(), both.end());
    for (const char* more : {"-o", "-"}) options.emplace_back(more);
    const auto result = run(options);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(xml_error(result.out), "");
    return result.out;
  };
  const std::string pair = svg_with({"--brightest", "0", "--title", "Both"});
  EXPECT_THAT(texts_of(pair, "title"), testing::ElementsAre("Both", "one", "two"));
  EXPECT_THAT(texts_of(pair, "caption"),
              testing::Contains("dot attention, GRU 128 \xC2\xB7 layer 0, head 0 \xC2\xB7 score -4.25"));
  EXPECT_EQ(std::ranges::count(texts_of(pair, "tick"), "0.90"), 2);  // the largest of both ends both scales
  EXPECT_THAT(
      pair, AllOf(HasSubstr("aria-label=\"one: Attention of additive"), Not(HasSubstr("id=\"difference\""))));
  const std::string all = svg_with({"--difference", "--light", "--json", path("j")});
  EXPECT_THAT(texts_of(all, "title"), testing::ElementsAre("one", "two", "one \xE2\x88\x92 two"));
  EXPECT_THAT(texts_of(all, "tick"),
              AllOf(testing::Contains("+1.00"), testing::Contains("-0.50"), testing::Contains("0.00")));
  EXPECT_THAT(all, AllOf(HasSubstr("orange: more weight in one \xC2\xB7 blue: more in two"),
                         HasSubstr("url(#difference)"), HasSubstr("rter0 \xE2\x86\x92 words0: +0.400<"),
                         HasSubstr(": -0.250<"), HasSubstr("id=\"scale\"")));
  EXPECT_EQ(read_file(path("j")), to_json_line(a) + "\n" + to_json_line(b) + "\n");
  const std::string scaled = svg_with({"--difference", "--brightest", "0", "--light"});
  EXPECT_THAT(texts_of(scaled, "tick"),
              AllOf(testing::Contains("+0.40"), testing::Contains("-0.40"), testing::Contains("0.90")));
  EXPECT_THAT(scaled, HasSubstr("fill=\"#a63603\"><title>W"));  // the end of the scale
  for (const char* file : {"out.png", "out.pdf"}) {
    std::vector<std::string> command = both;
    for (const std::string& more : {std::string("-o"), path(file), std::string("--difference")})
      command.push_back(more);
    EXPECT_EQ(run(command).exit_code, 0) << file;
  }
}

TEST_F(Heatmap, ADifferenceWantsTwoRecordsOfTheSameWords) {
  auto [a, b] = two_looks();
  const std::string one = write("one.jsonl", {a}), two = write("two.jsonl", {b}), out = path("bad.svg");
  const auto refused = [&](const std::string& message) {
    expect_failure({"--records", one, "--records", write("two.jsonl", {b}), "--difference", "-o", out}, 1,
                   message);
  };
  expect_failure({"--records", one, "--difference", "-o", out}, 2,
                 "--difference: takes two runs or two files of records, got 1");
  expect_failure({"--records", one, "--records", two, "--records", two, "--difference", "-o", out}, 2,
                 "got 3");
  expect_failure({"--records", one, "--records", two, "--grid", "-o", out}, 2,
                 "--grid: draws the maps of one record");
  b.target.tokens[0].text = "other";
  refused("the output differs: word 1 is 'words0' in one and 'other' in two (--translation");
  b = record_of(3, 2);
  refused("the source differs: word 2 is '</s>' in one and 'Wörter1' in two");
  b = record_of(2, 2);
  b.target.tokens.pop_back();
  b.attention[0].weights.pop_back();
  refused("the output differs: one has 2 words and two has 1");
  EXPECT_FALSE(std::filesystem::exists(out));
}

TEST_F(Heatmap, ABatchIsAPictureOfEachLineInAFolder) {
  std::vector<Translation> records;
  for (int i = 1; i <= 12; ++i) records.push_back(record_of(2 + i % 3, 2));
  records[3].source.tokens.clear();  // a line without words
  records[3].target.tokens.clear();
  records[3].attention.clear();
  const std::string file = write("r.jsonl", records);
  const auto names = [&](const std::string& folder) {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(path(folder)))
      found.push_back(entry.path().filename());
    std::ranges::sort(found);
    return found;
  };
  for (const heatmap::Format& format : heatmap::kFormats) {
    const std::string extension(format.extension), folder = "made/" + extension.substr(1);
    const auto result =
        run({"--records", file, "--lines", "2-3,12", "-o", path(folder), "--format", extension.substr(1)});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(result.err, "");
    EXPECT_THAT(names(folder),
                testing::ElementsAre("0002" + extension, "0003" + extension, "0012" + extension));
    EXPECT_EQ(run({"--records", file, "--line", "3", "-o", path("three" + extension)}).exit_code, 0);
    EXPECT_EQ(read_file(path(folder + "/0003" + extension)), read_file(path("three" + extension)));
  }
  const auto all = run({"--records", "-", "-o", path("all/"), "--json", path("j")}, read_file(file));
  EXPECT_EQ(all.exit_code, 0);
  EXPECT_EQ(all.err, "heatmap: warning: line 4: no words, not drawn\n");
  EXPECT_EQ(names("all").size(), 11U);
  EXPECT_THAT(names("all"), testing::Contains("0012.svg"));
  EXPECT_EQ(std::ranges::count(read_file(path("j")), '\n'), 11);
  const auto pairs =
      run({"--records", file, "--records", file, "--lines", "5-6", "--difference", "-o", path("pairs/")});
  EXPECT_EQ(pairs.exit_code, 0) << pairs.err;
  EXPECT_THAT(read_file(path("pairs/0006.svg")), HasSubstr("url(#difference)"));
}

TEST_F(Heatmap, ABatchThatCannotBeDrawnWritesNothing) {
  const std::string file = write("r.jsonl", {record_of(3, 3), record_of(5, 3)}), folder = path("folder");
  const auto refused = [&](const std::vector<std::string>& options, int code, const std::string& message) {
    std::vector<std::string> arguments = {"--records", file};
    arguments.insert(arguments.end(), options.begin(), options.end());
    expect_failure(arguments, code, message);
    EXPECT_FALSE(std::filesystem::exists(folder));
  };
  refused({"--lines", "1-3", "-o", folder}, 1, "r.jsonl' has 2 lines, --lines asks for 3");
  refused({"--lines", "3-", "-o", folder}, 1, "r.jsonl' has 2 lines, --lines asks for 3");
  refused({"--lines", "1-2", "-o", folder, "--source-words", "4-"}, 1,
          "line 1: source words 4-: the sentence has 3");
  refused({"--lines", "2-1", "-o", folder}, 2, "--lines: '2-1' is empty");
  refused({"--lines", "1,", "-o", folder}, 2, "--lines: '' is no range");
  refused({"--lines", "1", "--line", "1", "-o", folder}, 2, "excludes");
  refused({"--lines", "1", "-o", "-"}, 2, "--lines: draws a picture a line, so '-' is to be a folder");
  refused({"--lines", "1", "-o", path("x.svg")}, 2, "x.svg' is to be a folder: -o FOLDER/");
  refused({"--lines", "1", "-o", file + "/"}, 1, "--output: '" + file + "' is a file, not a folder");
  refused({"--lines", "1", "-o", "/proc/no/"}, 1, "cannot make the folder '/proc/no'");
  refused({"--records", write("s.jsonl", {record_of(3, 3)}), "-o", folder + "/"}, 1,
          "pictures of both want the same");
  EXPECT_EQ(read_file(file), to_json_line(record_of(3, 3)) + "\n" + to_json_line(record_of(5, 3)) + "\n");
}

TEST_F(Heatmap, EveryFormatGoesToStandardOutput) {
  const std::string file = write("r.jsonl", {record_of(3, 3)});
  for (const heatmap::Format& format : heatmap::kFormats) {
    const std::string extension(format.extension);
    const auto result = run({"--records", file, "-o", "-", "--format", extension.substr(1)});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(run({"--records", file, "-o", path("out" + extension)}).exit_code, 0);
    EXPECT_TRUE(result.out == read_file(path("out" + extension))) << extension;
  }
  EXPECT_EQ(run({"--records", file, "-o", "-"}).out, read_file(path("out.svg")));
  EXPECT_THAT(run({"--records", file, "-o", "-", "--format", "html"}).out,
              testing::StartsWith("<!doctype html>"));
  EXPECT_EQ(run({"--records", file, "-o", path("picture"), "--format", "svg"}).exit_code, 0);
  EXPECT_EQ(read_file(path("picture")), read_file(path("out.svg")));
  expect_failure({"--records", file, "-o", "-", "--format", "gif"}, 2,
                 "--format: 'gif' is not known (svg, png, pdf, html)");
  expect_failure({"--records", file, "-o", path("x.png"), "--format", "svg"}, 2,
                 "--format: svg and the extension .png differ");
  expect_failure({"--records", file, "-o", path("x.png"), "--format", "html"}, 2,
                 "--format: html and the extension");
  expect_failure({"--records", file, "-o", path("x.html"), "--format", "png"}, 2,
                 "--format: png and the extension");
  EXPECT_FALSE(std::filesystem::exists(path("x.png")));
}

TEST_F(Heatmap, BadInputIsOneClearLine) {
  const auto file = write("r.jsonl", {record_of(3, 3), record_of(3, 3)});
  const std::string out = path("out.svg");
  expect_failure({"--records", path("none.jsonl"), "-o", out}, 1, "none.jsonl': No such file or directory");
  expect_failure({"--records", file, "--line", "5", "-o", out}, 1, "r.jsonl' has 2 lines, --line asks for 5");
  expect_failure({"--records", file, "-o", path("out.jpg")}, 2,
                 "out.jpg' must end in .svg, .png, .pdf (a picture) or .html (a page)");
  expect_failure({"--records", file, "-o", path("no/such/out.svg")}, 1, "No such file or directory");
  expect_failure({"--records", file, "-o", out, "--head", "3"}, 1,
                 "no attention of head 3 in the record: it has layer 0, head 0");
  write_file_atomically(path("bad.jsonl"), "{\"format\":\"heed.attention\",\n");
  expect_failure({"--records", path("bad.jsonl"), "-o", out}, 1, "bad.jsonl' line 1: the record is cut off");
  write_file_atomically(path("empty.jsonl"), "");
  expect_failure({"--records", path("empty.jsonl"), "-o", out}, 1, "empty.jsonl' has 0 lines");
  write_file_atomically(path("gap.jsonl"), to_json_line(record_of(2, 2)) + "\n\n");
  expect_failure({"--records", path("gap.jsonl"), "--line", "2", "-o", out}, 1, "gap.jsonl' line 2 is empty");
  write_file_atomically(path("train.en"), "A dog runs.\n");
  expect_failure({"--records", path("train.en"), "-o", out}, 1,
                 "train.en' is not a file of attention records: line 1 is not a JSON object");
  Translation plain = record_of(3, 3);
  plain.attention.clear();
  plain.model = "LSTM 256";
  expect_failure({"--records", write("plain.jsonl", {plain}), "-o", out}, 1,
                 "model 'LSTM 256' has no attention to draw");
  expect_failure({"--records", write("eos.jsonl", {record_of(1, 3)}), "-o", out, "--no-eos"}, 1,
                 "the source has no words to draw");
  expect_failure(
      {"--records", write("wide.jsonl", {record_of(300, 300)}), "-o", path("out.png"), "--dpi", "1200"}, 1,
      "too large for PNG");
  EXPECT_FALSE(std::filesystem::exists(out));
}

TEST_F(Heatmap, AnOutputThatIsAnInputIsRefused) {
  const auto file = write("r.svg", {record_of(3, 3)});  // a record may have any name
  const std::string before = read_file(file);
  expect_failure({"--records", file, "-o", file}, 1, "--output: '" + file + "' is also an input (--records)");
  expect_failure({"--records", file, "-o", path("a.svg"), "--json", file}, 1, "is also an input (--records)");
  expect_failure({"--records", file, "-o", path("a.svg"), "--json", path("a.svg")}, 1,
                 "is also an output (--output)");
  std::filesystem::create_directory(path("folder.svg"));
  expect_failure({"--records", file, "-o", path("folder.svg")}, 1, "is a directory, not a file");
  EXPECT_EQ(read_file(file), before);
  EXPECT_FALSE(std::filesystem::exists(path("a.svg")));
}

TEST_F(Heatmap, WrongUsageExitsWithTwo) {
  const auto file = write("r.jsonl", {record_of(3, 3)});
  expect_failure({}, 2, "--output is required");
  expect_failure({"--records", file}, 2, "--output is required");
  expect_failure({"--records", file, "-o", path("out.svg"), "--colour", "x"}, 2,
                 "--colour: 'x' is not known (cubehelix, viridis, cividis, greys)");
  expect_failure({"--records", file, "-o", path("out.svg"), "--line", "0"}, 2,
                 "--line: lines are counted from 1, got 0");
  expect_failure({"--records", file, "-o", path("out.svg"), "--dpi", "many"}, 2, "--dpi");
  expect_failure({"--records", file, "-o", path("out.svg"), "--dpi", "96"}, 2,
                 "--dpi: is of a PNG, and the format is svg");
  expect_failure({"--records", file, "--format", "pdf", "-o", "-", "--dpi", "96"}, 2,
                 "and the format is pdf");
  EXPECT_EQ(run({"--help"}).exit_code, 0);
  EXPECT_EQ(run({"--version"}).out, "heatmap of " + build_info().str() + "\n");
}

}  // namespace
}  // namespace heed
