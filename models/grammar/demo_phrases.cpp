// Noun phrases and prepositional phrases of the demo grammar: articles, adjectives, compounds, genitives,
// relative clauses.
#include <algorithm>

#include "models/grammar/demo_grammar.h"

namespace heed::models {
namespace {

Agreement agreement_with(const NounPhrase& phrase) {
  return {false, phrase.number == Number::plural || phrase.partner != nullptr};
}

// A longer relative clause, or one with a clause inside, goes behind the verb that would else come late.
constexpr size_t kLightWords = 5;

Declension declension_after(Determiner determiner) {
  switch (determiner) {
    case Determiner::the:
    case Determiner::dies:
    case Determiner::every:
      return Declension::weak;
    case Determiner::a:
    case Determiner::no:
    case Determiner::possessive:
      return Declension::mixed;
    default:
      return Declension::strong;
  }
}

std::string english_relative(const NounPhrase& antecedent, Case grammatical_case, bool after_preposition) {
  if (!(antecedent.head->classes & kPerson)) return after_preposition ? "which" : "that";
  return grammatical_case == Case::nominative ? "who" : "whom";
}

std::string stem(const Adjective& adjective) {
  std::string_view word = adjective.german;
  if (word.back() == 'e') word.remove_suffix(1);  // müde, ein müder Mann
  return std::string(word);
}

}  // namespace

void append(Words& words, const Words& more) { words.insert(words.end(), more.begin(), more.end()); }

Word german_comma(int cause) { return {",", {}, {cause}}; }

PhraseWords Speller::relative_or_question(const NounPhrase& phrase, Case grammatical_case,
                                          const Antecedent& antecedent) {
  PhraseWords out;
  if (phrase.kind == NounPhrase::Kind::relative) {
    const NounPhrase& noun = *antecedent.noun;
    out.agreement = agreement_with(noun);
    out.source = {{english_relative(noun, grammatical_case, false), {antecedent.pronoun}, {}}};
    out.target = {
        {relative_pronoun(noun.head->gender, noun.number, grammatical_case), {antecedent.pronoun}, {}}};
    return out;
  }
  const int asked = meaning();
  const bool subject = grammatical_case == Case::nominative;
  const char* who = subject ? "wer" : grammatical_case == Case::dative ? "wem" : "wen";
  out.source = {{phrase.asks_for_person ? (subject ? "who" : "whom") : "what", {asked}, {}}};
  out.target = {{phrase.asks_for_person ? who : "was", {asked}, {}}};
  return out;
}

void Speller::determiner(PhraseWords& out, const NounPhrase& phrase, Case grammatical_case,
                         const Antecedent& antecedent) {
  const Gender gender = phrase.head->gender;
  const Number number = phrase.number;
  const bool plural = number == Number::plural;
  const auto both = [&](std::string_view english, std::string german) {
    out.determiner = meaning();
    out.source.push_back({std::string(english), {out.determiner}, {}});
    out.target.push_back({std::move(german), {out.determiner}, {}});
  };
  switch (phrase.determiner) {
    case Determiner::none:
      break;
    case Determiner::the:
      both("the", definite_article(gender, number, grammatical_case));
      break;
    case Determiner::a:
      both("a", ein_word("ein", gender, number, grammatical_case));
      break;
    case Determiner::no:
      use("negation");
      both("no", ein_word("kein", gender, number, grammatical_case));
      break;
    case Determiner::dies:
      both(plural ? "these" : "this", der_word("dies", gender, number, grammatical_case));
      break;
    case Determiner::every:
      both("every", der_word("jed", gender, number, grammatical_case));
      break;
    case Determiner::possessive:
      both(english_possessive(phrase.person),
           ein_word(german_possessive(phrase.person), gender, number, grammatical_case));
      break;
    case Determiner::owner:
      use("possessive_name");
      both(phrase.name, std::string(phrase.name) + "s");
      out.source.push_back({"'s", {}, {out.determiner}});
      break;
    case Determiner::whose:
      out.determiner = antecedent.pronoun;
      out.source.push_back({"whose", {out.determiner}, {}});
      out.target.push_back(
          {relative_pronoun(antecedent.noun->head->gender, antecedent.noun->number, Case::genitive),
           {out.determiner},
           {}});
      break;
    case Determiner::two:
      both("two", "zwei");
      break;
    case Determiner::three:
      both("three", "drei");
      break;
    case Determiner::many:
      both("many", der_word("viel", gender, number, grammatical_case));
      break;
    case Determiner::some:
      both("some", der_word("einig", gender, number, grammatical_case));
      break;
  }
}

void Speller::relative_clause(PhraseWords& out, const NounPhrase& phrase) {
  const Antecedent antecedent{&phrase, meaning()};
  ClauseWords relative = clause(*phrase.relative, Order::verb_last, antecedent);
  append(out.source, relative.source);
  out.heavy =
      relative.target.size() > kLightWords || std::any_of(relative.target.begin(), relative.target.end(),
                                                          [](const Word& w) { return w.text == ","; });
  out.extraposable = {german_comma(antecedent.pronoun)};
  append(out.extraposable, relative.target);
  out.extraposable.push_back(german_comma(antecedent.pronoun));
}

PhraseWords Speller::common_noun(const NounPhrase& phrase, Case grammatical_case,
                                 const Antecedent& antecedent) {
  PhraseWords out;
  out.agreement = agreement_with(phrase);
  determiner(out, phrase, grammatical_case, antecedent);
  for (const Adjective* adjective : phrase.adjectives) {
    const int quality = meaning();
    out.source.push_back({std::string(adjective->english), {quality}, {}});
    out.target.push_back(
        {stem(*adjective) + adjective_ending(declension_after(phrase.determiner), phrase.head->gender,
                                             phrase.number, grammatical_case),
         {quality},
         {}});
  }
  const int head = meaning();
  const std::string_view english =
      phrase.number == Number::plural ? phrase.head->english_plural : phrase.head->english;
  if (phrase.modifier) {
    use("compound");
    const int modifier = meaning();
    out.source.push_back({std::string(phrase.modifier->english), {modifier}, {}});
    out.target.push_back({german_compound(*phrase.modifier, *phrase.head, phrase.number, grammatical_case),
                          {modifier, head},
                          {}});
  } else {
    out.target.push_back({german_noun(*phrase.head, phrase.number, grammatical_case), {head}, {}});
  }
  out.source.push_back({std::string(english), {head}, {}});

  if (phrase.genitive) {
    use("genitive_attribute");
    PhraseWords of = noun_phrase(*phrase.genitive, Case::genitive);
    out.source.push_back({"of", {}, {of.determiner}});
    append(out.source, of.source);
    append(out.target, of.target);
    out.extraposable = std::move(of.extraposable);
    out.heavy = of.heavy;
  } else if (phrase.attribute) {
    PhraseWords attribute = prepositional_phrase(*phrase.attribute);
    append(out.source, attribute.source);
    append(out.target, attribute.target);
    out.extraposable = std::move(attribute.extraposable);
    out.heavy = attribute.heavy;
  } else if (phrase.relative) {
    relative_clause(out, phrase);
  } else if (phrase.partner) {
    use("noun_coordination");
    const int conjunction = meaning();
    out.source.push_back({"and", {conjunction}, {}});
    out.target.push_back({"und", {conjunction}, {}});
    const PhraseWords partner = noun_phrase(*phrase.partner, grammatical_case);
    append(out.source, partner.source);
    append(out.target, partner.target);
  }
  return out;
}

PhraseWords Speller::noun_phrase(const NounPhrase& phrase, Case grammatical_case,
                                 const Antecedent& antecedent) {
  PhraseWords out;
  switch (phrase.kind) {
    case NounPhrase::Kind::noun:
      return common_noun(phrase, grammatical_case, antecedent);
    case NounPhrase::Kind::relative:
    case NounPhrase::Kind::question:
      return relative_or_question(phrase, grammatical_case, antecedent);
    case NounPhrase::Kind::name: {
      const int named = meaning();
      out.source = out.target = {{std::string(phrase.name), {named}, {}}};
      return out;
    }
    case NounPhrase::Kind::pronoun: {
      const int person = meaning();
      const bool subject = grammatical_case == Case::nominative;
      if (phrase.head) {
        out.source = {{"it", {person}, {}}};
        out.target = {{std::string(german_it(phrase.head->gender, grammatical_case)), {person}, {}}};
        out.pronoun = true;
        return out;
      }
      out.source = {{std::string(english_pronoun(phrase.person, subject)), {person}, {}}};
      out.target = {{std::string(german_pronoun(phrase.person, grammatical_case)), {person}, {}}};
      out.pronoun = true;
      out.agreement = agreement_of(phrase.person);
      return out;
    }
  }
  return out;
}

PhraseWords Speller::prepositional_phrase(const PrepositionalPhrase& phrase, const Antecedent& antecedent) {
  const int preposition = meaning();
  PhraseWords out = noun_phrase(phrase.object, phrase.preposition.governs, antecedent);
  if (phrase.object.kind == NounPhrase::Kind::relative) {
    out.source.front().text = english_relative(*antecedent.noun, phrase.preposition.governs, true);
  }
  out.source.insert(out.source.begin(), Word{std::string(phrase.preposition.english), {preposition}, {}});

  // "im" means "in" and stands where the article would; "in dem Haus, das ..." keeps the article that a
  // clause refers to.
  const bool plain_article = phrase.object.kind == NounPhrase::Kind::noun &&
                             phrase.object.determiner == Determiner::the && !phrase.object.relative;
  const std::string contracted =
      plain_article ? contraction(phrase.preposition.german, out.target.front().text) : std::string();
  if (contracted.empty()) {
    out.target.insert(out.target.begin(), Word{std::string(phrase.preposition.german), {preposition}, {}});
  } else {
    out.target.front() = Word{contracted, {preposition}, {out.determiner}};
  }
  return out;
}

}  // namespace heed::models
