#include "models/decoding/translation.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "framework/core/error.h"
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

  [[noreturn]] void fail(const std::string& what) const { throw FormatError(place_.empty() ? what : place_ + " " + what); }
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

bool is_boundary(std::string_view text, size_t at) { return at == text.size() || (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80; }

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
      if (!is_boundary(side.text, begin) || !is_boundary(side.text, end)) span->fail("cuts a character in two");
      token.span = std::pair(begin, end);
    }
    side.tokens.push_back(std::move(token));
  }
  return side;
}

AttentionWeights read_attention(const Value& value, size_t rows, size_t columns) {
  AttentionWeights attention;
  attention.layer = static_cast<int>(value["layer"].integer(0, kMaxInt));
  attention.head = static_cast<int>(value["head"].integer(0, kMaxInt));
  const Value weights = value["weights"];
  if (weights.size() != rows) weights.fail(fmt::format("has {} rows, target has {} tokens", weights.size(), rows));
  for (size_t t = 0; t < rows; ++t) {
    const Value row = weights.at(t);
    if (row.size() != columns) row.fail(fmt::format("has {} values, source has {} tokens", row.size(), columns));
    auto& numbers = attention.weights.emplace_back();
    for (size_t s = 0; s < columns; ++s) {
      const double weight = row.at(s).number();
      if (weight < 0 || weight > 1) row.at(s).fail(fmt::format("is outside [0, 1]: {}", weight));
      numbers.push_back(static_cast<float>(weight));
    }
  }
  return attention;
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
  translation.id = root["id"].integer(0, std::numeric_limits<int64_t>::max());
  translation.model = root["model"].text();
  translation.rank = static_cast<int>(root["rank"].integer(1, kMaxInt));
  translation.score = root["score"].number();
  translation.source = read_side(root["source"]);
  translation.target = read_side(root["target"]);
  const Value attention = root["attention"];
  for (size_t i = 0; i < attention.size(); ++i) {
    translation.attention.push_back(read_attention(attention.at(i), translation.target.tokens.size(), translation.source.tokens.size()));
    for (size_t j = 0; j < i; ++j) {
      const auto& now = translation.attention[i];
      if (translation.attention[j].layer == now.layer && translation.attention[j].head == now.head) {
        attention.at(i).fail(fmt::format("is layer {} head {} again", now.layer, now.head));
      }
    }
  }
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

std::vector<std::vector<float>> mean_attention(const Translation& translation) {
  std::vector<std::vector<float>> mean;
  for (const AttentionWeights& map : translation.attention) {
    if (mean.empty()) mean.assign(map.weights.size(), std::vector<float>(translation.source.tokens.size(), 0.0F));
    for (size_t t = 0; t < mean.size(); ++t) {
      for (size_t s = 0; s < mean[t].size(); ++s) mean[t][s] += map.weights[t][s] / static_cast<float>(translation.attention.size());
    }
  }
  return mean;
}

std::string to_json_line(const Translation& translation) {
  if (!std::isfinite(translation.score)) throw ValueError("translation: the score is not finite");
  const size_t rows = translation.target.tokens.size(), columns = translation.source.tokens.size();
  OrderedJson attention = OrderedJson::array();
  for (const auto& map : translation.attention) {
    if (map.weights.size() != rows) {
      throw ValueError(fmt::format("translation: {} rows of attention for {} target tokens", map.weights.size(), rows));
    }
    OrderedJson weights = OrderedJson::array();
    for (const auto& row : map.weights) {
      if (row.size() != columns) {
        throw ValueError(fmt::format("translation: {} attention weights for {} source tokens", row.size(), columns));
      }
      OrderedJson numbers = OrderedJson::array();
      for (const float weight : row) {
        const double value = rounded(weight);
        if (!(value >= 0 && value <= 1)) throw ValueError(fmt::format("translation: an attention weight is {}", weight));
        numbers.push_back(value);
      }
      weights.push_back(std::move(numbers));
    }
    attention.push_back({{"layer", map.layer}, {"head", map.head}, {"weights", std::move(weights)}});
  }
  const OrderedJson record = {{"format", kFormat},
                              {"version", kTranslationVersion},
                              {"id", translation.id},
                              {"model", translation.model},
                              {"rank", translation.rank},
                              {"score", translation.score},
                              {"source", side_to_json(translation.source)},
                              {"target", side_to_json(translation.target)},
                              {"attention", std::move(attention)}};
  return record.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

Translation parse_translation(std::string_view line, std::string_view name, int64_t line_number) {
  const auto fail = [&](const std::string& what) { throw FormatError(fmt::format("'{}' line {}: {}", name, line_number, what)); };
  Translation translation;
  try {
    translation = read(Json::parse(line));
  } catch (const Json::exception& error) {
    fail(plain(error.what()));
  } catch (const FormatError& error) {
    fail(error.what());
  }
  return translation;
}

}  // namespace heed::models
