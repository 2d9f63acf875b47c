// One clause of the demo sampler: who does what, where and how.
#include <algorithm>
#include <array>

#include "models/grammar/demo_sampler.h"

namespace heed::models {
namespace {

constexpr Classes kAnything = kAlive | kThing | kText | kVehicle | kPlace;

template <size_t N>
bool one_of(std::string_view word, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Verbs that one does quickly, quietly or alone, and those that no one does in order to do something else.
constexpr std::array<std::string_view, 14> kActions = {"open", "close", "repair", "wash",   "paint",
                                                       "read", "write", "carry",  "eat",    "go",
                                                       "run",  "sing",  "work",   "prepare"};
constexpr std::array<std::string_view, 9> kUnplanned = {"see",  "love",  "know",  "hear",  "lose",
                                                        "find", "sleep", "laugh", "arrive"};

bool definite(const NounPhrase& phrase) {
  if (phrase.kind == NounPhrase::Kind::question) return false;
  if (phrase.kind != NounPhrase::Kind::noun) return true;
  switch (phrase.determiner) {
    case Determiner::the:
    case Determiner::possessive:
    case Determiner::dies:
    case Determiner::owner:
      return !phrase.partner && !phrase.attribute;
    default:
      return false;
  }
}

}  // namespace

void DemoSampler::plain(Clause& c, int budget, const Context& context) {
  const bool free = !context.subject;
  const bool alive = free || (context.subject_classes & kAlive);
  const bool person = free || (context.subject_classes & kPerson);
  const bool infinitive = context.place == Place::infinitive;
  const bool states = !infinitive && context.time != Subordinator::Time::ability;
  const int roll = random_.below(100);
  if (!alive) {
    const bool sold =
        (context.subject_classes & ~kEvent) && !(context.subject_classes == kPlace && roll < 50);
    if (budget >= 3 && sold && (roll < 65 || budget >= 8 || !states)) return passive(c, budget, context);
    return copula(c, budget, context);
  }
  if (budget <= 2) return active(c, Frame::intransitive, budget, context);
  if (states && roll < 13) return copula(c, budget, context);
  if (states && free && roll < 19 && budget >= 4) return existential(c, budget, context);
  if (!infinitive && person && roll < 29 && budget >= 4) return passive(c, budget, context);
  if (roll < 37) return active(c, budget >= 8 ? Frame::transitive : Frame::intransitive, budget, context);
  if (roll < 66) return active(c, Frame::transitive, budget, context);
  if (roll < 73) return active(c, Frame::dative, budget, context);
  if (roll < 81 && budget >= 5 && person) return active(c, Frame::ditransitive, budget, context);
  if (roll < 88) return active(c, Frame::prepositional, budget, context);
  if (roll < 95 && budget >= 4) return active(c, Frame::motion, budget, context);
  return active(c, budget >= 4 ? Frame::place : Frame::transitive, budget, context);
}

void DemoSampler::copula(Clause& c, int budget, const Context& context) {
  tense(c, context, false);
  c.verb = &verb("be", Frame::copula);
  give_subject(c, random_.chance(60) ? kPerson : kAnything, std::min(budget - 2, budget >= 12 ? 9 : 3),
               context);
  const NounPhrase& subject = *c.subject;
  const Classes classes = subject.head      ? subject.head->classes
                          : context.subject ? context.subject_classes
                                            : static_cast<Classes>(kPerson);
  const int left = budget - 1 - word_count(subject);
  const int roll = random_.below(100);
  const bool masculine =
      subject.kind == NounPhrase::Kind::pronoun ? subject.person == Person::i || subject.person == Person::he
      : subject.kind == NounPhrase::Kind::name
          ? std::count(masculine_names().begin(), masculine_names().end(), subject.name) > 0
          : subject.head && subject.head->gender == Gender::masculine && subject.number == Number::singular &&
                !subject.partner && (classes & kPerson);
  if (masculine && !context.subject && left >= 2 && roll < 40) {
    static constexpr std::array<std::string_view, 7> kRoles = {"teacher", "student",   "doctor", "painter",
                                                               "farmer",  "neighbour", "guest"};
    NounPhrase role = noun_phrase({kPerson, left, false, true});
    role.head = &noun(kRoles[static_cast<size_t>(random_.below(static_cast<int>(kRoles.size())))]);
    role.modifier = nullptr;
    role.number = Number::singular;
    if (role.determiner != Determiner::the) role.determiner = Determiner::a;
    if (role.partner) role.partner = nullptr;
    role.adjectives.clear();
    c.object = part(role);
    if (role.determiner == Determiner::the && !role.relative && random_.chance(20))
      c.negated = !says_no(c.subject);
    return;
  }
  if ((classes & (kAlive | kThing | kText | kVehicle)) && left >= 3 && roll < 55) {
    const bool surface = (classes & (kThing | kText)) && random_.chance(50);
    c.complement = part(with_noun(surface ? "on" : "in", surface ? kSurface : kPlace, left, true));
    return;
  }
  const bool compare = left >= 4 && roll < 80;
  c.predicate = &pick(adjectives(), [&](const Adjective& a) {
    return (a.classes & classes) && (!compare || !a.english_comparative.empty());
  });
  if (!(c.predicate->classes & classes)) c.predicate = &adjective("beautiful");
  if (compare && !c.predicate->english_comparative.empty()) {
    const Classes same = classes & kPerson ? kPerson : classes & kAnimal ? kAnimal : classes;
    c.object = part(noun_phrase({same, left - 2, false, true}));
    if (says_no(c.object))
      c.object = part(noun_phrase({same, 2, false, false, NounChoice::Determiners::definite}));
    return;
  }
  const bool bound = context.time != Subordinator::Time::any;
  if (!bound && !says_no(c.subject) && random_.chance(20)) c.negated = true;
  if (!c.negated) adverbs(c, left - 1, context);
}

void DemoSampler::existential(Clause& c, int budget, const Context& context) {
  Context simple = context;
  simple.simple = true;
  tense(c, simple, false);
  c.verb = &verb("be", Frame::existential);
  const bool somewhere = !context.located && budget >= 6 && random_.chance(70);
  c.object = part(noun_phrase({kAlive | kThing | kText | kVehicle, somewhere ? 3 : budget - 2, false,
                               !somewhere, NounChoice::Determiners::indefinite}));
  if (somewhere) {
    c.adjunct = part(with_noun("in", kPlace, budget - 2 - word_count(*c.object), true));
  }
}

void DemoSampler::passive(Clause& c, int budget, const Context& context) {
  tense(c, context, true);
  c.passive = true;
  const Classes classes = context.subject ? context.subject_classes : ~Classes{0};
  c.verb = &pick(verbs(), [&](const Verb& v) {
    return v.frame == Frame::transitive && v.base != "know" && (v.objects & classes);
  });
  if (c.modal && c.modal->with_to) c.modal = nullptr;
  give_subject(c, c.verb->objects, std::min(budget - 2, budget >= 14 ? 9 : 3), context);
  const int left = budget - 2 - word_count(*c.subject);
  if (left >= 2 && random_.chance(left >= 5 ? 95 : 55)) {
    const Classes agent = (c.verb->subjects & kAnimal) && random_.chance(30) ? kAnimal : kPerson;
    c.object = part(noun_phrase({agent, left - 1, true, true}));
    if (says_no(c.object))
      c.object = part(noun_phrase({agent, 2, false, false, NounChoice::Determiners::definite}));
  } else if (left >= 3 && !context.located) {
    c.adjunct = part(with_noun("in", kPlace, left, true));
  }
  adverbs(c, c.object ? 0 : left, context);
}

void DemoSampler::active(Clause& c, Frame frame, int budget, const Context& context) {
  tense(c, context, true);
  const Classes subjects = context.subject                      ? context.subject_classes
                           : context.place == Place::infinitive ? kPerson
                                                                : kAlive;
  const bool past = c.tense == Tense::past && !c.modal;
  c.verb = &pick(verbs(), [&](const Verb& v) {
    return v.frame == frame && (v.subjects & subjects) && !(past && v.past == v.base) &&
           !(context.place == Place::infinitive && one_of(v.base, kUnplanned));
  });
  if (c.verb->frame != frame) c.verb = &verb("sleep", Frame::intransitive), frame = Frame::intransitive;
  int left = budget - 1 - static_cast<int>(!c.verb->particle.empty());
  if (context.place == Place::infinitive) --left;
  if (c.tense == Tense::future || c.tense == Tense::perfect || c.tense == Tense::past_perfect || c.modal)
    --left;

  // A purpose takes its share before the objects do.
  const bool planned =
      !one_of(c.verb->base, kUnplanned) && frame != Frame::prepositional && frame != Frame::place;
  int purpose = 0;
  if (planned && (subjects & kPerson) && !context.located && left >= 10 && !c.last_clause &&
      random_.chance(35) && (context.place == Place::main || context.place == Place::subordinate)) {
    purpose = random_.between(4, left - 6);
    left -= purpose;
  }
  give_subject(c, purpose ? kPerson : c.verb->subjects,
               left <= 3 ? 1 : std::min(left - 2, left >= 14 ? 9 : random_.between(2, 4)), context);
  if (c.subject) left -= c.subject->relative ? 7 : word_count(*c.subject);

  const Classes thing = c.verb->objects;
  const bool more = purpose == 0;  // relative clauses before a purpose would hide what it belongs to
  if (frame == Frame::transitive || frame == Frame::dative) {
    const bool reflexive_risk = c.subject && c.subject->kind == NounPhrase::Kind::pronoun;
    c.object = part(noun_phrase({thing, left, !reflexive_risk, more}));
  } else if (frame == Frame::ditransitive) {
    c.indirect =
        part(noun_phrase({kPerson, 2, !(c.subject && c.subject->kind == NounPhrase::Kind::pronoun), false}));
    c.object = part(noun_phrase({thing, left - word_count(*c.indirect), false, more}));
  } else if (frame == Frame::prepositional) {
    NounPhrase object = noun_phrase({thing, left - 1, true, more});
    if (object.kind == NounPhrase::Kind::pronoun && c.subject &&
        c.subject->kind == NounPhrase::Kind::pronoun) {
      object.kind = NounPhrase::Kind::name;
      object.name = any_name();
    }
    if (says_no(part(object))) object.determiner = Determiner::the;
    c.complement = part(PrepositionalPhrase{c.verb->preposition, object});
  } else if (frame == Frame::motion || frame == Frame::place) {
    c.complement = part(with_noun(frame == Frame::motion ? "into" : "in", kPlace, left, more));
  }
  if (c.object) left -= word_count(*c.object);
  if (c.indirect) left -= word_count(*c.indirect);
  if (c.complement) left -= 1 + word_count(c.complement->object);
  const bool open_end = (!c.object || !ends_in_clause(*c.object)) && !c.complement;
  if (open_end && left >= 3 && !context.located && frame != Frame::ditransitive && random_.chance(60)) {
    const int roll = random_.below(100);
    c.adjunct = part(roll < 60   ? with_noun("in", kPlace, left, more)
                     : roll < 85 ? with_noun("with", kPerson, left, more)
                                 : with_noun("without", kPerson, left, more));
    left -= 1 + word_count(c.adjunct->object);
  }
  adverbs(c, left, context);
  if (purpose) {
    Context inner;
    inner.place = Place::infinitive;
    c.purpose = part(clause(purpose, inner));
  }
}

// Adverbs and negation, where the rest of the clause leaves room for them.
void DemoSampler::adverbs(Clause& c, int budget, const Context& context) {
  const bool infinitive = context.place == Place::infinitive;
  const bool no = says_no(c.subject) || says_no(c.object);
  const bool object_closed =
      (c.object && ends_in_clause(*c.object)) || (c.complement && ends_in_clause(c.complement->object));
  if (budget >= 1 && !c.passive && !no && !object_closed && one_of(c.verb->base, kActions) &&
      c.verb->frame != Frame::to_clause && random_.chance(35)) {
    c.manner = &pick(heed::models::adverbs(), [](const Adverb& a) { return a.kind == AdverbKind::manner; });
    --budget;
  }
  const bool bound = context.time != Subordinator::Time::any;  // no "until he never", no "before he does not"
  if (budget >= 1 && !infinitive && !no && !bound && !c.negated && c.verb->base != "know" &&
      random_.chance(22)) {
    c.frequency =
        &pick(heed::models::adverbs(), [](const Adverb& a) { return a.kind == AdverbKind::frequency; });
    return;
  }
  const bool negatable = !infinitive && !no && !bound && !c.manner && !c.adjunct && !object_closed &&
                         !c.frequency && (!c.object || definite(*c.object)) &&
                         (!c.modal || c.modal->negatable) && !(c.content && c.verb->base == "hope");
  if (negatable && c.verb->frame != Frame::existential && random_.chance(14)) c.negated = true;
}

}  // namespace heed::models
