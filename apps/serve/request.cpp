#include "apps/serve/request.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>

#include "models/text/json.h"
#include "models/text/unicode.h"

namespace heed::serve {
namespace {

using Given = nlohmann::json;

int hex(char c) {
  return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

std::string decoded(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escape =
        text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0;
    if (escape) {
      result += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
      i += 2;
    } else {
      result += text[i] == '+' ? ' ' : text[i];
    }
  }
  return result;
}

// A form as JSON: texts, and several of one name as a list.
Given form_of(std::string_view body) {
  Given json = Given::object();
  while (!body.empty()) {
    const std::string_view pair = body.substr(0, body.find('&'));
    body.remove_prefix(std::min(body.size(), pair.size() + 1));
    const size_t equals = pair.find('=');
    const std::string name = decoded(pair.substr(0, equals));
    const std::string value = equals == pair.npos ? "" : decoded(pair.substr(equals + 1));
    if (name.empty()) continue;
    if (!json.contains(name)) {
      json[name] = value;
    } else if (json[name].is_array()) {
      json[name].push_back(value);
    } else {
      json[name] = Given::array({json[name], value});
    }
  }
  return json;
}

// The parameters of a request, with messages that name them.
class Parameters {
 public:
  Parameters(const HttpRequest& request, std::initializer_list<const char*> known) {
    const std::string type = models::to_lower(request.content_type.substr(0, request.content_type.find(';')));
    if (models::first_invalid_utf8(request.body)) fail("the body is not UTF-8");
    if (type == "application/x-www-form-urlencoded") {
      form_ = true;
      json_ = form_of(request.body);
      for (const auto& [name, value] : json_.items())
        if (value.is_string() && models::first_invalid_utf8(value.get<std::string>()))
          fail(name + " is not UTF-8");
    } else if (type == "application/json" || type.empty()) {
      json_ = parsed(request.body);
    } else {
      throw BadRequest{
          415, fmt::format("Content-Type '{}' is not read: send application/json", type.substr(0, 60))};
    }
    for (const auto& [name, value] : json_.items()) {
      if (std::ranges::find(known, name) == known.end())
        fail(fmt::format("'{}' is not known; there are {}", name.substr(0, 40), fmt::join(known, ", ")));
    }
  }

  bool has(const char* name) const { return json_.contains(name) && !json_[name].is_null(); }
  std::string text(const char* name) const {
    if (!has(name)) return "";
    if (!json_[name].is_string()) fail(fmt::format("{} is not text", name));
    return json_[name].get<std::string>();
  }
  int64_t number(const char* name, int64_t least, int64_t most) const {
    if (!has(name)) return 0;
    const Given& value = json_[name];
    int64_t number = 0;
    if (form_ && value.is_string()) {
      const std::string digits = value.get<std::string>();
      if (digits.empty() || digits.size() > 9 ||
          !std::ranges::all_of(digits, [](unsigned char c) { return std::isdigit(c) != 0; }))
        fail(fmt::format("{} is not a whole number", name));
      number = std::stoll(digits);
    } else if (value.is_number_integer()) {
      if (value.is_number_unsigned() && value.get<uint64_t>() > INT32_MAX)
        fail(fmt::format("{} is {}, outside {} to {}", name, value.dump(), least, most));
      number = value.get<int64_t>();
    } else {
      fail(fmt::format("{} is not a whole number", name));
    }
    if (number < least || number > most)
      fail(fmt::format("{} is {}, outside {} to {}", name, number, least, most));
    return number;
  }
  bool flag(const char* name) const {
    if (!has(name)) return false;
    const Given& value = json_[name];
    if (form_ && (value == "true" || value == "false")) return value == "true";
    if (!value.is_boolean()) fail(fmt::format("{} is neither true nor false", name));
    return value.get<bool>();
  }
  // true for the usual one, or the name of an enum's value; none where it is false.
  template <class Enum>
  std::optional<Enum> choice(const char* name, Enum usual) const {
    const bool named =
        has(name) && json_[name].is_string() && (!form_ || (json_[name] != "true" && json_[name] != "false"));
    if (!named) return flag(name) ? std::optional(usual) : std::nullopt;
    const std::optional<Enum> known = models::choice_named<Enum>(text(name));
    if (!known)
      fail(
          fmt::format("{} is neither true nor false nor {}", name, fmt::join(models::kNames<Enum>, " nor ")));
    return known;
  }
  // One text, or a list of them.
  std::pair<std::vector<std::string>, bool> texts(const char* name, const RequestLimits& limits) const {
    if (!has(name)) fail(fmt::format("{} is missing: the text to translate", name));
    const Given& value = json_[name];
    std::vector<std::string> texts;
    if (value.is_array()) {
      for (const Given& one : value) {
        if (!one.is_string()) fail(fmt::format("{}[{}] is not text", name, texts.size()));
        texts.push_back(one.get<std::string>());
      }
    } else {
      texts.push_back(text(name));
    }
    if (texts.size() > limits.texts) {
      throw BadRequest{413,
                       fmt::format("{} texts at a time, and {} are allowed", texts.size(), limits.texts)};
    }
    size_t characters = 0;
    for (const std::string& one : texts) characters += models::code_points(one).size();
    check_length(characters, limits);
    return {texts, value.is_array()};
  }
  static void check_length(size_t characters, const RequestLimits& limits) {
    if (characters > limits.characters)
      throw BadRequest{413, fmt::format("{} characters, and {} are allowed", characters, limits.characters)};
  }
  [[noreturn]] static void fail(const std::string& message) { throw BadRequest{400, message}; }

