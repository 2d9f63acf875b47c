// Which script a language is written in, and whether a text is written in it; from ICU, whose tables are
// Unicode's and CLDR's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace heed::models {

/// The scripts of a language.
class LanguageScripts {
 public:
  /// @param language code of two or three letters; one that is not known, or is written in several scripts
  ///   (Serbian, Kazakh), has none
  explicit LanguageScripts(const std::string& language);
  /// @return whether the script of the language is known
  bool known() const { return !scripts_.empty(); }
  /// Whether more than half of the letters of a text are of other scripts.
  /// @param text UTF-8
  /// @return false for a language whose script is not known, and for a text without letters
  bool is_foreign(std::string_view text) const;

 private:
  std::vector<int> scripts_;  // ICU's UScriptCode
  bool latin_ = false;
};

/// @param text UTF-8
/// @return whether its first letter is of a script that is written from right to left
bool is_right_to_left(std::string_view text);

/// The name of a language in English, by CLDR.
/// @param code ISO 639 code
/// @return "French" for "fr"; the code itself where there is no name
std::string language_name(const std::string& code);

}  // namespace heed::models
