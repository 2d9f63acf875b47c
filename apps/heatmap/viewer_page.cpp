#include "apps/heatmap/viewer_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "apps/heatmap/picture.h"
#include "apps/heatmap/viewer_files.h"
#include "models/text/unicode.h"

namespace heed::heatmap {
namespace {

using PageJson = nlohmann::ordered_json;

// Files of viewer/ in the order in which the page runs them.
constexpr const char* kScripts[] = {"data.js",  "measures.js", "colours.js", "scene.js",  "matrix.js",
                                    "lines.js", "view.js",     "panels.js",  "focus.js",  "heads.js",
                                    "steps.js", "without.js",  "table.js",   "export.js", "main.js"};

std::string base64(std::string_view bytes) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t three = 0;
    for (size_t k = 0; k < 3; ++k)
      three = three << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0);
    for (int shift = 18; shift >= 0; shift -= 6) text += kLetters[three >> shift & 63];
  }
  for (size_t i = bytes.size(); i % 3 != 0; ++i) text[text.size() - (3 - bytes.size() % 3)] = '=';
  return text;
}

// One line of JSON that may stand in a script element: no tag can begin in it.
std::string in_script(const PageJson& json) {
  std::string text;
  for (const char c : json.dump(-1, ' ', false, PageJson::error_handler_t::replace)) {
    if (c == '<')
      text += "\\u003c";
    else
      text += c;
  }
  return text;
}

std::string in_html(std::string_view text) {
  std::string result;
  for (const char c : text) result += c == '&' ? "&amp;" : c == '<' ? "&lt;" : std::string(1, c);
  return result;
}

PageJson side_for_page(const models::TranslationSide& side) {
  PageJson tokens = PageJson::array();
  for (const models::TranslationToken& token : side.tokens) {
    PageJson entry = {{"t", display(token, side.text)}};
    if (token.eos) entry["eos"] = true;
    if (token.unk) entry["unk"] = true;
    tokens.push_back(std::move(entry));
  }
  return {{"text", side.text}, {"tokens", std::move(tokens)}};
}

PageJson pieces_for_page(const std::vector<models::TranslationPiece>& pieces) {
  PageJson list = PageJson::array();
  for (const models::TranslationPiece& piece : pieces) list.push_back({{"t", piece.text}, {"w", piece.word}});
  return list;
}

PageJson links_for_page(const std::vector<models::AlignmentLink>& links) {
  PageJson list = PageJson::array();
  for (const models::AlignmentLink& link : links) list.push_back({link.source, link.target});
  return list;
}

double rounded_for_page(double value) { return std::round(value * 1e4) / 1e4; }

// How the translation came about, where the record has that.
void add_search(PageJson& json, const models::Translation& record) {
  for (const models::TranslationStep& step : record.steps) {
    PageJson best = PageJson::array();
    for (const models::ProbableUnit& unit : step.best)
      best.push_back({{"t", unit.text}, {"p", rounded_for_page(unit.log_probability)}});
    json["steps"].push_back({{"p", rounded_for_page(step.log_probability)}, {"best", std::move(best)}});
  }
  for (const models::TranslationBranch& node : record.beam)
    json["tree"].push_back(
        {node.parent, node.text, rounded_for_page(node.score), static_cast<int>(node.fate)});
  for (const models::TranslationWithout& one : record.without)
    json["without"].push_back({{"w", one.word}, {"text", one.text}, {"score", rounded_for_page(one.score)}});
}

// The maps of a kind, of the pieces where the record has them: those of words follow from them.
struct KindOfMaps {
  const char* name;  // as viewer/data.js knows it
  const std::vector<models::AttentionWeights>* maps;
};
std::vector<KindOfMaps> kinds_of(const models::Translation& record) {
  const auto of = [](const auto& lists) {
    return std::vector<KindOfMaps>{{"cross", &lists.attention},
                                   {"encoder", &lists.encoder_self_attention},
                                   {"decoder", &lists.decoder_self_attention}};
  };
  std::vector<KindOfMaps> kinds = record.pieces ? of(*record.pieces) : of(record);
  std::erase_if(kinds, [](const KindOfMaps& kind) {
    return kind.maps->empty() || kind.maps->front().weights.empty() ||
           kind.maps->front().weights.front().empty();
  });
  return kinds;
}

int bits_of(const std::vector<KindOfMaps>& kinds) {
  size_t cells = 0;
  for (const KindOfMaps& kind : kinds)
    cells +=
        kind.maps->size() * kind.maps->front().weights.size() * kind.maps->front().weights.front().size();
  return cells <= kExactCells ? 16 : 8;
}

