// The synchronous grammar of the demo corpus: it writes one syntax tree in English and in German at once.
//
// Each meaning gets a number when its rule runs, and every word of either language carries the numbers of its
// meanings. Two words that share a number get a sure link. So the gold alignment does not depend on
// positions, and words may be moved freely afterwards, as German word order requires. A word may also list
// meanings that it only serves (such as an article); these give possible links.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "models/corpus/alignment.h"
#include "models/grammar/demo_tree.h"

namespace heed::models {

/// The sentence in both languages, with its alignment and the names of the patterns in it.
AlignedPair spell(const Sentence& sentence);

/// A word of a sentence under construction.
struct Word {
  std::string text;
  std::vector<int> means;  // numbers of its meanings; a number that two words share makes a sure link
  /// Numbers of meanings that it only serves; a number here that another word means makes a possible link.
  std::vector<int> serves;
};
using Words = std::vector<Word>;

/// A noun or prepositional phrase.
struct PhraseWords {
  Words source, target;
  Words extraposable;   // German relative clause of the last noun; the clause decides where it goes
  bool heavy = false;   // the relative clause is long, so it goes behind the verb
  int determiner = -1;  // the meaning of the article
  bool pronoun = false;
  Agreement agreement;
};

struct ClauseWords {
  Words source, target;
};

enum class Order {
  verb_second,  // main clauses, and questions with a question word
  verb_first,   // yes-no questions
  verb_last,    // subordinate clauses
  infinitive,   // with "to" and "zu"
};

/// The noun that a relative clause describes, and the meaning of the relative pronoun.
struct Antecedent {
  const NounPhrase* noun = nullptr;
  int pronoun = -1;
};

/// Writes one sentence; holds the counter of meanings and the patterns used so far. Rules for phrases are in
/// demo_phrases.cpp, those for clauses in demo_clauses.cpp, those for verbs in demo_verb_phrases.cpp.
class Speller {
 public:
  PhraseWords noun_phrase(const NounPhrase& phrase, Case grammatical_case, const Antecedent& antecedent = {});
  PhraseWords prepositional_phrase(const PrepositionalPhrase& phrase, const Antecedent& antecedent = {});
  ClauseWords clause(const Clause& clause, Order order, const Antecedent& antecedent = {});

  void use(std::string_view pattern) { patterns_.emplace_back(pattern); }
  const std::vector<std::string>& patterns() const { return patterns_; }

 private:
  /// The verbs of a clause: the English verbs in order, the German finite verb, and the German verb forms at
  /// the end of the clause.
  struct VerbWords {
    Words source;                  // finite first, without the particle
    bool auxiliary_first = false;  // "not" and "often" follow the first word, and a question moves it
    Words particle;
    Words finite, cluster;  // finite has no word in an infinitive
    Words prefix;           // of a separable verb whose finite form stands alone
  };
  struct ClauseParts;

  int meaning() { return next_meaning_++; }
  PhraseWords common_noun(const NounPhrase& phrase, Case grammatical_case, const Antecedent& antecedent);
  PhraseWords relative_or_question(const NounPhrase& phrase, Case grammatical_case,
                                   const Antecedent& antecedent);
  void determiner(PhraseWords& out, const NounPhrase& phrase, Case grammatical_case,
                  const Antecedent& antecedent);
  void relative_clause(PhraseWords& out, const NounPhrase& phrase);
  VerbWords verb_words(const Clause& clause, Agreement agreement, Order order, int to);
  ClauseWords subordinate(const Subordinator& subordinator, const Clause& clause, bool past);
  void nested_clauses(const Clause& clause, ClauseWords& out);
  void note_patterns(const Clause& clause, Order order);

  int next_meaning_ = 0;
  std::vector<std::string> patterns_;
};

/// Appends `more` to `words`.
void append(Words& words, const Words& more);
/// A comma that German requires and English does not; it gets the meaning `cause` of the word that requires
/// it.
Word german_comma(int cause);

}  // namespace heed::models
