// Inflection of the demo grammar: German articles, adjective endings, noun cases, pronouns and verb forms;
// English verb forms.
#pragma once

#include <string>
#include <string_view>

#include "models/grammar/demo_lexicon.h"

namespace heed::models {

/// Endings of an adjective: weak after der, mixed after ein, strong without an article [Duden 4, sec. on
/// adjectives].
enum class Declension { weak, mixed, strong };
enum class Person { i, you, he, she, we, they };  // "you" is the polite "Sie"

/// What a finite verb agrees with. Plural covers "you", whose verb is plural in both languages.
struct Agreement {
  bool first = false, plural = false;
};

std::string definite_article(Gender gender, Number number, Case grammatical_case);
/// ein, kein, mein, ...: the stem and its ending.
std::string ein_word(std::string_view stem, Gender gender, Number number, Case grammatical_case);
/// dieser, jeder: `stem` is "dies", "jed".
std::string der_word(std::string_view stem, Gender gender, Number number, Case grammatical_case);
std::string adjective_ending(Declension declension, Gender gender, Number number, Case grammatical_case);
std::string relative_pronoun(Gender gender, Number number, Case grammatical_case);
/// des Hauses, dem Studenten, den Kindern.
std::string german_noun(const Noun& noun, Number number, Case grammatical_case);
/// Küche + Tisch -> Küchentisch, with the case ending of the head.
std::string german_compound(const Noun& modifier, const Noun& head, Number number, Case grammatical_case);
/// in + dem -> im; empty where German keeps the two apart.
std::string contraction(std::string_view preposition, std::string_view article);

std::string_view german_pronoun(Person person, Case grammatical_case);  // no genitive
std::string_view german_it(Gender gender, Case grammatical_case);       // er, sie, es: "it" for such a noun
std::string_view german_possessive(Person person);                      // the stem
std::string_view english_pronoun(Person person, bool subject);
std::string_view english_possessive(Person person);
Agreement agreement_of(Person person);

enum class Auxiliary { sein, haben, werden };
std::string german_auxiliary(Auxiliary auxiliary, bool past, Agreement agreement);
/// The finite verb without its prefix.
std::string german_finite(const Verb& verb, bool past, Agreement agreement);
std::string english_finite(const Verb& verb, bool past, Agreement agreement);

/// First letter in capitals or small, for the letters of German.
std::string capitalised(std::string_view word);
std::string uncapitalised(std::string_view word);

}  // namespace heed::models
