// Noun phrases of the demo sampler.
#include <algorithm>

#include "models/grammar/demo_sampler.h"

namespace heed::models {

int word_count(const NounPhrase& phrase) {
  if (phrase.kind != NounPhrase::Kind::noun) return 1;
  int count = 1 + static_cast<int>(phrase.adjectives.size());
  if (phrase.determiner != Determiner::none) ++count;
  if (phrase.determiner == Determiner::owner) ++count;
  if (phrase.modifier) ++count;
  if (phrase.genitive) count += 1 + word_count(*phrase.genitive);
  if (phrase.attribute) count += 1 + word_count(phrase.attribute->object);
  if (phrase.partner) count += 1 + word_count(*phrase.partner);
  return count;
}

bool says_no(const Part<NounPhrase>& phrase) {
  return phrase && phrase->kind == NounPhrase::Kind::noun &&
         (phrase->determiner == Determiner::no || phrase->determiner == Determiner::every);
}

bool ends_in_clause(const NounPhrase& phrase) {
  if (phrase.relative) return true;
  if (phrase.genitive) return ends_in_clause(*phrase.genitive);
  return phrase.attribute && ends_in_clause(phrase.attribute->object);
}

std::string_view DemoSampler::any_name() {
  const auto& names = random_.chance(50) ? masculine_names() : feminine_names();
  return names[static_cast<size_t>(random_.below(static_cast<int>(names.size())))];
}

void DemoSampler::choose_determiner(NounPhrase& phrase, NounChoice::Determiners determiners) {
  using enum Determiner;
  using Choices = NounChoice::Determiners;
  const bool plural = phrase.number == Number::plural;
  const int roll = random_.below(100);
  if (determiners == Choices::indefinite) {
    phrase.determiner = !plural     ? (roll < 85 ? a : no)
                        : roll < 25 ? none
                        : roll < 45 ? two
                        : roll < 60 ? three
                        : roll < 80 ? many
                                    : some;
  } else if (determiners == Choices::one) {
    phrase.determiner = roll < 62 ? the : roll < 85 ? a : possessive;
  } else if (determiners == Choices::definite) {
    phrase.determiner = roll < 60 ? the : roll < 85 ? possessive : dies;
  } else if (plural) {
    phrase.determiner = roll < 42   ? the
                        : roll < 50 ? none
                        : roll < 66 ? possessive
                        : roll < 75 ? dies
                        : roll < 82 ? two
                        : roll < 87 ? three
                        : roll < 93 ? many
                        : roll < 97 ? some
                                    : no;
  } else {
    phrase.determiner = roll < 46   ? the
                        : roll < 68 ? a
                        : roll < 82 ? possessive
                        : roll < 89 ? dies
                        : roll < 92 ? every
                        : roll < 95 ? no
                                    : owner;
  }
  if (phrase.determiner == possessive) phrase.person = static_cast<Person>(random_.below(6));
  if (phrase.determiner == owner) phrase.name = any_name();
}

NounPhrase DemoSampler::noun_phrase(const NounChoice& choice) {
  NounPhrase phrase;
  if (choice.pronouns && (choice.classes & kPerson)) {
    const int roll = random_.below(100);
    if (choice.budget <= 1 ? roll < 60 : roll < 20) {
      phrase.kind = NounPhrase::Kind::pronoun;
      phrase.person = static_cast<Person>(random_.below(6));
      return phrase;
    }
    if (choice.budget <= 1 || roll < 33) {
      phrase.kind = NounPhrase::Kind::name;
      phrase.name = any_name();
      return phrase;
    }
  }
  phrase.head = &pick(nouns(), [&](const Noun& n) { return (n.classes & choice.classes) != 0; });
  const bool event = (phrase.head->classes & kEvent) != 0;
  const bool singular = event || choice.determiners == NounChoice::Determiners::one;
  phrase.number = !singular && random_.chance(22) ? Number::plural : Number::singular;
  choose_determiner(phrase, choice.determiners);
  const auto has_head = [&](const Compound& c) { return c.head == phrase.head->english; };
  if (choice.budget >= 3 && phrase.number == Number::singular && random_.chance(35) &&
      std::any_of(compounds().begin(), compounds().end(), has_head)) {
    phrase.modifier = &noun(pick(compounds(), has_head).modifier);
  }
  modify(phrase, choice.budget - word_count(phrase), choice.relatives, choice.attributes);
  return phrase;
}

void DemoSampler::modify(NounPhrase& phrase, int budget, bool relatives, bool attributes) {
  const auto adjective = [&] {
    phrase.adjectives.push_back(&pick(heed::models::adjectives(), [&](const Adjective& a) {
      return (a.classes & phrase.head->classes) != 0;
    }));
    --budget;
  };
  if (budget >= 1 && random_.chance(35)) adjective();
  if (relatives && budget >= 4 && random_.chance(budget >= 7 ? 90 : 55)) {
    phrase.relative = part(relative_clause(phrase, budget));
    return;
  }
  if (budget < 3 || !attributes) return;
  const int roll = random_.below(100);
  const Classes classes = phrase.head->classes;
  if (roll < 30 && (classes & (kPerson | kPlace | kThing | kEvent)) && phrase.determiner == Determiner::the) {
    NounChoice of{kPerson, budget - 1, false, relatives, NounChoice::Determiners::definite, false};
    phrase.genitive = part(noun_phrase(of));
  } else if (roll < 62 && !(classes & (kEvent | kDoor)) && (!(classes & kPlace) || (classes & kBuilding))) {
    phrase.attribute = part(attribute(phrase, budget, relatives));
  } else if (roll < 67 && (classes & kAlive)) {
    phrase.partner = part(noun_phrase({classes & kAlive, 2, false, false, NounChoice::Determiners::any}));
    if (phrase.partner->determiner == Determiner::no) phrase.partner = nullptr;
  }
}

PrepositionalPhrase DemoSampler::with_noun(std::string_view english, Classes classes, int budget,
                                           bool relatives, bool attributes) {
  NounChoice choice{classes, budget - 1, false, relatives, NounChoice::Determiners::any, attributes};
  const Preposition& chosen = preposition(english);
  if (classes & (kPlace | kBuilding | kTown | kClothes | kSurface))
    choice.determiners = NounChoice::Determiners::one;
  if (chosen.governs == Case::genitive) choice.determiners = NounChoice::Determiners::definite;
  PrepositionalPhrase phrase{chosen, noun_phrase(choice)};
  if (phrase.object.determiner == Determiner::no) phrase.object.determiner = Determiner::the;
  return phrase;
}

PrepositionalPhrase DemoSampler::attribute(const NounPhrase& phrase, int budget, bool relatives) {
  const Classes classes = phrase.head->classes;
  const int roll = random_.below(100);
  if (classes & kPlace)
    return with_noun(roll < 50 ? "beside" : "behind", kBuilding, budget, relatives, false);
  if (classes & kPerson) {
    return roll < 60 ? with_noun("with", kClothes, budget, relatives, false)
                     : with_noun("from", kTown, budget, relatives, false);
  }
  if (classes & kText) {
    return roll < 70 ? with_noun("about", kAlive | kEvent, budget, relatives, false)
                     : with_noun("on", kSurface, budget, relatives, false);
  }
  if (classes & (kAnimal | kVehicle)) {
    return with_noun(roll < 50 ? "behind" : "beside", kBuilding, budget, relatives, false);
  }
  return with_noun(roll < 50 ? "on" : roll < 75 ? "under" : "beside", kSurface, budget, relatives, false);
}

// "who", "whom", "that", "with whom", "in which", "whose"; those with room for more clauses only if there is
// budget for them.
Clause DemoSampler::relative_clause(const NounPhrase& noun, int budget) {
  const Classes classes = noun.head->classes;
  const bool alive = (classes & kAlive) != 0;
  Context context;
  context.place = Place::relative;
  context.past = random_.chance(50);
  NounPhrase pronoun;
  pronoun.kind = NounPhrase::Kind::relative;

  const int roll = random_.below(100);
  if (alive && roll < 14) {  // whose brother ...
    NounPhrase owned;
    owned.head = &pick(nouns(), [&](const Noun& n) {
      return (n.classes & (classes & kPerson ? kAlive : kAnimal)) != 0 && n.english != "king" &&
             n.english != "queen";
    });
    owned.determiner = Determiner::whose;
    if (budget > 7 && random_.chance(40)) modify(owned, 1, false, false);
    context.subject = part(owned);
    context.subject_classes = owned.head->classes;
    Clause c = clause(budget - 1, context);
    c.opener = Opener::subject;
    return c;
  }
  const auto takes = [&](const Verb& v) {
    const bool by_object =
        v.frame == Frame::transitive || v.frame == Frame::dative || v.frame == Frame::prepositional;
    return (by_object && (v.objects & classes)) || (v.base == "live" && (classes & kPlace));
  };
  if (budget <= 9 && roll < 65 && std::any_of(verbs().begin(), verbs().end(), takes)) {
    Clause c;
    tense(c, context, true);
    c.verb = &pick(verbs(),
                   [&](const Verb& v) { return takes(v) && !(v.past == v.base && c.tense == Tense::past); });
    if (c.verb->frame == Frame::prepositional || c.verb->frame == Frame::place) {
      c.opener = Opener::complement;
      c.complement = part(PrepositionalPhrase{
          c.verb->frame == Frame::place ? preposition("in") : c.verb->preposition, pronoun});
    } else {
      c.opener = Opener::object;
      c.object = part(pronoun);
    }
    c.subject = part(noun_phrase({c.verb->subjects & kPerson ? kPerson : kAnimal, budget - 3, true, false}));
    adverbs(c, budget - 2 - word_count(*c.subject), context);
    return c;
  }
  context.subject = part(pronoun);
  context.subject_classes = classes;
  Clause c = clause(budget, context);
  c.opener = Opener::subject;
  return c;
}

}  // namespace heed::models
