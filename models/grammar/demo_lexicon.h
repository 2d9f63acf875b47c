// The words of the demo grammar, written by hand for heed: one English lemma, one German lemma, and the forms
// that no rule gives. Rows are looked up by English word, so that a test can build the sentence it wants.
#pragma once

#include <string_view>
#include <vector>

namespace heed::models {

enum class Gender { masculine, feminine, neuter };
enum class Number { singular, plural };
enum class Case { nominative, accusative, dative, genitive };

/// What a noun stands for, so that people read books and not soups. A noun may be in several classes.
using Classes = unsigned;
inline constexpr Classes kPerson = 1, kAnimal = 2, kThing = 4, kText = 8, kVehicle = 16, kFood = 32,
                         kPlace = 64, kDoor = 128, kContainer = 256, kEvent = 512, kClothes = 1024,
                         kSurface = 2048, kBuilding = 4096, kTown = 8192, kFeast = 16384;
inline constexpr Classes kAlive = kPerson | kAnimal;

struct Noun {
  std::string_view english, english_plural;
  std::string_view german;
  Gender gender = Gender::masculine;
  std::string_view german_plural, german_genitive;  // the genitive is that of the singular
  Classes classes = 0;
  bool weak = false;           // n-declension: der Student, den Studenten
  std::string_view linking{};  // first part of a compound: Schule -> Schul-
};

/// "kitchen table" -> "Küchentisch": the pairs that make a compound.
struct Compound {
  std::string_view modifier, head;  // English singulars
};

struct Adjective {
  std::string_view english, english_comparative;  // the latter empty where English says "more ..."
  std::string_view german, german_comparative;
  Classes classes = 0;
};

enum class AdverbKind { front, frequency, manner, question };
enum class TimeOf { any, present, past, future };
struct Adverb {
  std::string_view english, german;
  AdverbKind kind = AdverbKind::front;
  TimeOf time = TimeOf::any;
};

struct Preposition {
  std::string_view english, german;
  Case governs = Case::dative;
};

enum class Frame {
  intransitive,
  transitive,     // accusative object
  dative,         // dative object
  ditransitive,   // dative and accusative object
  prepositional,  // object with the preposition of the verb
  motion,         // goes into ...
  place,          // lives in ...
  copula,
  existential,  // there is, es gibt
  that_clause,
  whether_clause,
  to_clause,
};

struct Verb {
  std::string_view base, third, past, participle, particle;                   // particle: throws "away"
  std::string_view infinitive, german_third, german_past, german_participle;  // without the prefix
  std::string_view prefix;                                                    // separable: "auf"
  bool with_sein = false;                                                     // perfect with sein
  Frame frame = Frame::intransitive;
  Classes subjects = kPerson, objects = 0;
  Preposition preposition{};
  std::string_view german_first{};  // where it is not the infinitive's stem with -e
};

/// Modal verbs; "want" is one in German only.
struct Modal {
  std::string_view english, english_third, german_singular, german_plural;
  bool with_to = false, past = false, negatable = true;
};

struct Subordinator {
  std::vector<std::string_view> english;
  std::string_view german, german_past;
  enum class Time { any, plain, completed, ability } time = Time::any;
  bool can_front = true;
};

const std::vector<Noun>& nouns();
const std::vector<Compound>& compounds();
const std::vector<Adjective>& adjectives();
const std::vector<Adverb>& adverbs();
const std::vector<Preposition>& prepositions();
const std::vector<Verb>& verbs();
const std::vector<Modal>& modals();
const std::vector<Subordinator>& subordinators();
const std::vector<std::string_view>& masculine_names();
const std::vector<std::string_view>& feminine_names();

/// The row of an English word. Throws ValueError if there is none.
const Noun& noun(std::string_view english);
const Adjective& adjective(std::string_view english);
const Adverb& adverb(std::string_view english);
const Preposition& preposition(std::string_view english);
const Verb& verb(std::string_view english, Frame frame);
const Modal& modal(std::string_view english);
const Subordinator& subordinator(std::string_view first_english_word);

}  // namespace heed::models
