#include "models/text/script.h"

#include <unicode/uchar.h>
#include <unicode/uloc.h>
#include <unicode/uscript.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "models/text/unicode.h"

namespace heed::models {
namespace {

// People write these in two scripts or more, of which CLDR names one.
constexpr std::array<std::string_view, 22> kSeveralScripts = {
    "sr",  "srp", "sh",  "hbs", "bs",  "bos", "az",  "aze", "uz",  "uzb", "kk",
    "kaz", "ky",  "kir", "tt",  "tat", "mn",  "mon", "ku",  "kur", "pa",  "pan"};

}  // namespace

LanguageScripts::LanguageScripts(const std::string& language) {
  if (language.empty()) return;  // which ICU takes for the language of the root
  if (std::ranges::find(kSeveralScripts, language) != kSeveralScripts.end()) return;
  std::array<char, ULOC_FULLNAME_CAPACITY> locale{};
  std::array<char, ULOC_SCRIPT_CAPACITY> script{};
  UErrorCode error = U_ZERO_ERROR;
  uloc_addLikelySubtags(language.c_str(), locale.data(), static_cast<int32_t>(locale.size()), &error);
  uloc_getScript(locale.data(), script.data(), static_cast<int32_t>(script.size()), &error);
  const std::string_view name = script.data();
  if (U_FAILURE(error) || name.empty()) return;
  if (name == "Jpan") {
    scripts_ = {USCRIPT_HIRAGANA, USCRIPT_KATAKANA, USCRIPT_HAN};
  } else if (name == "Kore") {
    scripts_ = {USCRIPT_HANGUL, USCRIPT_HAN};
  } else if (name == "Hans" || name == "Hant") {
    scripts_ = {USCRIPT_HAN, USCRIPT_BOPOMOFO};
  } else if (const int32_t code = u_getPropertyValueEnum(UCHAR_SCRIPT, script.data());
             code > USCRIPT_INHERITED) {
    scripts_ = {code};
  }
  latin_ = std::ranges::find(scripts_, USCRIPT_LATIN) != scripts_.end();
}

bool LanguageScripts::is_foreign(std::string_view text) const {
  if (!known()) return false;
  size_t own = 0, foreign = 0;
  for (size_t pos = 0; pos < text.size();) {
    const char32_t c = next_code_point(text, pos);
    if (!is_alpha(c)) continue;
    if (c < 0x80) {
      ++(latin_ ? own : foreign);
      continue;
    }
    UErrorCode error = U_ZERO_ERROR;
    const int script = uscript_getScript(static_cast<UChar32>(c), &error);
    if (script == USCRIPT_COMMON || script == USCRIPT_INHERITED) continue;
    ++(std::ranges::find(scripts_, script) != scripts_.end() ? own : foreign);
  }
  return foreign > own;
}

bool is_right_to_left(std::string_view text) {
  for (size_t pos = 0; pos < text.size();) {
    const auto c = static_cast<UChar32>(next_code_point(text, pos));
    if (!u_isalpha(c)) continue;
    const UCharDirection direction = u_charDirection(c);
    return direction == U_RIGHT_TO_LEFT || direction == U_RIGHT_TO_LEFT_ARABIC;
  }
  return false;
}

std::string language_name(const std::string& code) {
  std::array<char16_t, 128> name{};
  UErrorCode error = U_ZERO_ERROR;
  const int32_t length =
      uloc_getDisplayLanguage(code.c_str(), "en", name.data(), static_cast<int32_t>(name.size()), &error);
  if (U_FAILURE(error) || error == U_USING_DEFAULT_WARNING || length <= 0) return code;
  std::string text;
  for (const char16_t c : std::u16string_view(name.data(), static_cast<size_t>(length)))
    append_utf8(text, c);  // names of languages are within the first plane
  return text;
}

}  // namespace heed::models
