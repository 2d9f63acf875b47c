#include "models/grammar/demo_morphology.h"

#include <array>

#include "framework/core/error.h"

namespace heed::models {
namespace {

// Rows are cases, columns masculine, feminine, neuter, plural.
using Paradigm = std::array<std::array<std::string_view, 4>, 4>;

constexpr Paradigm kArticle = {{{"der", "die", "das", "die"},
                                {"den", "die", "das", "die"},
                                {"dem", "der", "dem", "den"},
                                {"des", "der", "des", "der"}}};
constexpr Paradigm kRelative = {{{"der", "die", "das", "die"},
                                 {"den", "die", "das", "die"},
                                 {"dem", "der", "dem", "denen"},
                                 {"dessen", "deren", "dessen", "deren"}}};
constexpr Paradigm kEin = {
    {{"", "e", "", "e"}, {"en", "e", "", "e"}, {"em", "er", "em", "en"}, {"es", "er", "es", "er"}}};
constexpr Paradigm kDer = {
    {{"er", "e", "es", "e"}, {"en", "e", "es", "e"}, {"em", "er", "em", "en"}, {"es", "er", "es", "er"}}};
constexpr Paradigm kWeak = {
    {{"e", "e", "e", "en"}, {"en", "e", "e", "en"}, {"en", "en", "en", "en"}, {"en", "en", "en", "en"}}};
constexpr Paradigm kMixed = {
    {{"er", "e", "es", "en"}, {"en", "e", "es", "en"}, {"en", "en", "en", "en"}, {"en", "en", "en", "en"}}};
constexpr Paradigm kStrong = {
    {{"er", "e", "es", "e"}, {"en", "e", "es", "e"}, {"em", "er", "em", "en"}, {"en", "er", "en", "er"}}};

std::string_view cell(const Paradigm& paradigm, Gender gender, Number number, Case grammatical_case) {
  const size_t column = number == Number::plural ? 3 : static_cast<size_t>(gender);
  return paradigm[static_cast<size_t>(grammatical_case)][column];
}

std::string joined(std::string_view stem, std::string_view ending) {
  std::string word(stem);
  word += ending;
  return word;
}

struct PronounRow {
  std::string_view subject, object, possessive, nominative, accusative, dative, german_possessive;
  Agreement agreement;
};
const PronounRow& row(Person person) {
  static constexpr std::array<PronounRow, 6> kRows = {{
      {"I", "me", "my", "ich", "mich", "mir", "mein", {true, false}},
      {"you", "you", "your", "Sie", "Sie", "Ihnen", "Ihr", {false, true}},
      {"he", "him", "his", "er", "ihn", "ihm", "sein", {false, false}},
      {"she", "her", "her", "sie", "sie", "ihr", "ihr", {false, false}},
      {"we", "us", "our", "wir", "uns", "uns", "unser", {true, true}},
      {"they", "them", "their", "sie", "sie", "ihnen", "ihr", {false, true}},
  }};
  return kRows[static_cast<size_t>(person)];
}

// Letters beyond ASCII that open a word of the lexicon.
constexpr std::array<std::array<std::string_view, 2>, 3> kUmlauts = {{{"Ä", "ä"}, {"Ö", "ö"}, {"Ü", "ü"}}};

}  // namespace

std::string definite_article(Gender gender, Number number, Case grammatical_case) {
  return std::string(cell(kArticle, gender, number, grammatical_case));
}
std::string ein_word(std::string_view stem, Gender gender, Number number, Case grammatical_case) {
  return joined(stem, cell(kEin, gender, number, grammatical_case));
}
std::string der_word(std::string_view stem, Gender gender, Number number, Case grammatical_case) {
  return joined(stem, cell(kDer, gender, number, grammatical_case));
}
std::string adjective_ending(Declension declension, Gender gender, Number number, Case grammatical_case) {
  const Paradigm& paradigm = declension == Declension::weak    ? kWeak
                             : declension == Declension::mixed ? kMixed
                                                               : kStrong;
  return std::string(cell(paradigm, gender, number, grammatical_case));
}
std::string relative_pronoun(Gender gender, Number number, Case grammatical_case) {
  return std::string(cell(kRelative, gender, number, grammatical_case));
}

std::string german_noun(const Noun& noun, Number number, Case grammatical_case) {
  if (number == Number::plural) {
    std::string plural(noun.german_plural);
    const bool takes_n = grammatical_case == Case::dative && plural.back() != 'n' && plural.back() != 's';
    return takes_n ? plural + "n" : plural;
  }
  if (grammatical_case == Case::genitive) return std::string(noun.german_genitive);
  if (noun.weak && grammatical_case != Case::nominative) return std::string(noun.german_plural);
  return std::string(noun.german);
}

std::string german_compound(const Noun& modifier, const Noun& head, Number number, Case grammatical_case) {
  HEED_ASSERT(!modifier.linking.empty());
  return joined(modifier.linking, uncapitalised(german_noun(head, number, grammatical_case)));
}

std::string contraction(std::string_view preposition, std::string_view article) {
  if (article == "dem" && preposition == "in") return "im";
  if (article == "dem" && preposition == "an") return "am";
  if (article == "dem" && preposition == "von") return "vom";
  if (article == "das" && preposition == "in") return "ins";
  if (article == "das" && preposition == "an") return "ans";
  return "";
}

std::string_view german_pronoun(Person person, Case grammatical_case) {
  HEED_ASSERT(grammatical_case != Case::genitive);
  const PronounRow& r = row(person);
  return grammatical_case == Case::nominative ? r.nominative
         : grammatical_case == Case::dative   ? r.dative
                                              : r.accusative;
}
std::string_view german_it(Gender gender, Case grammatical_case) {
  if (gender != Gender::neuter)
    return german_pronoun(gender == Gender::masculine ? Person::he : Person::she, grammatical_case);
  return grammatical_case == Case::dative ? "ihm" : "es";
}
std::string_view german_possessive(Person person) { return row(person).german_possessive; }
std::string_view english_pronoun(Person person, bool subject) {
  return subject ? row(person).subject : row(person).object;
}
std::string_view english_possessive(Person person) { return row(person).possessive; }
Agreement agreement_of(Person person) { return row(person).agreement; }

std::string german_auxiliary(Auxiliary auxiliary, bool past, Agreement agreement) {
  struct Forms {
    std::string_view first, third, plural, past, past_plural;
  };
  static constexpr std::array<Forms, 3> kForms = {{{"bin", "ist", "sind", "war", "waren"},
                                                   {"habe", "hat", "haben", "hatte", "hatten"},
                                                   {"werde", "wird", "werden", "wurde", "wurden"}}};
  const Forms& forms = kForms[static_cast<size_t>(auxiliary)];
  if (past) return std::string(agreement.plural ? forms.past_plural : forms.past);
  return std::string(agreement.plural ? forms.plural : agreement.first ? forms.first : forms.third);
}

std::string german_finite(const Verb& verb, bool past, Agreement agreement) {
  if (verb.frame == Frame::copula) return german_auxiliary(Auxiliary::sein, past, agreement);
  if (past) {
    if (!agreement.plural) return std::string(verb.german_past);
    return joined(verb.german_past, verb.german_past.back() == 'e' ? "n" : "en");
  }
  if (agreement.plural) return std::string(verb.infinitive);
  if (!agreement.first) return std::string(verb.german_third);
  if (!verb.german_first.empty()) return std::string(verb.german_first);
  return std::string(verb.infinitive.substr(0, verb.infinitive.size() - 1));  // machen -> mache
}

std::string english_finite(const Verb& verb, bool past, Agreement agreement) {
  if (verb.base == "be") {
    if (past) return agreement.plural ? "were" : "was";
    return agreement.plural ? "are" : agreement.first ? "am" : "is";
  }
  if (past) return std::string(verb.past);
  return std::string(agreement.plural || agreement.first ? verb.base : verb.third);
}

std::string capitalised(std::string_view word) {
  for (const auto& [upper, lower] : kUmlauts) {
    if (word.starts_with(lower)) return joined(upper, word.substr(lower.size()));
  }
  std::string result(word);
  if (!result.empty() && result[0] >= 'a' && result[0] <= 'z')
    result[0] = static_cast<char>(result[0] - 'a' + 'A');
  return result;
}
std::string uncapitalised(std::string_view word) {
  for (const auto& [upper, lower] : kUmlauts) {
    if (word.starts_with(upper)) return joined(lower, word.substr(upper.size()));
  }
  std::string result(word);
  if (!result.empty() && result[0] >= 'A' && result[0] <= 'Z')
    result[0] = static_cast<char>(result[0] - 'A' + 'a');
  return result;
}

}  // namespace heed::models
