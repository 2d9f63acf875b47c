// Clauses of the demo grammar. English keeps subject, verb, object; German puts the finite verb second, first
// or last, closes the verb bracket behind the objects, and lets clauses follow it.

#include "models/grammar/demo_grammar.h"

namespace heed::models {
namespace {

// German words between the two verbs. The last phrase may leave a relative clause for the place behind the
// verb.
class Middle {
 public:
  void add(const Words& words) {
    if (words.empty()) return;
    flush();
    append(words_, words);
  }
  void add(const PhraseWords& phrase) {
    if (phrase.target.empty()) return;
    add(phrase.target);
    tail_ = phrase.extraposable;
    heavy_ = phrase.heavy;
  }
  /// The words; a heavy last relative clause goes to `after`, a light one stays unless only a prefix would
  /// follow it.
  Words finish(Words& after, bool before_prefix) {
    if (heavy_ || before_prefix) {
      append(after, tail_);
      tail_.clear();
    }
    flush();
    return words_;
  }

 private:
  void flush() {
    append(words_, tail_);
    tail_.clear();
    heavy_ = false;
  }
  Words words_, tail_;
  bool heavy_ = false;
};

Words complete(const PhraseWords& phrase) {
  Words words = phrase.target;
  append(words, phrase.extraposable);
  return words;
}

bool is_past(const Clause& clause) {
  return clause.tense == Tense::past || clause.tense == Tense::past_perfect ||
         (clause.modal && clause.modal->past);
}

Case object_case(const Clause& clause) {
  if (clause.verb->frame == Frame::copula) return Case::nominative;
  return clause.verb->frame == Frame::dative ? Case::dative : Case::accusative;
}

}  // namespace

ClauseWords Speller::subordinate(const Subordinator& subordinator, const Clause& inner, bool past) {
  const int first = meaning();
  ClauseWords out;
  out.target = {german_comma(first),
                {std::string(past ? subordinator.german_past : subordinator.german), {}, {}}};
  for (size_t i = 0; i < subordinator.english.size(); ++i) {
    const int part = i == 0 ? first : meaning();
    out.source.push_back({std::string(subordinator.english[i]), {part}, {}});
    out.target.back().means.push_back(part);
  }
  const ClauseWords words = clause(inner, Order::verb_last);
  append(out.source, words.source);
  append(out.target, words.target);
  out.target.push_back(german_comma(first));
  return out;
}

// The clauses behind the verb: that ..., whether ..., to ..., because ...
void Speller::nested_clauses(const Clause& outer, ClauseWords& out) {
  const auto add = [&](const ClauseWords& words) {
    append(out.source, words.source);
    append(out.target, words.target);
  };
  const auto infinitive = [&](const Clause& inner, bool purpose) {
    const Antecedent to{nullptr, meaning()};
    ClauseWords words = clause(inner, Order::infinitive, to);
    Words target = {german_comma(to.pronoun)};
    if (purpose) target.push_back({"um", {}, {to.pronoun}});
    append(target, words.target);
    target.push_back(german_comma(to.pronoun));
    add({words.source, target});
  };
  if (outer.content) {
    static const Subordinator that{{"that"}, "dass", "dass"}, whether{{"whether"}, "ob", "ob"};
    if (outer.verb->frame == Frame::to_clause) {
      infinitive(*outer.content, false);
    } else {
      add(subordinate(outer.verb->frame == Frame::whether_clause ? whether : that, *outer.content, false));
    }
  }
  if (outer.purpose) infinitive(*outer.purpose, true);
  if (outer.last_clause)
    add(subordinate(*outer.last_subordinator, *outer.last_clause, is_past(*outer.last_clause)));
}

ClauseWords Speller::clause(const Clause& c, Order order, const Antecedent& antecedent) {
  note_patterns(c, order);
  const Frame frame = c.verb->frame;
  const bool comparison = c.predicate && c.object;

  // What stands first, in the order of both languages; the German verb follows it at once.
  Words source, field;
  if (c.first_clause) {
    const int comma = meaning();
    ClauseWords words = subordinate(*c.first_subordinator, *c.first_clause, is_past(*c.first_clause));
    append(source, words.source);
    source.push_back({",", {comma}, {}});
    words.target.back().means.push_back(comma);  // both languages close the clause with a comma
    append(field, words.target);
  }
  if (c.first_adverb) {
    const int when = meaning();
    source.push_back({std::string(c.first_adverb->english), {when}, {}});
    field.push_back({std::string(c.first_adverb->german), {when}, {}});
  }
  if (c.first_phrase) {
    const PhraseWords words = prepositional_phrase(*c.first_phrase);
    append(source, words.source);
    append(field, complete(words));
  }

  PhraseWords subject, indirect, object, complement, adjunct;
  if (c.subject) subject = noun_phrase(*c.subject, Case::nominative, antecedent);
  if (c.indirect) indirect = noun_phrase(*c.indirect, Case::dative, antecedent);
  if (c.object && c.passive) object = prepositional_phrase({preposition("by"), *c.object});
  if (c.object && !c.passive) object = noun_phrase(*c.object, object_case(c), antecedent);
  if (c.complement) complement = prepositional_phrase(*c.complement, antecedent);
  if (c.adjunct) adjunct = prepositional_phrase(*c.adjunct);
  if (frame == Frame::existential) {
    const int there = meaning();
    subject.source = {{"there", {there}, {}}};
    subject.target = {{"es", {there}, {}}};
    subject.agreement = object.agreement;
  }

  VerbWords verbs = verb_words(c, subject.agreement, order, antecedent.pronoun);

  // "war" alone is too light to wait behind a clause: ... dass er in dem Dorf war, das ...
  if (frame == Frame::copula) object.heavy = complement.heavy = true;

  // The part that a relative clause or a question puts in front leaves its place.
  const auto open_with = [&](PhraseWords& part) {
    append(source, part.source);
    append(field, part.target);
    part = {};
  };
  if (c.opener == Opener::indirect) open_with(indirect);
  if (c.opener == Opener::object) open_with(object);
  if (c.opener == Opener::complement) open_with(complement);

  // Small words, once in each language.
  const auto single = [&](Words& english, Words& german, std::string_view e, std::string_view g) {
    const int meant = meaning();
    english = {{std::string(e), {meant}, {}}};
    german = {{std::string(g), {meant}, {}}};
  };
  Words no, nicht, often, oft, manner, art, adjective, adjektiv, than, als;
  if (c.negated) single(no, nicht, "not", "nicht");
  if (c.frequency) single(often, oft, c.frequency->english, c.frequency->german);
  if (c.manner) single(manner, art, c.manner->english, c.manner->german);
  if (comparison) {
    single(adjective, adjektiv, c.predicate->english_comparative, c.predicate->german_comparative);
    single(than, als, "than", "als");
  } else if (c.predicate) {
    single(adjective, adjektiv, c.predicate->english, c.predicate->german);
  }

  // English.
  const bool asks_by_adverb = c.first_adverb && c.first_adverb->kind == AdverbKind::question;
  const bool asks = order == Order::verb_first || asks_by_adverb ||
                    (order == Order::verb_second && c.opener != Opener::none && c.opener != Opener::subject);
  size_t next = 0;
  if (asks) source.push_back(verbs.source[next++]);
  append(source, subject.source);
  if (order == Order::infinitive) {
    append(source, verbs.source);
  } else {
    if (!asks && verbs.auxiliary_first) source.push_back(verbs.source[next++]);
    append(source, no);
    append(source, often);
    source.insert(source.end(), verbs.source.begin() + static_cast<std::ptrdiff_t>(next), verbs.source.end());
  }
  append(source, verbs.particle);
  append(source, indirect.source);
  append(source, adjective);
  append(source, than);
  append(source, object.source);
  append(source, complement.source);
  append(source, manner);
  append(source, adjunct.source);

  // German.
  Middle middle;
  Words after;
  bool subject_in_field = false;
  if (order == Order::verb_last || (order == Order::verb_second && field.empty())) {
    append(field, subject.target);
    append(field, subject.extraposable);
    subject_in_field = true;
  }
  if (!subject_in_field) middle.add(subject);
  if (indirect.pronoun) middle.add(indirect);
  if (object.pronoun && !c.passive) middle.add(object);
  middle.add(oft);
  if (!indirect.pronoun) middle.add(indirect);
  if (!object.pronoun && !c.passive && frame != Frame::copula) middle.add(object);
  middle.add(nicht);
  if (c.passive) middle.add(object);
  middle.add(art);
  if (frame == Frame::copula) {
    middle.add(adjektiv);
    middle.add(als);
    middle.add(object);
  }
  // A phrase of the verb stands next to the verb's place at the end; what merely tells where comes before it.
  middle.add(complement);
  middle.add(adjunct);

  Words target;
  const Words between = middle.finish(after, order != Order::verb_last && !verbs.prefix.empty());
  if (order == Order::verb_last) {
    target = field;
    append(target, between);
    if (!verbs.prefix.empty()) {  // aufmacht: one word
      Word& finite = verbs.finite.front();
      finite.text = verbs.prefix.front().text + finite.text;
      if (verbs.prefix.front().means != finite.means)
        finite.means.push_back(verbs.prefix.front().means.front());
    }
    append(target, verbs.cluster);
    append(target, verbs.finite);
  } else {
    target = field;
    append(target, verbs.finite);
    append(target, between);
    append(target, verbs.prefix);
    append(target, verbs.cluster);
  }
  append(target, after);

  ClauseWords out{std::move(source), std::move(target)};
  nested_clauses(c, out);
  return out;
}

}  // namespace heed::models
