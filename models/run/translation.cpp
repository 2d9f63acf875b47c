#include "models/run/translation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "framework/core/error.h"
#include "models/text/json.h"
#include "models/text/unicode.h"

namespace heed::models {
namespace {

using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;  // keys in the order they are written

constexpr std::string_view kFormat = "heed.attention";

double rounded(double weight) { return std::round(weight * 1e6) / 1e6; }

OrderedJson side_to_json(const TranslationSide& side) {
  OrderedJson tokens = OrderedJson::array();
  for (const auto& token : side.tokens) {
    OrderedJson entry = {{"text", token.text}};
    if (token.span) entry["span"] = {token.span->first, token.span->second};
    if (token.unk) entry["unk"] = true;
    if (token.eos) entry["eos"] = true;
    tokens.push_back(std::move(entry));
  }
  return {{"text", side.text}, {"tokens", std::move(tokens)}};
}

// A value of the record and where it stands, such as `attention[0].weights[2]`; every complaint names the
// place.
class Value {
 public:
  Value(const Json& json, std::string place) : json_(json), place_(std::move(place)) {}

  [[noreturn]] void fail(const std::string& what) const {
    throw FormatError(place_.empty() ? what : place_ + " " + what);
  }
  Value operator[](const char* key) const {
    if (!json_.is_object()) fail("is not an object");
    const auto found = json_.find(key);
    if (found == json_.end()) throw FormatError(fmt::format("'{}' is missing", path(key)));
    return {*found, path(key)};
  }
  std::optional<Value> find(const char* key) const {
    if (!json_.is_object()) fail("is not an object");
    const auto found = json_.find(key);
    if (found == json_.end()) return std::nullopt;
    return Value(*found, path(key));
  }
  size_t size() const {
    if (!json_.is_array()) fail("is not a list");
    return json_.size();
  }
  Value at(size_t i) const { return {json_[i], fmt::format("{}[{}]", place_, i)}; }

  std::string text() const {
    if (!json_.is_string()) fail("is not text");
    return json_.get<std::string>();
  }
  bool boolean() const {
    if (!json_.is_boolean()) fail("is neither true nor false");
    return json_.get<bool>();
  }
  double number() const {
    if (!json_.is_number()) fail("is not a number");
    const auto value = json_.get<double>();
    if (!std::isfinite(value)) fail("is not finite");
    return value;
  }
  int64_t integer(int64_t min, int64_t max) const {
    if (!json_.is_number_integer()) fail("is not a whole number");
    if (json_.is_number_unsigned() && json_.get<uint64_t>() > static_cast<uint64_t>(max)) {
      fail(fmt::format("is out of range: {}", json_.get<uint64_t>()));
    }
    const auto value = json_.get<int64_t>();
    if (value < min || value > max) fail(fmt::format("is out of range: {}", value));
    return value;
  }

 private:
  std::string path(const char* key) const { return place_.empty() ? key : place_ + "." + key; }

