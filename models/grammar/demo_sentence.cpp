// From the words of a tree to a sentence pair: commas, capitals, "an", the end mark, and the links.
#include <algorithm>

#include "models/grammar/demo_corpus.h"
#include "models/grammar/demo_grammar.h"

namespace heed::models {
namespace {

bool meet(const std::vector<int>& a, const std::vector<int>& b) {
  return std::any_of(a.begin(), a.end(), [&](int x) { return std::find(b.begin(), b.end(), x) != b.end(); });
}

// Clauses open and close with a comma each; neighbours become one, and none stands first or before the end
// mark.
void settle_commas(Words& words) {
  Words settled;
  for (Word& word : words) {
    const bool comma = word.text == ",";
    if (comma && settled.empty()) continue;
    if (comma && settled.back().text == ",") {
      Word& kept = settled.back();
      kept.means.insert(kept.means.end(), word.means.begin(), word.means.end());
      kept.serves.insert(kept.serves.end(), word.serves.begin(), word.serves.end());
      continue;
    }
    settled.push_back(std::move(word));
  }
  if (!settled.empty() && settled.back().text == ",") settled.pop_back();
  words = std::move(settled);
}

void choose_a_or_an(Words& words) {
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    const std::string& next = words[i + 1].text;
    const bool vowel = std::string_view("aeiou").find(next.front()) != std::string_view::npos;
    if (words[i].text == "a" && (vowel || next == "honest")) words[i].text = "an";
  }
}

// "can" and "not" are written as one word, which then means both.
void join_cannot(Words& words) {
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i].text != "can" || words[i + 1].text != "not") continue;
    words[i].text = "cannot";
    words[i].means.insert(words[i].means.end(), words[i + 1].means.begin(), words[i + 1].means.end());
    words.erase(words.begin() + static_cast<std::ptrdiff_t>(i) + 1);
  }
}

std::vector<std::string> texts(Words& words) {
  std::vector<std::string> out;
  out.reserve(words.size());
  for (Word& word : words) out.push_back(std::move(word.text));
  return out;
}

}  // namespace

void Speller::note_patterns(const Clause& c, Order order) {
  switch (c.verb->frame) {
    case Frame::intransitive:
      use("intransitive");
      break;
    case Frame::transitive:
      use(c.passive ? "passive" : "transitive");
      break;
    case Frame::dative:
      use("dative_object");
      break;
    case Frame::ditransitive:
      use("ditransitive");
      break;
    case Frame::prepositional:
      use("prepositional_object");
      break;
    case Frame::motion:
      use("motion");
      break;
    case Frame::place:
      use("place");
      break;
    case Frame::existential:
      use("existential");
      break;
    case Frame::that_clause:
      use("that_clause");
      break;
    case Frame::whether_clause:
      use("whether_clause");
      break;
    case Frame::to_clause:
      use("to_infinitive");
      break;
    case Frame::copula:
      use(c.predicate    ? (c.object ? "comparative" : "copula_adjective")
          : c.complement ? "copula_place"
                         : "copula_noun");
      break;
  }
  if (!c.verb->prefix.empty()) use("separable_verb");
  if (c.negated) use("negation");
  if (c.modal) use("modal");
  if (c.tense == Tense::perfect) use("perfect");
  if (c.tense == Tense::past_perfect) use("past_perfect");
  if (c.tense == Tense::future) use("future");
  if (c.purpose) use("purpose_infinitive");
  if (c.last_clause) use("adverbial_clause");
  if (c.first_clause) use("fronted_clause");
  if (c.first_phrase) use("fronted_phrase");
  if (c.first_adverb)
    use(c.first_adverb->kind == AdverbKind::question ? "question_adverb" : "fronted_adverb");
  if (order == Order::verb_last) {
    const bool whose = c.subject && c.subject->determiner == Determiner::whose;
    if (whose) use("relative_genitive");
    if (c.opener == Opener::subject && !whose) use("relative_subject");
    if (c.opener == Opener::object || c.opener == Opener::indirect) use("relative_object");
    if (c.opener == Opener::complement) use("relative_prepositional");
  }
}

std::vector<std::string> demo_pattern_names() {
  return {"adverbial_clause",
          "comparative",
          "compound",
          "copula_adjective",
          "copula_noun",
          "copula_place",
          "dative_object",
          "ditransitive",
          "existential",
          "fronted_adverb",
          "fronted_clause",
          "fronted_phrase",
          "future",
          "genitive_attribute",
          "intransitive",
          "modal",
          "motion",
          "negation",
          "noun_coordination",
          "passive",
          "past_perfect",
          "perfect",
          "place",
          "possessive_name",
          "prepositional_object",
          "purpose_infinitive",
          "question_adverb",
          "relative_genitive",
          "relative_object",
          "relative_prepositional",
          "relative_subject",
          "separable_verb",
          "that_clause",
          "to_infinitive",
          "transitive",
          "wh_question",
          "whether_clause",
          "yes_no_question"};
}

AlignedPair spell(const Sentence& sentence) {
  Speller speller;
  const bool verb_first = sentence.mood == Mood::yes_no_question;
  ClauseWords words = speller.clause(sentence.clause, verb_first ? Order::verb_first : Order::verb_second);
  if (verb_first) speller.use("yes_no_question");
  if (sentence.mood == Mood::wh_question) speller.use("wh_question");

  settle_commas(words.target);
  const Word end{sentence.mood == Mood::statement ? "." : "?", {-2}, {}};
  words.source.push_back(end);
  words.target.push_back(end);
  choose_a_or_an(words.source);
  join_cannot(words.source);
  words.source.front().text = capitalised(words.source.front().text);
  words.target.front().text = capitalised(words.target.front().text);

  AlignedPair pair;
  for (size_t i = 0; i < words.source.size(); ++i) {
    for (size_t j = 0; j < words.target.size(); ++j) {
      const Word& s = words.source[i];
      const Word& t = words.target[j];
      const AlignmentLink link{static_cast<int>(i), static_cast<int>(j)};
      if (meet(s.means, t.means)) {
        pair.sure.push_back(link);
      } else if (meet(s.means, t.serves) || meet(s.serves, t.means)) {
        pair.possible.push_back(link);
      }
    }
  }
  pair.source = texts(words.source);
  pair.target = texts(words.target);
  pair.patterns = speller.patterns();
  std::sort(pair.patterns.begin(), pair.patterns.end());
  pair.patterns.erase(std::unique(pair.patterns.begin(), pair.patterns.end()), pair.patterns.end());
  return pair;
}

}  // namespace heed::models
