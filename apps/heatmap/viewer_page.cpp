#include "apps/heatmap/viewer_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "apps/heatmap/picture.h"
#include "apps/heatmap/viewer_files.h"
#include "models/text/tokenizer.h"
#include "models/text/unicode.h"

namespace heed::heatmap {
namespace {

using PageJson = nlohmann::ordered_json;

// Files of viewer/ in the order in which the page runs them.
constexpr const char* kScripts[] = {"data.js",     "measures.js", "colours.js", "scene.js",
                                    "matrix.js",   "lines.js",    "view.js",    "panels.js",
                                    "focus.js",    "heads.js",    "steps.js",   "without.js",
                                    "computed.js", "table.js",    "export.js",  "main.js"};
constexpr const char* kLastScript = "sentences.js";  // of a page in a file

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
      best.push_back({{"t", models::unescape(unit.text)}, {"p", rounded_for_page(unit.log_probability)}});
    json["steps"].push_back({{"p", rounded_for_page(step.log_probability)}, {"best", std::move(best)}});
  }
  for (const models::TranslationBranch& node : record.beam)
    json["tree"].push_back({node.parent, models::unescape(node.text), rounded_for_page(node.score),
                            static_cast<int>(node.fate)});
  for (const models::TranslationWithout& one : record.without)
    json["without"].push_back({{"w", one.word}, {"text", one.text}, {"score", rounded_for_page(one.score)}});
  if (!record.without.empty()) json["withoutKind"] = models::name_of_choice(record.without_kind);
}

// Vectors of one size: 16 bits a number, as shares of the largest.
PageJson vectors_for_page(const std::vector<std::vector<float>>& vectors) {
  float largest = 1e-9F;
  for (const std::vector<float>& vector : vectors) {
    for (const float x : vector) largest = std::max(largest, std::abs(x));
  }
  std::string bytes;
  for (const std::vector<float>& vector : vectors) {
    for (const float x : vector) {
      const auto number = static_cast<unsigned>(std::lround(x / largest * 32767) + 32768);
      bytes += static_cast<char>(number & 255);
      bytes += static_cast<char>(number >> 8);
    }
  }
  return {
      {"size", vectors.empty() ? 0 : vectors.front().size()}, {"largest", largest}, {"bytes", base64(bytes)}};
}

size_t count_of(const models::TranslationVectors& one) {
  size_t numbers = 0;
  for (const auto* list : {&one.query, &one.key, &one.value})
    numbers += list->empty() ? 0 : list->size() * list->front().size();
  return numbers;
}

