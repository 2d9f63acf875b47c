// Tokens back into text: where print has spaces, and which way a quote or an apostrophe leans.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "models/text/context.h"
#include "models/text/entities.h"
#include "models/text/tokenizer.h"
#include "models/text/unicode.h"

namespace heed::models {
namespace {

using namespace std::string_view_literals;

bool is_quote(std::string_view token) {
  return token == "\"" || token == "\xE2\x80\x9C" || token == "\xE2\x80\x9D" || token == "\xE2\x80\x9E";
}

}  // namespace

std::string unescape(std::string_view token) {
  std::string text;
  for (size_t pos = 0; pos < token.size();) {
    if (const auto* entity = entity_at(token.substr(pos))) {
      append_utf8(text, entity->second);
      pos += entity->first.size();
    } else {
      text += token[pos++];
    }
  }
  return text;
}

std::string readable(std::string_view token, const TextSettings& settings) {
  if (settings.tokenizer == Tokenizer::characters && token.starts_with(kSpaceToken)) {
    const std::string_view number = token.substr(kSpaceToken.size());
    if (number.empty()) return " ";
    uint32_t c = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), c, 16);
    const bool known =
        error == std::errc() && end == number.data() + number.size() && (is_space(c) || c == 0x2581);
    if (settings.spacing == Spacing::kept && known) {
      std::string text;
      append_utf8(text, c);
      return text;
    }
  }
  if (!settings.raw()) return unescape(token);
  if (settings.tokenizer == Tokenizer::none && settings.spacing == Spacing::kept) {
    const size_t begin = std::min(token.find_first_not_of(' '), token.size());
    token = token.substr(begin, token.find_last_not_of(' ') + 1 - begin);
  }
  return std::string(token);
}

std::string detokenize(std::span<const std::string> tokens, const TextSettings& settings) {
  if (settings.context > 0) {
    const auto at = std::ranges::find(tokens, kBreak);
    if (at != tokens.end()) {
      const auto before = static_cast<size_t>(at - tokens.begin());
      return fmt::format("{} {} {}", detokenize(tokens.first(before), settings), kBreak,
                         detokenize(tokens.subspan(before + 1), settings));
    }
  }
  if (settings.tokenizer == Tokenizer::none) return join(tokens);
  if (!settings.raw()) return detokenize(tokens, settings.language);
  std::string text;
  for (const std::string& token : tokens) text += readable(token, settings);
  return text;
}

std::string detokenize(std::span<const std::string> tokens, std::string_view language) {
  const bool french = language == "fr";
  std::string text;
  bool glue = true;         // no space before the next token
  bool quote_open = false;  // " opens and closes in turn
  bool apostrophe_open = false;
  bool after_quote = false;
  for (size_t i = 0; i < tokens.size(); ++i) {
    const std::string token = unescape(tokens[i]);
    if (token.empty()) continue;
    if (token == "@-@") {
      text += '-';
      glue = true;
      continue;
    }
    const auto letters_from = [&](size_t pos) {
      if (pos >= token.size()) return false;
      return is_alpha(next_code_point(token, pos));
    };
    const bool closes = ".,!?;:%)]}"sv.find(token.front()) != std::string_view::npos &&
                        (token.size() == 1 || token.find_first_not_of(".!?") == std::string::npos);
    const bool opens = token == "(" || token == "[" || token == "{" || token == "$" || token == "\xC2\xBF" ||
                       token == "\xC2\xA1";
    bool before = !glue, next_glue = opens;
    const std::string following = i + 1 < tokens.size() ? unescape(tokens[i + 1]) : "";
    const auto digit_ends = [](std::string_view one) {
      return !one.empty() && one.back() >= '0' && one.back() <= '9';
    };
    // 10:30
    const bool clock =
        token == ":" && digit_ends(text) && !following.empty() && digit_ends(following.substr(0, 1));
    if (french && clock) {
      before = false;
      next_glue = true;
    } else if (french && token == ":" && following == "/") {
      before = false;  // http://
    } else if (french && (token == "?" || token == "!") && (text.ends_with('?') || text.ends_with('!'))) {
      before = false;  // ?!
    } else if (french && closes && "?!:;%"sv.find(token.front()) != std::string_view::npos) {
      before = !text.empty();
    } else if (closes) {
      before = false;
    } else if (is_quote(token)) {
      const bool last = std::none_of(tokens.begin() + static_cast<std::ptrdiff_t>(i) + 1, tokens.end(),
                                     [](const std::string& later) { return is_quote(unescape(later)); });
      // a last one without a partner ends what an earlier line began
      const bool closing = quote_open || (last && i > 0);
      next_glue = !closing;
      if (closing) before = false;
      quote_open = !closing;
      if (french) {
        text += (closing || !glue) && !text.empty() ? " " : "";
        text += closing ? "\xC2\xBB" : "\xC2\xAB";
        glue = after_quote = false;
        continue;
      }
    } else if (token == "/") {
      before = false;
      next_glue = true;
    } else if (token == "'") {
      const std::string next = following.substr(0, following.find('.'));  // older runs have "s." as one token
      const bool after_s = text.ends_with('s') || text.ends_with('x') || text.ends_with('z');
      if (apostrophe_open) {
        before = false;  // closes
        apostrophe_open = false;
      } else if (next == "s" || next == "S" || next == "t") {
        before = false;  // the languages whose rule cuts both sides: disney ' s
        next_glue = true;
      } else if (after_s) {
        before = false;  // the welders' mask
      } else {
        apostrophe_open = next_glue = true;
      }
    } else if (token.front() == '\'' && letters_from(1)) {
      before = false;  // 's 're n't
    } else if (token.size() > 1 && token.back() == '\'') {
      next_glue = true;  // l' d'
    } else if (token.front() == '-' && letters_from(1) && after_quote) {
      before = false;  // "open"-schild
    }
    if (before && !text.empty()) text += ' ';
    text += token;
    glue = next_glue;
    after_quote = is_quote(token) && !quote_open;
  }
  return text;
}

}  // namespace heed::models
