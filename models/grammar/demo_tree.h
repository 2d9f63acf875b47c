// What a sentence of the demo corpus means, before it has words in either language: the abstract syntax of a
// synchronous grammar [Ranta 2011, Grammatical Framework]. The grammar spells a tree in English and German; a
// sampler or a test builds it.
#pragma once

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "models/grammar/demo_lexicon.h"
#include "models/grammar/demo_morphology.h"

namespace heed::models {

struct Clause;
struct PrepositionalPhrase;

/// A part that may be absent. Trees are small and are copied when a part is shared.
template <class Node>
using Part = std::shared_ptr<const Node>;

template <class Node>
Part<Node> part(Node node) {
  return std::make_shared<const Node>(std::move(node));
}

enum class Determiner { none, the, a, no, dies, every, possessive, owner, whose, two, three, many, some };

struct NounPhrase {
  enum class Kind { noun, name, pronoun, relative, question };
  Kind kind = Kind::noun;

  const Noun* head = nullptr;      // Kind::noun; of a pronoun the noun of a line before that "it" stands for
  const Noun* modifier = nullptr;  // makes a compound
  Number number = Number::singular;
  Determiner determiner = Determiner::the;
  Person person = Person::he;  // of a pronoun or of the possessive
  std::string_view name{};     // of a name or of the owner: Anna 's brother
  std::vector<const Adjective*> adjectives;
  bool asks_for_person = false;  // Kind::question: who, else what

  // At most one of these follows the noun.
  Part<NounPhrase> genitive;
  Part<PrepositionalPhrase> attribute;
  Part<Clause> relative;
  Part<NounPhrase> partner;  // and ...
};

struct PrepositionalPhrase {
  Preposition preposition;
  NounPhrase object;
};

enum class Tense { present, past, perfect, past_perfect, future };

/// The part of a relative clause or question that stands in front.
enum class Opener { none, subject, indirect, object, complement };

struct Clause {
  const Verb* verb = nullptr;
  Tense tense = Tense::present;
  const Modal* modal = nullptr;  // then the tense is that of the modal
  bool negated = false, passive = false;
  Opener opener = Opener::none;

  Part<NounPhrase> subject;   // none in an infinitive, or under "there is"
  Part<NounPhrase> indirect;  // the receiver
  Part<NounPhrase> object;    // also the agent of a passive, the noun after "is", the standard of comparison
  Part<PrepositionalPhrase> complement;  // that the verb asks for: waits for ..., goes into ...
  Part<PrepositionalPhrase> adjunct;     // any other
  const Adjective* predicate = nullptr;  // is old; older than `object`
  const Adverb* frequency = nullptr;
  const Adverb* manner = nullptr;

  const Adverb* first_adverb = nullptr;  // Yesterday ...; the "why" of a question
  Part<PrepositionalPhrase> first_phrase;
  const Subordinator* first_subordinator = nullptr;
  Part<Clause> first_clause;

  Part<Clause> content;  // that, whether, or to, by the frame of the verb
  Part<Clause> purpose;  // to, um ... zu
  const Subordinator* last_subordinator = nullptr;
  Part<Clause> last_clause;
};

enum class Mood { statement, yes_no_question, wh_question };

struct Sentence {
  Clause clause;
  Mood mood = Mood::statement;
};

}  // namespace heed::models