// Those of the output's attention, and of each further kind if they fit, beside maps of so many bytes.
PageJson all_vectors_for_page(const models::Translation& record, size_t map_bytes) {
  const size_t most = std::min(kVectorNumbers, (kRecordBytes - std::min(kRecordBytes, map_bytes)) / 2);
  constexpr const char* kKinds[] = {"cross", "encoder", "decoder"};
  std::array<size_t, 3> numbers{};
  for (const models::TranslationVectors& one : record.vectors)
    numbers.at(static_cast<size_t>(one.kind)) += count_of(one);
  std::array<bool, 3> fits{};
  size_t all = 0;
  for (size_t kind = 0; kind < numbers.size(); ++kind) {
    fits[kind] = all + numbers[kind] <= most;
    if (fits[kind]) all += numbers[kind];
  }
  PageJson list = PageJson::array();
  for (const models::TranslationVectors& one : record.vectors) {
    if (!fits.at(static_cast<size_t>(one.kind))) continue;
    list.push_back({{"kind", kKinds[one.kind]},
                    {"layer", one.layer},
                    {"query", vectors_for_page(one.query)},
                    {"key", vectors_for_page(one.key)},
                    {"value", vectors_for_page(one.value)}});
  }
  return list;
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

size_t cells_of(const std::vector<KindOfMaps>& kinds) {
  size_t cells = 0;
  for (const KindOfMaps& kind : kinds)
    cells +=
        kind.maps->size() * kind.maps->front().weights.size() * kind.maps->front().weights.front().size();
  return cells;
}
int bits_of(size_t cells) { return cells <= kExactCells ? 16 : 8; }

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

// What the page holds of one record.
struct PageParts {
  PageJson entry;                                         // in the index
  PageJson record;                                        // words, and which maps there are
  std::vector<std::pair<std::string, std::string>> maps;  // by kind, the bytes of all of them in base64
};
PageParts parts_of(const PageRecord& page) {
  const models::Translation& record = page.record;
  PageParts parts;
  parts.entry = {{"id", record.id},
                 {"model", record.model},
                 {"rank", record.rank},
                 {"score", record.score},
                 {"file", page.name},
                 {"source", record.source.text},
                 {"target", record.target.text}};
  PageJson& json = parts.record;
  json = {{"source", side_for_page(record.source)}, {"target", side_for_page(record.target)}};
  if (record.pieces) {
    json["pieces"] = {{"source", pieces_for_page(record.pieces->source)},
                      {"target", pieces_for_page(record.pieces->target)}};
  }
  // a sentence without links has no error
  if (page.gold && !(page.gold->sure.empty() && page.gold->possible.empty()))
    json["gold"] = {{"sure", links_for_page(page.gold->sure)},
                    {"possible", links_for_page(page.gold->possible)}};
  if (record.usual_map) json["usual"] = {record.usual_map->layer, record.usual_map->head};
  add_search(json, record);
  const std::vector<KindOfMaps> kinds = kinds_of(record);
  const size_t cells = cells_of(kinds);
  const int bits = bits_of(cells);
  if (PageJson vectors = all_vectors_for_page(record, cells * static_cast<size_t>(bits / 8));
      !vectors.empty())
    json["vectors"] = std::move(vectors);
  json["maps"] = PageJson::object();
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
    parts.maps.emplace_back(kind.name, base64(bytes));
  }
  return parts;
}

std::string data_of(const std::vector<PageRecord>& records) {
  PageJson entries = PageJson::array();
  std::string elements;
  for (size_t i = 0; i < records.size(); ++i) {
    const PageParts parts = parts_of(records[i]);
    entries.push_back(parts.entry);
    elements += fmt::format("<script type=\"application/json\" id=\"record-{}\">{}</script>\n", i,
                            in_script(parts.record));
    for (const auto& [kind, bytes] : parts.maps)
      elements += fmt::format("<script type=\"text/plain\" id=\"maps-{}-{}\">{}</script>\n", i, kind, bytes);
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

}  // namespace

bool is_page(const std::string& path) {
  const std::string extension = models::to_lower(std::filesystem::path(path).extension().string());
  return extension == ".html" || extension == ".htm";
}

nlohmann::ordered_json record_for_page(const PageRecord& record) {
  PageParts parts = parts_of(record);
  PageJson maps = PageJson::object();
  for (auto& [kind, bytes] : parts.maps) maps[kind] = std::move(bytes);
  return {{"entry", std::move(parts.entry)}, {"record", std::move(parts.record)}, {"maps", std::move(maps)}};
}

std::string viewer_script(const std::string& last) {
  std::string script =
      fmt::format("(() => {{\n\"use strict\";\nconst colourStops = {};\n", in_script(colour_stops()));
  for (const char* name : kScripts) script += text_file(name);
  return script + last + "})();";
}

std::string filled_page(std::string_view frame, const std::function<std::string(std::string_view)>& part) {
  std::string page;
  for (size_t at = 0; at < frame.size();) {  // what stands between two @ is put in place, once
    const size_t begin = frame.find('@', at),
                 end = begin == std::string::npos ? begin : frame.find('@', begin + 1);
    page += frame.substr(at, begin - at);
    if (end == std::string::npos) break;
    page += part(frame.substr(begin + 1, end - begin - 1));
    at = end + 1;
  }
  return page;
}

std::string viewer_page(const std::vector<PageRecord>& records, const std::string& title) {
  return filled_page(text_file("page.html"), [&](std::string_view part) {
    return part == "title"      ? in_html(title)
           : part == "style"    ? text_file("style.css")
           : part == "sections" ? text_file("sections.html")
           : part == "data"     ? data_of(records)
                                : viewer_script(text_file(kLastScript));
  });
}

}  // namespace heed::heatmap
