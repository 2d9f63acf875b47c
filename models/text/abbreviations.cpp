#include "models/text/abbreviations.h"

#include <algorithm>
#include <span>

#include "models/text/unicode.h"

namespace heed::models {
namespace {

using Words = std::span<const std::string_view>;

constexpr std::string_view kEnglish[] = {
    "adj", "adm",  "adv", "apr",  "asst", "aug", "ave", "bldg", "blvd",   "bros", "capt", "cmdr", "co",
    "col", "corp", "cpl", "dec",  "dept", "dr",  "drs", "esp",  "esq",    "etc",  "feb",  "fig",  "gen",
    "gov", "hon",  "inc", "jan",  "jr",   "ltd", "lt",  "maj",  "messrs", "mr",   "mrs",  "ms",   "mt",
    "nov", "oct",  "ph",  "prof", "rep",  "rev", "sen", "sep",  "sept",   "sgt",  "sr",   "st",   "vs"};
constexpr std::string_view kEnglishNumeric[] = {"no", "nos", "art", "pp"};

constexpr std::string_view kGerman[] = {"abs",  "abt",  "allg", "anm", "art",  "aufl", "bd",  "bsp", "bspw",
                                        "bzw",  "ca",   "chr",  "co",  "dez",  "dipl", "dr",  "dt",  "ebd",
                                        "ev",   "evtl", "exkl", "feb", "frl",  "geb",  "gem", "ggf", "hl",
                                        "hrsg", "inkl", "ing",  "jh",  "kath", "lat",  "mr",  "mrs", "mwst",
                                        "nr",   "okt",  "prof", "st",  "str",  "usw",  "vgl"};
constexpr std::string_view kGermanMore[] = {"dept", "etc",  "inc", "jan", "jr",
                                            "nov",  "sept", "tel", "vs",  "zzgl"};

constexpr std::string_view kFrench[] = {
    "adj", "adm", "adv", "apr", "art", "av",  "boul", "bull", "cf",   "chap", "dept", "dr", "env", "etc",
    "ex",  "fig", "hab", "ill", "jr",  "mgr", "mm",   "mme",  "mlle", "p",    "sec",  "st", "ste", "vol"};

bool is_in(Words words, std::string_view word) { return std::ranges::find(words, word) != words.end(); }

bool is_small_number(std::string_view word) {
  return word.size() <= 2 && std::ranges::all_of(word, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

bool is_single_letter(std::string_view word) {
  size_t pos = 0;
  return !word.empty() && is_alpha(next_code_point(word, pos)) && pos == word.size();
}

bool is_initial(std::string_view letter, bool number_follows, std::string_view language) {
  size_t pos = 0;
  const bool small = !letter.empty() && is_lower(next_code_point(letter, pos));
  return is_single_letter(letter) && (!small || number_follows || language.empty() || language == "de");
}

bool keeps_period(std::string_view word, bool number_follows, std::string_view language) {
  const bool any = language.empty();
  const bool german = language == "de", french = language == "fr";
  if (german && is_small_number(word)) return true;  // am 3. Mai
  if (german || any) {
    if (is_in(kGerman, word) || is_in(kGermanMore, word)) return !any || word != "art";
  }
  if ((french || any) && is_in(kFrench, word)) return !any || word != "art";
  if (german || french) return false;
  return is_in(kEnglish, word) || (number_follows && is_in(kEnglishNumeric, word));
}

}  // namespace heed::models
