#include "models/text/sentences.h"

#include <unicode/ubrk.h>
#include <unicode/utext.h>

#include <memory>

#include "framework/core/error.h"
#include "models/text/abbreviations.h"
#include "models/text/unicode.h"

namespace heed::models {
namespace {

struct Close {
  void operator()(UBreakIterator* it) const { ubrk_close(it); }
  void operator()(UText* text) const { utext_close(text); }
};

// Finds sentences in one line after the other; making the rules of a language takes longer than using them.
class Boundaries {
 public:
  explicit Boundaries(const std::string& language) {
    UErrorCode error = U_ZERO_ERROR;
    it_.reset(ubrk_open(UBRK_SENTENCE, (language + "@ss=standard").c_str(), nullptr, 0, &error));
    check(error);
  }
  // Where sentences of a line begin, and the end of the last.
  std::vector<size_t> operator()(std::string_view line) {
    UErrorCode error = U_ZERO_ERROR;
    const std::unique_ptr<UText, Close> text(
        utext_openUTF8(nullptr, line.data(), static_cast<int64_t>(line.size()), &error));
    ubrk_setUText(it_.get(), text.get(), &error);
    check(error);
    std::vector<size_t> found;
    for (int32_t at = ubrk_first(it_.get()); at != UBRK_DONE; at = ubrk_next(it_.get()))
      found.push_back(static_cast<size_t>(at));
    return found;
  }

 private:
  static void check(UErrorCode error) {
    if (U_FAILURE(error)) throw ValueError("sentences", u_errorName(error));
  }
  std::unique_ptr<UBreakIterator, Close> it_;
};

// White space at the start, and where that at the end begins.
std::pair<size_t, size_t> inner(std::string_view text) {
  size_t begin = text.size(), end = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t here = at;
    if (is_space(next_code_point(text, at))) continue;
    begin = std::min(begin, here);
    end = at;
  }
  return {begin, std::max(begin, end)};
}

// Whether a part ends with an abbreviation, so that the next one goes on with it.
bool ends_in_abbreviation(std::string_view text, std::string_view next, std::string_view language) {
  if (!text.ends_with('.') || next.empty()) return false;
  text.remove_suffix(1);
  size_t begin = 0;
  for (size_t at = 0; at < text.size();) {
    const char32_t c = next_code_point(text, at);
    if (!is_alpha(c) && !is_number(c)) begin = at;
  }
  const std::string_view word = text.substr(begin);
  const bool number_follows = next.front() >= '0' && next.front() <= '9';
  if (word.empty()) return false;
  return is_single_letter(word) ? is_initial(word, number_follows, language)
                                : keeps_period(to_lower(word), number_follows, language);
}

}  // namespace

std::vector<SentencePart> split_sentences(std::string_view text, const std::string& language) {
  if (first_invalid_utf8(text)) throw ValueError("sentences", "the text is not UTF-8");
  std::vector<SentencePart> parts;
  Boundaries boundaries(language);
  for (size_t line_begin = 0; line_begin < text.size();) {
    const size_t line_end = std::min(text.find('\n', line_begin), text.size() - 1) + 1;
    const std::string_view line = text.substr(line_begin, line_end - line_begin);
    const bool blank = split_whitespace(line).empty();
    const std::vector<size_t> cuts = blank ? std::vector<size_t>{0, line.size()} : boundaries(line);
    for (size_t i = 0; i + 1 < cuts.size(); ++i) {
      const std::string_view part = line.substr(cuts[i], cuts[i + 1] - cuts[i]);
      const auto [begin, end] = inner(part);
      if (begin == end && i > 0) {  // white space alone belongs to what is before it
        parts.back().after += part;
        continue;
      }
      const std::string_view words = part.substr(begin, end - begin);
      if (i > 0 && ends_in_abbreviation(parts.back().text, words, language)) {
        parts.back().text += parts.back().after + std::string(part.substr(0, end));
        parts.back().after = part.substr(end);
      } else {
        parts.push_back(
            {std::string(part.substr(0, begin)), std::string(words), std::string(part.substr(end))});
      }
    }
    line_begin = line_end;
  }
  return parts;
}

}  // namespace heed::models
