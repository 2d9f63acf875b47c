#include "models/grammar/demo_sampler.h"

#include <algorithm>
#include <array>

namespace heed::models {
namespace {

// An adverb of time that the tense does not allow gives way to one that any tense does.
const Adverb* fitting(const Adverb* adverb, const Clause& c) {
  const bool fits = adverb->time == TimeOf::any || (adverb->time == TimeOf::past && c.tense == Tense::past) ||
                    (adverb->time == TimeOf::present && c.tense == Tense::present && !c.modal) ||
                    (adverb->time == TimeOf::future && c.tense == Tense::future);
  if (fits) return adverb;
  if (c.tense == Tense::past && !c.modal) return &heed::models::adverb("yesterday");
  if (c.tense == Tense::future) return &heed::models::adverb("tomorrow");
  return &heed::models::adverb(adverb->time == TimeOf::past ? "unfortunately" : "today");
}

}  // namespace

Sentence DemoSampler::sentence(int budget) {
  const int words = budget - 1;
  Context context;
  context.past = random_.chance(50);
  if (words <= 20 && random_.chance(9)) return wh_question(words);
  if (words <= 25 && random_.chance(10)) {
    context.place = Place::question;
    return {clause(words - 1, context), Mood::yes_no_question};
  }
  return {clause(words, context), Mood::statement};
}

Sentence DemoSampler::wh_question(int budget) {
  Context context;
  context.place = Place::question;
  context.past = random_.chance(50);
  Sentence out{{}, Mood::wh_question};
  Clause& c = out.clause;
  NounPhrase asked;
  asked.kind = NounPhrase::Kind::question;
  const int roll = random_.below(100);
  if (roll < 30) {  // who ...?
    asked.asks_for_person = true;
    context.subject = part(asked);
    context.subject_classes = kPerson;
    c = clause(budget - 1, context);
    c.opener = Opener::subject;
  } else if (roll < 65) {  // what does ..., whom does ...?
    tense(c, context, true);
    c.verb = &pick(verbs(), [&](const Verb& v) {
      return (v.frame == Frame::transitive || (v.frame == Frame::dative && v.objects & kPerson)) &&
             !(v.past == v.base && c.tense == Tense::past);
    });
    asked.asks_for_person = c.verb->frame == Frame::dative || c.verb->objects == kPerson ||
                            ((c.verb->objects & kPerson) && random_.chance(60));
    c.opener = Opener::object;
    c.object = part(asked);
    c.subject = part(noun_phrase({kPerson, budget - 3, true, true}));
  } else {
    const Adverb& adverb =
        pick(heed::models::adverbs(), [](const Adverb& a) { return a.kind == AdverbKind::question; });
    context.located = adverb.english == "where";
    if (context.located) {
      tense(c, context, false);
      c.verb = &pick(verbs(), [&](const Verb& v) {
        return (v.base == "live" || v.base == "sit" || v.frame == Frame::intransitive || v.base == "buy");
      });
      c.subject = part(noun_phrase({kPerson, budget - 3, true, true}));
      if (c.verb->base == "buy") c.object = part(noun_phrase({c.verb->objects, 3, true, false}));
    } else {
      c = clause(budget - 2, context);
    }
    c.first_adverb = &adverb;
  }
  return out;
}

// Tenses follow the time of the sentence, past or not, and what a subordinator asks for.
void DemoSampler::tense(Clause& c, const Context& context, bool modals) {
  const int roll = random_.below(100);
  c.tense = context.past ? Tense::past : Tense::present;
  if (context.place == Place::infinitive) return;
  const auto any_modal = [&] {
    c.tense = Tense::present;
    c.modal = &pick(heed::models::modals(), [&](const Modal& m) { return m.past == context.past; });
  };
  if (context.time == Subordinator::Time::plain) return;
  if (context.time == Subordinator::Time::completed) {
    c.tense = context.past ? Tense::past_perfect : Tense::perfect;
  } else if (context.time == Subordinator::Time::ability && modals) {
    c.modal = &modal(context.past ? "could" : "can");
    c.tense = Tense::present;
  } else if (context.simple) {
    if (!context.past && roll < 20) c.tense = Tense::future;
    if (!context.past && roll >= 80 && modals) any_modal();
  } else if (context.past) {
    if (roll < 16) c.tense = Tense::past_perfect;
    if (roll >= 86 && modals) any_modal();
  } else {
    if (roll < 24) c.tense = Tense::perfect;
    if (roll >= 24 && roll < 36) c.tense = Tense::future;
    if (roll >= 78 && modals) any_modal();
  }
}

// The clauses and phrases that stand before a main clause or follow it.
void DemoSampler::surround(Clause& c, int& budget, Context& context) {
  const auto attach = [&](bool front, int share) {
    const Subordinator& chosen = pick(subordinators(), [&](const Subordinator& s) {
      return (!front || s.can_front) && !(context.past && s.german_past.empty()) &&
             (context.time == Subordinator::Time::any || s.time == Subordinator::Time::any);
    });
    if (chosen.time != Subordinator::Time::any) context.simple = true;
    Context inner;
    inner.place = Place::subordinate;
    inner.past = context.past;
    inner.time = chosen.time;
    Part<Clause> added = part(clause(share - static_cast<int>(chosen.english.size()), inner));
    (front ? c.first_clause : c.last_clause) = std::move(added);
    (front ? c.first_subordinator : c.last_subordinator) = &chosen;
    budget -= share;
  };
  if (context.place == Place::main && budget >= 11 && random_.chance(38)) {
    --budget;  // the comma
    attach(true, random_.between(5, std::min(budget - 5, 22)));
  }
  if ((context.place == Place::main || context.place == Place::subordinate) && budget >= 12 &&
      random_.chance(45)) {
    attach(false, random_.between(6, budget - 5));
  }
}

Clause DemoSampler::clause(int budget, const Context& given) {
  Clause c;
  Context context = given;
  surround(c, budget, context);
  const bool person = !context.subject || (context.subject_classes & kPerson);
  int longing = budget < 8 ? 0 : std::min(80, 22 + 2 * budget);  // long budgets want a clause inside
  if (context.place == Place::infinitive) longing /= 2;
  open(c, budget, context);
  if (person && random_.chance(longing)) {
    content(c, budget, context);
  } else {
    plain(c, budget, context);
  }
  if (c.first_adverb) c.first_adverb = fitting(c.first_adverb, c);
  return c;
}

// "Yesterday ...", "After the storm ...": German then puts the verb before the subject.
void DemoSampler::open(Clause& c, int& budget, const Context& context) {
  if (context.place != Place::main || c.first_clause || budget < 3) return;
  const int roll = random_.below(100);
  if (budget >= 8 && roll < 14) {
    static constexpr std::array<std::string_view, 4> kTimes = {"after", "before", "during", "despite"};
    c.first_phrase = part(with_noun(kTimes[static_cast<size_t>(random_.below(4))], kEvent, 4, false));
    budget -= 1 + word_count(c.first_phrase->object);
  } else if (roll < 34) {
    c.first_adverb =
        &pick(heed::models::adverbs(), [&](const Adverb& a) { return a.kind == AdverbKind::front; });
    --budget;
  }
}

void DemoSampler::give_subject(Clause& c, Classes classes, int budget, const Context& context) {
  if (context.place == Place::infinitive) return;
  if (context.subject) {
    c.subject = context.subject;
    return;
  }
  if ((classes & kPerson) && (classes & kAnimal)) classes = random_.chance(80) ? kPerson : kAnimal;
  const bool first = context.place == Place::main && !c.first_clause;
  c.subject = part(noun_phrase({classes, budget, true, first || budget <= 8}));
}

// Verbs with a clause of their own: says that ..., asks whether ..., tries to ...
void DemoSampler::content(Clause& c, int budget, const Context& context) {
  const int roll = random_.below(100);
  const Frame frame = roll < 58                                              ? Frame::that_clause
                      : roll < 72                                            ? Frame::whether_clause
                      : context.place == Place::infinitive || context.simple ? Frame::that_clause
                                                                             : Frame::to_clause;
  tense(c, context, true);
  // one tries to say, not to hope
  const bool says = context.place == Place::infinitive && frame == Frame::that_clause;
  c.verb = &pick(verbs(), [&](const Verb& v) { return v.frame == frame && (!says || v.base == "say"); });
  const bool unsure = frame == Frame::whether_clause && c.verb->base == "know";  // does not know whether
  if (unsure && (context.place == Place::infinitive || context.time != Subordinator::Time::any)) {
    c.verb = &verb("ask", frame);
  } else if (unsure) {
    c.modal = nullptr;
    c.negated = true;
    if (c.tense == Tense::future || c.tense == Tense::perfect) c.tense = Tense::present;
  }
  int share = 2;
  if (budget >= 16 && random_.chance(25)) {
    share = random_.between(6, context.place == Place::main && !c.first_clause ? 13 : 8);
  } else if (random_.chance(35)) {
    share = random_.between(1, 4);
  }
  give_subject(c, kPerson, share, context);
  if (says_no(c.subject) && c.negated) c.negated = false, c.verb = &verb("ask", frame);
  const int used = (c.subject ? std::max(share, 1) : 0) + (frame == Frame::to_clause ? 2 : 2);
  Context inner;
  inner.place = frame == Frame::to_clause ? Place::infinitive : Place::subordinate;
  inner.past = context.past || random_.chance(40);
  c.content = part(clause(std::max(budget - used, 2), inner));
  if (!c.negated) adverbs(c, random_.chance(20) ? 1 : 0, context);
}

}  // namespace heed::models