// A map's bytes, row after row, filled up to whole letters of base64 so that each can be decoded alone.
std::string bytes_of_map(const models::AttentionWeights& map, int bits) {
  std::string bytes;
  for (const std::vector<float>& row : map.weights) {
    for (const float weight : row) {
      const double w = std::clamp(static_cast<double>(weight), 0.0, 1.0);
      const auto number =
          static_cast<unsigned>(bits == 16 ? std::lround(w * 65535) : std::lround(std::sqrt(w) * 255));
      bytes += static_cast<char>(number & 255);
      if (bits == 16) bytes += static_cast<char>(number >> 8);
    }
  }
  while (bytes.size() % 3 != 0) bytes += '\0';
  return bytes;
}

// The elements of one record: its words, and a list of bytes for each kind of attention.
std::string record_elements(const PageRecord& page, size_t index) {
  const models::Translation& record = page.record;
  PageJson json = {{"source", side_for_page(record.source)}, {"target", side_for_page(record.target)}};
  if (record.pieces) {
    json["pieces"] = {{"source", pieces_for_page(record.pieces->source)},
                      {"target", pieces_for_page(record.pieces->target)}};
  }
  if (page.gold)
    json["gold"] = {{"sure", links_for_page(page.gold->sure)},
                    {"possible", links_for_page(page.gold->possible)}};
  add_search(json, record);
  json["maps"] = PageJson::object();
  std::string elements;
  const std::vector<KindOfMaps> kinds = kinds_of(record);
  const int bits = bits_of(kinds);
  for (const KindOfMaps& kind : kinds) {
    PageJson names = PageJson::array();
    std::string bytes;
    for (const models::AttentionWeights& map : *kind.maps) {
      names.push_back({map.layer, map.head});
      bytes += bytes_of_map(map, bits);
    }
    json["maps"][kind.name] = {{"names", std::move(names)},
                               {"rows", kind.maps->front().weights.size()},
                               {"columns", kind.maps->front().weights.front().size()},
                               {"bits", bits},
                               {"stride", bytes.size() / kind.maps->size()}};
    elements += fmt::format("<script type=\"text/plain\" id=\"maps-{}-{}\">{}</script>\n", index, kind.name,
                            base64(bytes));
  }
  return fmt::format("<script type=\"application/json\" id=\"record-{}\">{}</script>\n", index,
                     in_script(json)) +
         elements;
}

std::string data_of(const std::vector<PageRecord>& records) {
  PageJson entries = PageJson::array();
  std::string elements;
  for (size_t i = 0; i < records.size(); ++i) {
    const models::Translation& record = records[i].record;
    entries.push_back({{"id", record.id},
                       {"model", record.model},
                       {"rank", record.rank},
                       {"score", record.score},
                       {"file", records[i].name},
                       {"source", record.source.text},
                       {"target", record.target.text}});
    elements += record_elements(records[i], i);
  }
  return fmt::format("<script type=\"application/json\" id=\"index\">{}</script>\n",
                     in_script({{"entries", std::move(entries)}})) +
         elements;
}

PageJson stops_of(const Palette& palette) {
  constexpr int kStops = 40;  // a multiple of the tenths in which light maps leave white
  PageJson stops = PageJson::array();
  for (int i = 0; i <= kStops; ++i) {
    const double part = static_cast<double>(i) / kStops;
    stops.push_back(hex(colour_of(scale_value(part, palette), palette)));
  }
  return stops;
}

// The colours that the page offers, by name.
PageJson colour_stops() {
  PageJson weights = PageJson::object(), differences = PageJson::object();
  for (const bool light : {false, true}) {
    for (const std::string_view name : models::kNames<ColourMap>)
      weights[std::string(name) + (light ? ", light" : "")] =
          stops_of({*models::choice_named<ColourMap>(name), light, false});
    differences[light ? "light" : "dark"] = stops_of({.light = light, .difference = true});
  }
  return {{"weights", std::move(weights)}, {"differences", std::move(differences)}};
}

std::string script_of_page() {
  std::string script =
      fmt::format("(() => {{\n\"use strict\";\nconst colourStops = {};\n", in_script(colour_stops()));
  for (const char* name : kScripts) script += text_file(name);
  return script + "})();";
}

}  // namespace

bool is_page(const std::string& path) {
  const std::string extension = models::to_lower(std::filesystem::path(path).extension().string());
  return extension == ".html" || extension == ".htm";
}

std::string viewer_page(const std::vector<PageRecord>& records, const std::string& title) {
  std::string page;
  const std::string frame = text_file("page.html");
  for (size_t at = 0; at < frame.size();) {  // what stands between two @ is put in place, once
    const size_t begin = frame.find('@', at),
                 end = begin == std::string::npos ? begin : frame.find('@', begin + 1);
    page += frame.substr(at, begin - at);
    if (end == std::string::npos) break;
    const std::string name = frame.substr(begin + 1, end - begin - 1);
    page += name == "title"   ? in_html(title)
            : name == "style" ? text_file("style.css")
            : name == "data"  ? data_of(records)
                              : script_of_page();
    at = end + 1;
  }
  return page;
}

}  // namespace heed::heatmap
