// Verbs of the demo grammar: tense, passive, modal and do-support in English; the verb bracket in German.
#include "models/grammar/demo_grammar.h"

namespace heed::models {
namespace {

std::string text(std::string_view view) { return std::string(view); }

std::string english_have(bool past, Agreement agreement) {
  if (past) return "had";
  return agreement.first || agreement.plural ? "have" : "has";
}
std::string english_do(bool past, Agreement agreement) {
  if (past) return "did";
  return agreement.first || agreement.plural ? "do" : "does";
}

}  // namespace

Speller::VerbWords Speller::verb_words(const Clause& clause, Agreement agreement, Order order, int to) {
  const Verb& verb = *clause.verb;
  const bool past = clause.tense == Tense::past || clause.tense == Tense::past_perfect;
  const bool perfect = clause.tense == Tense::perfect || clause.tense == Tense::past_perfect;
  const std::string prefix = text(verb.prefix);
  const int act = meaning();
  // "throws away" means with two words what German does
  const int particle = verb.particle.empty() ? act : meaning();
  const std::vector<int> whole = particle == act ? std::vector<int>{act} : std::vector<int>{act, particle};

  VerbWords out;
  if (!verb.particle.empty()) out.particle = {{text(verb.particle), {particle}, {}}};
  const Word participle{
      prefix + text(verb.german_participle), prefix.empty() ? std::vector<int>{act} : whole, {}};
  const Word infinitive{prefix + text(verb.infinitive), participle.means, {}};

  if (order == Order::infinitive) {
    out.source = {{"to", {to}, {}}, {text(verb.base), {act}, {}}};
    if (prefix.empty()) {
      out.cluster = {{"zu", {to}, {}}, infinitive};
    } else {
      out.source[0].serves = {act};
      out.cluster = {{prefix + "zu" + text(verb.infinitive), whole, {}}};
    }
    return out;
  }

  // The words after the first auxiliary, if there is one. English: be sold, been sold, sell, sold.
  const int helper = meaning();   // has, will, can
  const int passive = meaning();  // be, werden
  Words english_rest, german_rest;
  if (clause.passive) {
    english_rest = {{perfect ? "been" : "be", {passive}, {}}, {text(verb.participle), {act}, {}}};
    german_rest = {participle, {perfect ? "worden" : "werden", {passive}, {}}};
  } else {
    english_rest = {{text(perfect ? verb.participle : verb.base), {act}, {}}};
    german_rest = {perfect ? participle : infinitive};
  }

  out.auxiliary_first = true;
  const bool want = clause.modal && clause.modal->with_to;
  const bool do_support =
      (clause.negated || order == Order::verb_first ||
       (order == Order::verb_second && clause.opener != Opener::none && clause.opener != Opener::subject) ||
       (clause.first_adverb && clause.first_adverb->kind == AdverbKind::question)) &&
      verb.base != "be" && !clause.passive;
  if (clause.modal) {
    const Modal& modal = *clause.modal;
    const bool plain = agreement.first || agreement.plural;
    if (want) english_rest.insert(english_rest.begin(), Word{"to", {}, {act}});
    if (want && do_support) {
      out.source = {{english_do(false, agreement), {}, {helper}}, {text(modal.english), {helper}, {}}};
    } else {
      out.source = {{text(plain ? modal.english : modal.english_third), {helper}, {}}};
      out.auxiliary_first = !want;
    }
    out.finite = {{text(agreement.plural ? modal.german_plural : modal.german_singular), {helper}, {}}};
  } else if (perfect) {
    const Auxiliary auxiliary = clause.passive || verb.with_sein ? Auxiliary::sein : Auxiliary::haben;
    out.source = {{english_have(past, agreement), {helper}, {}}};
    out.finite = {{german_auxiliary(auxiliary, past, agreement), {helper}, {}}};
  } else if (clause.tense == Tense::future) {
    out.source = {{"will", {helper}, {}}};
    out.finite = {{german_auxiliary(Auxiliary::werden, false, agreement), {helper}, {}}};
  } else if (clause.passive) {
    out.source = {{english_finite(heed::models::verb("be", Frame::copula), past, agreement), {passive}, {}}};
    out.finite = {{german_auxiliary(Auxiliary::werden, past, agreement), {passive}, {}}};
    english_rest.erase(english_rest.begin());
    german_rest.pop_back();
  } else {
    // "There are two dogs" agrees with what is there, "es gibt" does not.
    const Agreement german_agreement = verb.frame == Frame::existential ? Agreement{} : agreement;
    if (do_support) {
      out.source = {{english_do(past, agreement), {}, {act}}};
    } else {
      out.source = {{english_finite(verb, past, agreement), {act}, {}}};
      out.auxiliary_first = verb.base == "be";
      english_rest.clear();
    }
    out.finite = {{german_finite(verb, past, german_agreement), {act}, {}}};
    german_rest.clear();
    if (!prefix.empty()) out.prefix = {{prefix, {particle}, {}}};
  }
  append(out.source, english_rest);
  out.cluster = std::move(german_rest);
  if (verb.frame == Frame::existential && !out.cluster.empty()) {  // "es" is singular: es wird geben
    const std::string_view singular = clause.modal      ? clause.modal->german_singular
                                      : perfect && past ? "hatte"
                                      : perfect         ? "hat"
                                                        : "wird";
    out.finite.front().text = text(singular);
  }
  return out;
}

}  // namespace heed::models
