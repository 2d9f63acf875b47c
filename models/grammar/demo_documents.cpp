// Documents of the demo grammar: a line that introduces a thing, and one that says "it", for which German has
// er, sie and es by the gender of the noun in the line before.
#include <algorithm>
#include <string>
#include <unordered_set>

#include "framework/core/error.h"
#include "models/grammar/demo_corpus.h"
#include "models/grammar/demo_grammar.h"
#include "models/grammar/demo_sampler.h"
#include "models/text/tokenizer.h"

namespace heed::models {
namespace {

constexpr Classes kThings = kThing | kText | kVehicle | kClothes;

bool takes(const Verb& verb, const Noun& noun) {
  return verb.frame == Frame::transitive && (verb.objects & noun.classes) != 0 &&
         (verb.subjects & kPerson) != 0;
}

NounPhrase it(const Noun& noun) {
  NounPhrase phrase;
  phrase.kind = NounPhrase::Kind::pronoun;
  phrase.head = &noun;
  return phrase;
}

// Lines of one document, and what tells it from others.
struct Document {
  std::vector<AlignedPair> lines;
  std::string text;
};

class DocumentWriter {
 public:
  explicit DocumentWriter(uint64_t seed) : random_(seed), sampler_(random_) {}

  void fill(std::vector<AlignedPair>& part, std::vector<uint64_t>& documents, int count) {
    while (static_cast<int>(part.size()) < count) {
      Document document = draw();
      if (!seen_.insert(document.text).second) continue;
      const size_t left = static_cast<size_t>(count) - part.size(),
                   lines = std::min(left, document.lines.size());
      documents.push_back(lines);
      for (size_t i = 0; i < lines; ++i) part.push_back(std::move(document.lines[i]));
    }
  }

 private:
  Document draw() {
    Document document;
    for (int pairs = random_.between(1, 3); pairs > 0; --pairs) {
      const Noun& noun = sampler_.thing();
      for (const Sentence& sentence : {sampler_.introducing(noun), sampler_.about(noun)}) {
        document.lines.push_back(spell(sentence));
        document.text += join(document.lines.back().source) + "\n";
      }
    }
    return document;
  }

  DemoRandom random_;
  DemoSampler sampler_;
  std::unordered_set<std::string> seen_;
};

}  // namespace

const Noun& DemoSampler::thing() {
  return pick(nouns(), [](const Noun& noun) {
    return (noun.classes & kThings) != 0 &&
           std::ranges::any_of(verbs(), [&](const Verb& verb) { return takes(verb, noun); });
  });
}

// Somebody does something with it.
Clause DemoSampler::somebody_with(const Noun& noun, NounPhrase object) {
  Clause clause;
  Context context;
  context.past = random_.chance(40);
  tense(clause, context, /*modals=*/true);
  clause.verb = &pick(verbs(), [&](const Verb& verb) { return takes(verb, noun); });
  clause.subject =
      part(noun_phrase({.classes = kPerson, .budget = 2, .relatives = false, .attributes = false}));
  clause.object = part(std::move(object));
  return clause;
}

Sentence DemoSampler::introducing(const Noun& noun) {
  NounPhrase object;
  object.head = &noun;
  const int roll = random_.below(100);
  object.determiner = roll < 40 ? Determiner::the : roll < 80 ? Determiner::a : Determiner::dies;
  return {.clause = somebody_with(noun, std::move(object))};
}

Sentence DemoSampler::about(const Noun& noun) {
  Sentence sentence;
  if (random_.chance(40)) {
    sentence.clause = somebody_with(noun, it(noun));
    return sentence;
  }
  Clause& clause = sentence.clause;
  Context context;
  context.past = random_.chance(40);
  tense(clause, context, /*modals=*/false);
  clause.verb = &verb("be", Frame::copula);
  clause.subject = part(it(noun));
  clause.predicate = &pick(adjectives(), [&](const Adjective& a) { return (a.classes & noun.classes) != 0; });
  clause.negated = random_.chance(20);
  return sentence;
}

DemoDocuments make_demo_documents(const DemoCorpusOptions& options) {
  if (options.train < 0 || options.validation < 0 || options.test < 0)
    throw ValueError("demo documents: a size is negative");
  DemoDocuments made;
  DocumentWriter writer(options.seed);
  writer.fill(made.pairs.train, made.train, options.train);
  writer.fill(made.pairs.validation, made.validation, options.validation);
  writer.fill(made.pairs.test, made.test, options.test);
  return made;
}

}  // namespace heed::models
