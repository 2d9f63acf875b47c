// Tables of German inflection, checked word by word.
#include "models/grammar/demo_morphology.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace heed::models {
namespace {

using enum Gender;
using enum Case;
constexpr Number kOne = Number::singular, kMany = Number::plural;
constexpr std::array<Case, 4> kCases = {nominative, accusative, dative, genitive};
constexpr std::array<Gender, 3> kGenders = {masculine, feminine, neuter};

// The 16 cells of a paradigm, case by case: masculine, feminine, neuter, plural.
template <class Form>
std::string cells(Form form) {
  std::string out;
  for (const Case c : kCases) {
    for (const Gender g : kGenders) out += form(g, kOne, c) + " ";
    out += form(masculine, kMany, c) + " ";
  }
  out.pop_back();
  return out;
}

TEST(DemoMorphology, Articles) {
  EXPECT_EQ(cells(definite_article), "der die das die den die das die dem der dem den des der des der");
  const auto kein = [](Gender g, Number n, Case c) { return ein_word("kein", g, n, c); };
  EXPECT_EQ(cells(kein),
            "kein keine kein keine keinen keine kein keine keinem keiner keinem keinen keines keiner keines "
            "keiner");
  const auto dieser = [](Gender g, Number n, Case c) { return der_word("dies", g, n, c); };
  EXPECT_EQ(cells(dieser),
            "dieser diese dieses diese diesen diese dieses diese diesem dieser diesem diesen dieses dieser "
            "dieses dieser");
  EXPECT_EQ(cells(relative_pronoun),
            "der die das die den die das die dem der dem denen dessen deren dessen deren");
}

TEST(DemoMorphology, AdjectiveEndings) {
  const auto endings = [](Declension declension) {
    return cells([&](Gender g, Number n, Case c) { return adjective_ending(declension, g, n, c); });
  };
  EXPECT_EQ(endings(Declension::weak), "e e e en en e e en en en en en en en en en");
  EXPECT_EQ(endings(Declension::mixed), "er e es en en e es en en en en en en en en en");
  EXPECT_EQ(endings(Declension::strong), "er e es e en e es e em er em en en er en er");
}

TEST(DemoMorphology, Nouns) {
  const auto forms = [](std::string_view english) {
    std::string out;
    for (const Number n : {kOne, kMany}) {
      for (const Case c : kCases) out += german_noun(noun(english), n, c) + " ";
    }
    out.pop_back();
    return out;
  };
  EXPECT_EQ(forms("student"),
            "Student Studenten Studenten Studenten Studenten Studenten Studenten Studenten");
  EXPECT_EQ(forms("neighbour"), "Nachbar Nachbarn Nachbarn Nachbarn Nachbarn Nachbarn Nachbarn Nachbarn");
  EXPECT_EQ(forms("child"), "Kind Kind Kind Kindes Kinder Kinder Kindern Kinder");
  EXPECT_EQ(forms("woman"), "Frau Frau Frau Frau Frauen Frauen Frauen Frauen");
  EXPECT_EQ(forms("car"), "Auto Auto Auto Autos Autos Autos Autos Autos");
  EXPECT_EQ(german_compound(noun("apple"), noun("cake"), kOne, nominative), "Apfelkuchen");
  EXPECT_EQ(german_compound(noun("village"), noun("doctor"), kMany, dative), "Dorfärzten");
  EXPECT_EQ(german_compound(noun("castle"), noun("garden"), kOne, genitive), "Schlossgartens");
  EXPECT_EQ(contraction("in", "dem"), "im");
  EXPECT_EQ(contraction("von", "dem"), "vom");
  EXPECT_EQ(contraction("in", "das"), "ins");
  EXPECT_EQ(contraction("mit", "dem"), "");
}

TEST(DemoMorphology, VerbsAgree) {
  const auto german = [](const Verb& v, bool past) {
    return german_finite(v, past, agreement_of(Person::i)) + " " +
           german_finite(v, past, agreement_of(Person::she)) + " " +
           german_finite(v, past, agreement_of(Person::they));
  };
  EXPECT_EQ(german(verb("be", Frame::copula), false), "bin ist sind");
  EXPECT_EQ(german(verb("be", Frame::copula), true), "war war waren");
  EXPECT_EQ(german(verb("give", Frame::ditransitive), false), "gebe gibt geben");
  EXPECT_EQ(german(verb("know", Frame::that_clause), false), "weiß weiß wissen");
  EXPECT_EQ(german(verb("work", Frame::intransitive), true), "arbeitete arbeitete arbeiteten");
  EXPECT_EQ(english_finite(verb("be", Frame::copula), false, agreement_of(Person::i)), "am");
  EXPECT_EQ(english_finite(verb("be", Frame::copula), true, agreement_of(Person::you)), "were");
  EXPECT_EQ(english_finite(verb("go", Frame::motion), false, agreement_of(Person::he)), "goes");
}

TEST(DemoMorphology, CapitalsOfUmlauts) {
  EXPECT_EQ(capitalised("über"), "Über");
  EXPECT_EQ(capitalised("weil"), "Weil");
  EXPECT_EQ(uncapitalised("Äpfel"), "äpfel");
}

}  // namespace
}  // namespace heed::models