 private:
  static Given parsed(const std::string& body) {
    Given json;
    if (models::nests_too_deeply(body)) fail("the body's JSON nests too deeply");
    try {
      json = Given::parse(body);
    } catch (const Given::parse_error& error) {
      fail(fmt::format("the body is not JSON, at byte {}", error.byte));
    } catch (const Given::exception&) {
      fail("the body is not JSON: a number in it is too large");
    }
    if (!json.is_object()) fail("the body is not a JSON object");
    return json;
  }

  Given json_;
  bool form_ = false;
};

// What clients of other programs send, and this one does not do, is said by name.
void refuse_foreign(const Parameters& given) {
  if (given.text("source") == "auto")
    Parameters::fail(
        "source 'auto' is not served: this server does not detect languages; /languages lists them");
  const std::string format = given.text("format");
  if (!format.empty() && format != "text")
    Parameters::fail(fmt::format("format '{}' is not served: text alone", format.substr(0, 20)));
}

}  // namespace

TranslateRequest read_translate(const HttpRequest& request, const RequestLimits& limits) {
  const Parameters given(
      request, {"q", "source", "target", "format", "alternatives", "api_key", "secret", "model", "beam"});
  refuse_foreign(given);
  TranslateRequest wanted;
  std::tie(wanted.texts, wanted.list) = given.texts("q", limits);
  wanted.source = given.text("source");
  wanted.target = given.text("target");
  wanted.model = given.text("model");
  wanted.beam = given.number("beam", 1, limits.beam);
  wanted.alternatives = given.number("alternatives", 0, limits.beam - 1);
  return wanted;
}

AttentionRequest read_attention(const HttpRequest& request, const RequestLimits& limits) {
  const Parameters given(
      request, {"q", "source", "target", "model", "translation", "beam", "best_words", "alternatives", "tree",
                "vectors", "without_words", "form", "format", "api_key"});
  refuse_foreign(given);
  AttentionRequest wanted;
  const auto [texts, list] = given.texts("q", limits);
  if (list) Parameters::fail("q is a list; attention is of one text");
  wanted.text = texts.front();
  wanted.source = given.text("source");
  wanted.target = given.text("target");
  wanted.model = given.text("model");
  if (given.has("translation")) {
    wanted.translation = given.text("translation");
    Parameters::check_length(models::code_points(*wanted.translation).size(), limits);
  }
  wanted.beam = given.number("beam", 1, limits.beam);
  wanted.best_words = given.number("best_words", 0, limits.beam);
  wanted.alternatives = given.number("alternatives", 0, limits.beam - 1);
  wanted.tree = given.flag("tree");
  wanted.vectors = given.flag("vectors");
  wanted.without_words = given.choice("without_words", models::WithoutKind::mask);
  const std::string form = given.text("form");
  if (!form.empty() && form != "record" && form != "page")
    Parameters::fail("form is neither record nor page");
  wanted.page = form == "page";
  return wanted;
}

}  // namespace heed::serve