  const Json& json_;
  std::string place_;
};

constexpr int64_t kMaxInt = std::numeric_limits<int>::max();

bool is_boundary(std::string_view text, size_t at) {
  return at == text.size() || (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80;
}

TranslationSide read_side(const Value& value) {
  TranslationSide side;
  side.text = value["text"].text();
  const Value tokens = value["tokens"];
  for (size_t i = 0; i < tokens.size(); ++i) {
    TranslationToken token;
    token.text = tokens.at(i)["text"].text();
    if (const auto eos = tokens.at(i).find("eos")) token.eos = eos->boolean();
    if (const auto unk = tokens.at(i).find("unk")) token.unk = unk->boolean();
    if (const auto span = tokens.at(i).find("span")) {
      if (span->size() != 2) span->fail("is not [begin, end]");
      const auto end_of_text = static_cast<int64_t>(side.text.size());
      const auto end = static_cast<size_t>(span->at(1).integer(0, end_of_text));
      const auto begin = static_cast<size_t>(span->at(0).integer(0, static_cast<int64_t>(end)));
      if (!is_boundary(side.text, begin) || !is_boundary(side.text, end))
        span->fail("cuts a character in two");
      token.span = std::pair(begin, end);
    }
    side.tokens.push_back(std::move(token));
  }
  return side;
}

// What the rows and columns of a list of maps stand for.
struct Axes {
  const char* key;
  size_t rows, columns;
  const char *row_tokens, *column_tokens;  // "target has"
};

// The lists of so many tokens a side; `read` counts what the decoder reads, <s> first.
std::array<Axes, 3> axes_of(size_t source, size_t target, size_t read) {
  return {Axes{"attention", target, source, "target has", "source has"},
          Axes{"encoder_self_attention", source, source, "source has", "source has"},
          Axes{"decoder_self_attention", target, read, "target has", "<s> and target without </s> have"}};
}
std::array<Axes, 3> axes_of(const Translation& translation) {
  return axes_of(translation.source.tokens.size(), translation.target.tokens.size(),
                 decoder_columns(translation));
}
// The axes of its pieces, which it has.
std::array<Axes, 3> axes_of_pieces(const Translation& translation) {
  const std::vector<TranslationPiece>& target = translation.pieces->target;
  const auto read = std::ranges::count_if(
      target, [&](const TranslationPiece& piece) { return !translation.target.tokens.at(piece.word).eos; });
  return axes_of(translation.pieces->source.size(), target.size(), 1 + static_cast<size_t>(read));
}

// The lists of maps of a Translation or of its pieces, in the order of the axes.
template <class Maps>
constexpr std::array kLists{&Maps::attention, &Maps::encoder_self_attention, &Maps::decoder_self_attention};

AttentionWeights read_map(const Value& value, const Axes& axes) {
  AttentionWeights attention;
  attention.layer = static_cast<int>(value["layer"].integer(0, kMaxInt));
  attention.head = static_cast<int>(value["head"].integer(0, kMaxInt));
  const Value weights = value["weights"];
  if (weights.size() != axes.rows)
    weights.fail(fmt::format("has {} rows, {} {} tokens", weights.size(), axes.row_tokens, axes.rows));
  for (size_t t = 0; t < axes.rows; ++t) {
    const Value row = weights.at(t);
    if (row.size() != axes.columns)
      row.fail(fmt::format("has {} values, {} {} tokens", row.size(), axes.column_tokens, axes.columns));
    auto& numbers = attention.weights.emplace_back();
    for (size_t s = 0; s < axes.columns; ++s) {
      const double weight = row.at(s).number();
      if (weight < 0 || weight > 1) row.at(s).fail(fmt::format("is outside [0, 1]: {}", weight));
      numbers.push_back(static_cast<float>(weight));
    }
  }
  return attention;
}

std::vector<AttentionWeights> read_maps(const Value& list, const Axes& axes) {
  std::vector<AttentionWeights> maps;
  for (size_t i = 0; i < list.size(); ++i) {
    maps.push_back(read_map(list.at(i), axes));
    for (size_t j = 0; j < i; ++j) {
      if (maps[j].layer == maps[i].layer && maps[j].head == maps[i].head) {
        list.at(i).fail(fmt::format("is layer {} head {} again", maps[i].layer, maps[i].head));
      }
    }
  }
  return maps;
}

OrderedJson maps_to_json(const std::vector<AttentionWeights>& maps, const Axes& axes) {
  OrderedJson list = OrderedJson::array();
  for (const auto& map : maps) {
    if (map.weights.size() != axes.rows) {
      throw ValueError("translation", fmt::format("{} rows of {}, {} {} tokens", map.weights.size(), axes.key,
                                                  axes.row_tokens, axes.rows));
    }
    OrderedJson weights = OrderedJson::array();
    for (const auto& row : map.weights) {
      if (row.size() != axes.columns) {
        throw ValueError("translation", fmt::format("{} values in a row of {}, {} {} tokens", row.size(),
                                                    axes.key, axes.column_tokens, axes.columns));
      }
      OrderedJson numbers = OrderedJson::array();
      for (const float weight : row) {
        const double value = rounded(weight);
        if (!(value >= 0 && value <= 1))
          throw ValueError("translation", fmt::format("an attention weight is {}", weight));
        numbers.push_back(value);
      }
      weights.push_back(std::move(numbers));
    }
    list.push_back({{"layer", map.layer}, {"head", map.head}, {"weights", std::move(weights)}});
  }
  return list;
}

std::vector<TranslationPiece> read_pieces(const Value& list, size_t words) {
  std::vector<TranslationPiece> pieces;
  for (size_t i = 0; i < list.size(); ++i) {
    const Value word = list.at(i)["word"];
    if (words == 0) word.fail("belongs to no token");
    pieces.push_back(
        {list.at(i)["text"].text(), static_cast<size_t>(word.integer(0, static_cast<int64_t>(words) - 1))});
  }
  return pieces;
}

template <class Maps>
void read_lists(Maps& maps, const Value& value, const std::array<Axes, 3>& axes) {
  maps.attention = read_maps(value["attention"], axes[0]);
  for (size_t i = 1; i < axes.size(); ++i) {
    if (const auto list = value.find(axes[i].key)) maps.*kLists<Maps>[i] = read_maps(*list, axes[i]);
  }
}

template <class Maps>
void write_lists(OrderedJson& json, const Maps& maps, const std::array<Axes, 3>& axes) {
  json["attention"] = maps_to_json(maps.attention, axes[0]);
  for (size_t i = 1; i < axes.size(); ++i) {
    const std::vector<AttentionWeights>& list = maps.*kLists<Maps>[i];
    if (!list.empty()) json[axes[i].key] = maps_to_json(list, axes[i]);
  }
}

// The optional lists of how a translation came about.
void read_search(Translation& translation, const Value& root) {
  if (const auto steps = root.find("steps")) {
    const size_t units =
        translation.pieces ? translation.pieces->target.size() : translation.target.tokens.size();
    if (steps->size() != units && steps->size() != 0)
      steps->fail(fmt::format("has {} entries, the target has {} units", steps->size(), units));
    for (size_t i = 0; i < steps->size(); ++i) {
      TranslationStep& step = translation.steps.emplace_back();
      step.log_probability = steps->at(i)["log_probability"].number();
      const Value best = steps->at(i)["best"];
      for (size_t k = 0; k < best.size(); ++k)
        step.best.push_back({best.at(k)["text"].text(), best.at(k)["log_probability"].number()});
    }
  }
  if (const auto beam = root.find("beam")) {
    for (size_t i = 0; i < beam->size(); ++i) {
      const Value node = beam->at(i), fate = node["fate"];
      const auto known = choice_named<BeamFate>(fate.text());
      if (!known) fate.fail(fmt::format("is '{}', which is no fate of a hypothesis", fate.text()));
      translation.beam.push_back({node["parent"].integer(-1, static_cast<int64_t>(i) - 1),
                                  node["text"].text(), node["score"].number(), *known});
    }
  }
  if (const auto without = root.find("without")) {
    const size_t words = translation.source.tokens.size();
    for (size_t i = 0; i < without->size(); ++i) {
      const Value one = without->at(i);
      const auto word =
          static_cast<size_t>(one["word"].integer(0, std::max<int64_t>(0, static_cast<int64_t>(words) - 1)));
      translation.without.push_back({word, one["text"].text(), one["score"].number()});
    }
    if (const auto kind = root.find("without_kind")) {
      const auto known = choice_named<WithoutKind>(kind->text());
      if (!known)
        kind->fail(fmt::format("is '{}', not {}", kind->text(), fmt::join(kNames<WithoutKind>, " or ")));
      translation.without_kind = *known;
    }
  }
}

// Vectors of one size, one for each of `count` units.
std::vector<std::vector<float>> read_vectors(const Value& list, size_t count) {
  if (list.size() != count) list.fail(fmt::format("has {} vectors, there are {} units", list.size(), count));
  std::vector<std::vector<float>> vectors(count);
  for (size_t i = 0; i < count; ++i) {
    const Value row = list.at(i);
    if (i > 0 && row.size() != vectors[0].size())
      row.fail(fmt::format("has {} values, the first {}", row.size(), vectors[0].size()));
    for (size_t k = 0; k < row.size(); ++k) vectors[i].push_back(static_cast<float>(row.at(k).number()));
  }
  return vectors;
}

void read_vectors_of(Translation& translation, const Value& root) {
  const auto list = root.find("vectors");
  if (!list) return;
  const std::array<Axes, 3> axes = translation.pieces ? axes_of_pieces(translation) : axes_of(translation);
  for (size_t i = 0; i < list->size(); ++i) {
    const Value one = list->at(i), name = one["kind"];
    const auto kind =
        std::ranges::find(axes, name.text(), [](const Axes& each) { return std::string(each.key); });
    if (kind == axes.end()) name.fail(fmt::format("is '{}', which is no kind of attention", name.text()));
    TranslationVectors vectors{
        static_cast<int>(kind - axes.begin()), static_cast<int>(one["layer"].integer(0, kMaxInt)),
        read_vectors(one["query"], kind->rows), read_vectors(one["key"], kind->columns),
        read_vectors(one["value"], kind->columns)};
    const auto size = [](const auto& rows) { return rows.empty() ? 0 : rows.front().size(); };
    if (!vectors.query.empty() && !vectors.key.empty() && size(vectors.query) != size(vectors.key)) {
      one["query"].fail(fmt::format("has vectors of {}, key of {}", size(vectors.query), size(vectors.key)));
    }
    translation.vectors.push_back(std::move(vectors));
  }
}

OrderedJson vectors_to_json(const std::vector<std::vector<float>>& vectors) {
  OrderedJson list = OrderedJson::array();
  for (const std::vector<float>& vector : vectors) {
    OrderedJson numbers = OrderedJson::array();
    for (const float x : vector) numbers.push_back(std::round(static_cast<double>(x) * 1e4) / 1e4);
    list.push_back(std::move(numbers));
  }
  return list;
}

void write_search(OrderedJson& record, const Translation& translation) {
  for (const TranslationStep& step : translation.steps) {
    OrderedJson best = OrderedJson::array();
    for (const ProbableUnit& unit : step.best)
      best.push_back({{"text", unit.text}, {"log_probability", rounded(unit.log_probability)}});
    record["steps"].push_back(
        {{"log_probability", rounded(step.log_probability)}, {"best", std::move(best)}});
  }
  for (const TranslationBranch& node : translation.beam) {
    record["beam"].push_back({{"parent", node.parent},
                              {"text", node.text},
                              {"score", rounded(node.score)},
                              {"fate", name_of_choice(node.fate)}});
  }
  const std::array<Axes, 3> axes = axes_of(translation);
  for (const TranslationVectors& one : translation.vectors) {
    record["vectors"].push_back({{"kind", axes.at(static_cast<size_t>(one.kind)).key},
                                 {"layer", one.layer},
                                 {"query", vectors_to_json(one.query)},
                                 {"key", vectors_to_json(one.key)},
                                 {"value", vectors_to_json(one.value)}});
  }
  for (const TranslationWithout& one : translation.without)
    record["without"].push_back({{"word", one.word}, {"text", one.text}, {"score", one.score}});
  if (!translation.without.empty()) record["without_kind"] = name_of_choice(translation.without_kind);
}

OrderedJson pieces_to_json(const std::vector<TranslationPiece>& pieces) {
  OrderedJson list = OrderedJson::array();
  for (const TranslationPiece& piece : pieces) list.push_back({{"text", piece.text}, {"word", piece.word}});
  return list;
}

Translation read(const Json& json) {
  const Value root(json, "");
  if (!json.is_object()) root.fail("not a JSON object");
  if (root["format"].text() != kFormat) root["format"].fail(fmt::format("is not '{}'", kFormat));
  const auto version = root["version"].integer(1, kMaxInt);
  if (version > kTranslationVersion) {
    root["version"].fail(fmt::format("{} is newer than this heed reads ({})", version, kTranslationVersion));
  }
  Translation translation;
  // which counted from 0
  translation.id = root["id"].integer(0, std::numeric_limits<int64_t>::max() - 1) + (version == 1 ? 1 : 0);
  if (translation.id < 1) root["id"].fail("is below 1");
  translation.model = root["model"].text();
  translation.rank = static_cast<int>(root["rank"].integer(1, kMaxInt));
  translation.score = root["score"].number();
  translation.source = read_side(root["source"]);
  translation.target = read_side(root["target"]);
  read_lists(translation, root, axes_of(translation));
  if (const auto usual = root.find("usual_map")) {
    AttentionChoice& choice = translation.usual_map.emplace();
    choice.layer = static_cast<int>((*usual)["layer"].integer(0, kMaxInt));
    if (const auto head = usual->find("head")) choice.head = static_cast<int>(head->integer(0, kMaxInt));
    const bool there = std::ranges::any_of(
        translation.attention, [&](const AttentionWeights& map) { return choice.has(map.layer, map.head); });
    if (!there) usual->fail(fmt::format("is {}, which 'attention' does not have", name_of(choice)));
  }
  if (const auto pieces = root.find("pieces")) {
    translation.pieces.emplace();
    translation.pieces->source = read_pieces((*pieces)["source"], translation.source.tokens.size());
    translation.pieces->target = read_pieces((*pieces)["target"], translation.target.tokens.size());
    read_lists(*translation.pieces, *pieces, axes_of_pieces(translation));
  }
  read_search(translation, root);
  read_vectors_of(translation, root);
  return translation;
}

// nlohmann's messages start with "[json.exception.parse_error.101] " and may quote bytes; the first line
// without it will do.
std::string plain(std::string_view what) {
  if (const auto bracket = what.find("] "); what.starts_with('[') && bracket != std::string_view::npos) {
    what.remove_prefix(bracket + 2);
  }
  std::string text;
  for (const char32_t c : code_points(what)) append_utf8(text, c < 0x20 || c == 0x7F ? U' ' : c);
  return text.size() > 200 ? "not JSON" : text;
}

}  // namespace

std::vector<std::vector<float>> mean_attention(std::span<const AttentionWeights> maps) {
  std::vector<std::vector<float>> mean;
  for (const AttentionWeights& map : maps) {
    if (mean.empty()) {
      for (const auto& row : map.weights) mean.emplace_back(row.size(), 0.0F);
    }
    for (size_t t = 0; t < mean.size(); ++t) {
      for (size_t s = 0; s < mean[t].size(); ++s)
        mean[t][s] += map.weights[t][s] / static_cast<float>(maps.size());
    }
  }
  return mean;
}

std::vector<std::vector<float>> mean_attention(const Translation& translation) {
  return mean_attention(translation.attention);
}

size_t decoder_columns(const Translation& translation) {
  return 1 +
         static_cast<size_t>(std::ranges::count(translation.target.tokens, false, &TranslationToken::eos));
}

Translation by_pieces(const Translation& translation) {
  if (!translation.pieces)
    throw ValueError("pieces",
                     fmt::format("'{}' has no pieces: its vocabulary has whole words", translation.model));
  Translation result = translation;
  const auto replace = [](TranslationSide& side, const std::vector<TranslationPiece>& pieces) {
    std::vector<TranslationToken> tokens;
    for (const TranslationPiece& piece : pieces) {
      TranslationToken token = side.tokens.at(piece.word);
      token.text = piece.text;
      token.span.reset();
      tokens.push_back(std::move(token));
    }
    side.tokens = std::move(tokens);
  };
  replace(result.source, translation.pieces->source);
  replace(result.target, translation.pieces->target);
  for (size_t i = 0; i < kLists<Translation>.size(); ++i)
    result.*kLists<Translation>[i] = (*translation.pieces).*kLists<TranslationPieces>[i];
  result.pieces.reset();
  result.without.clear();  // it counts words
  return result;
}

std::string to_json_line(const Translation& translation) {
  if (!std::isfinite(translation.score)) throw ValueError("translation", "the score is not finite");
  OrderedJson record = {{"format", kFormat},
                        {"version", kTranslationVersion},
                        {"id", translation.id},
                        {"model", translation.model},
                        {"rank", translation.rank},
                        {"score", translation.score},
                        {"source", side_to_json(translation.source)},
                        {"target", side_to_json(translation.target)}};
  write_lists(record, translation, axes_of(translation));
  if (translation.usual_map) {
    record["usual_map"] = {{"layer", translation.usual_map->layer}};
    if (translation.usual_map->head >= 0) record["usual_map"]["head"] = translation.usual_map->head;
  }
  if (translation.pieces) {
    OrderedJson pieces = {{"source", pieces_to_json(translation.pieces->source)},
                          {"target", pieces_to_json(translation.pieces->target)}};
    write_lists(pieces, *translation.pieces, axes_of_pieces(translation));
    record["pieces"] = std::move(pieces);
  }
  write_search(record, translation);
  return record.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

Translation parse_translation(std::string_view line, std::string_view name, int64_t line_number) {
  const auto fail = [&](const std::string& what) {
    throw FormatError(fmt::format("'{}' line {}: {}", name, line_number, what));
  };
  Translation translation;
  if (nests_too_deeply(line)) fail("its JSON nests too deeply");
  try {
    translation = read(Json::parse(line));
  } catch (const Json::parse_error& error) {
    fail(error.byte > line.size()
             ? "the record is cut off: its JSON ends too early"
             : fmt::format("is not JSON: character {} is not what should stand there", error.byte));
  } catch (const Json::exception& error) {
    fail(plain(error.what()));
  } catch (const FormatError& error) {
    fail(error.what());
  }
  return translation;
}

}  // namespace heed::models
