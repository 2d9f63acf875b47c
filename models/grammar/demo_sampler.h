// Draws trees for the demo grammar. A budget of English words steers how deep a tree nests: long sentences
// grow by clauses inside clauses, not by joining short ones. Choices that would make one English sentence
// stand for two German ones are left out, so that the translation follows from the source.
#pragma once

#include "models/grammar/demo_random.h"
#include "models/grammar/demo_tree.h"

namespace heed::models {

class DemoSampler {
 public:
  explicit DemoSampler(DemoRandom& random) : random_(random) {}

  /// A sentence of about `budget` English tokens; how close it comes is for the caller to check.
  Sentence sentence(int budget);
  /// A short sentence that speaks of one thing, `noun`, and else of people.
  Sentence introducing(const Noun& noun);
  /// A short sentence that calls this thing "it".
  Sentence about(const Noun& noun);
  /// A thing that both can speak of.
  const Noun& thing();

 private:
  enum class Place { main, question, subordinate, relative, infinitive };
  struct Context {
    Place place = Place::main;
    bool past = false;
    Subordinator::Time time = Subordinator::Time::any;  // what the subordinator asks of the tense
    bool simple = false;       // a subordinator of this clause asks for a simple tense
    Part<NounPhrase> subject;  // given: a relative pronoun, a question word
    Classes subject_classes = 0;
    bool located = false;  // where it happens is said or asked already
  };
  struct NounChoice {
    Classes classes = kPerson;
    int budget = 2;
    bool pronouns = true, relatives = true;
    enum class Determiners { any, definite, indefinite, one } determiners = Determiners::any;
    bool attributes = true;  // a genitive or prepositional phrase of its own
  };

  // demo_sampler.cpp: sentences, tenses, clauses within clauses
  Clause clause(int budget, const Context& context);
  void surround(Clause& c, int& budget, Context& context);
  void tense(Clause& c, const Context& context, bool modals);
  void content(Clause& c, int budget, const Context& context);
  // demo_sampler_clauses.cpp: one clause
  void plain(Clause& c, int budget, const Context& context);
  void copula(Clause& c, int budget, const Context& context);
  void existential(Clause& c, int budget, const Context& context);
  void passive(Clause& c, int budget, const Context& context);
  void active(Clause& c, Frame frame, int budget, const Context& context);
  void adverbs(Clause& c, int budget, const Context& context);
  void open(Clause& c, int& budget, const Context& context);
  void give_subject(Clause& c, Classes classes, int budget, const Context& context);
  Sentence wh_question(int budget);

  // demo_documents.cpp: sentences that belong together
  Clause somebody_with(const Noun& noun, NounPhrase object);

  // demo_sampler_phrases.cpp: noun phrases
  NounPhrase noun_phrase(const NounChoice& choice);
  void choose_determiner(NounPhrase& phrase, NounChoice::Determiners determiners);
  void modify(NounPhrase& phrase, int budget, bool relatives, bool attributes);
  PrepositionalPhrase attribute(const NounPhrase& phrase, int budget, bool relatives);
  PrepositionalPhrase with_noun(std::string_view preposition, Classes classes, int budget, bool relatives,
                                bool attributes = true);
  Clause relative_clause(const NounPhrase& noun, int budget);

  template <class Row, class Keep>
  const Row& pick(const std::vector<Row>& rows, Keep keep) {
    int count = 0;
    for (const Row& row : rows) count += keep(row) ? 1 : 0;
    if (count == 0) return rows.front();
    int left = random_.below(count);
    for (const Row& row : rows) {
      if (keep(row) && left-- == 0) return row;
    }
    return rows.front();
  }
  std::string_view any_name();

  DemoRandom& random_;
};

/// English words of a noun phrase, not counting a relative clause.
int word_count(const NounPhrase& phrase);
/// Whether the phrase ends in a relative clause, after which nothing else should be said about the noun.
bool ends_in_clause(const NounPhrase& phrase);
/// "no" and "every": a "not" beside them would be double, or unclear.
bool says_no(const Part<NounPhrase>& phrase);

}  // namespace heed::models
