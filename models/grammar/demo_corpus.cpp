#include "models/grammar/demo_corpus.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <unordered_map>
#include <unordered_set>

#include "framework/core/error.h"
#include "models/grammar/demo_grammar.h"
#include "models/grammar/demo_sampler.h"

namespace heed::models {
namespace {

constexpr int kBuckets = 6;
constexpr std::array<std::array<int, 2>, kBuckets> kLengths = {
    {{3, 9}, {10, 19}, {20, 29}, {30, 39}, {40, 49}, {50, 60}}};  // source tokens
using Weights = std::array<int, kBuckets>;                        // per cent
constexpr Weights kLeaningToShort = {30, 25, 18, 12, 9, 6};
constexpr Weights kEven = {18, 18, 17, 16, 16, 15};
constexpr int kLongestTarget = 70;
constexpr int kPairsToKnowWords = 4000, kOccurrencesToKnow = 3;

AlignedPair i_am_a_student() {
  NounPhrase i, student;
  i.kind = NounPhrase::Kind::pronoun;
  i.person = Person::i;
  student.head = &noun("student");
  student.determiner = Determiner::a;
  Sentence sentence;
  sentence.clause.verb = &verb("be", Frame::copula);
  sentence.clause.subject = std::make_shared<NounPhrase>(i);
  sentence.clause.object = std::make_shared<NounPhrase>(student);
  return spell(sentence);
}

std::string text(const std::vector<std::string>& tokens) { return fmt::format("{}", fmt::join(tokens, " ")); }

class Writer {
 public:
  explicit Writer(uint64_t seed) : random_(seed), sampler_(random_) {}

  /// Adds pairs until there are `count`, with source sentences that no part has, of words that `known` knows.
  template <class Known>
  void fill(std::vector<AlignedPair>& part, int count, const Weights& weights, Known known) {
    part.reserve(static_cast<size_t>(count));
    while (static_cast<int>(part.size()) < count) {
      AlignedPair pair = draw(pick_bucket(weights));
      if (known(pair)) add(part, std::move(pair));
    }
  }
  void add(std::vector<AlignedPair>& part, AlignedPair pair) {
    if (seen_.insert(text(pair.source)).second) part.push_back(std::move(pair));
  }

 private:
  int pick_bucket(const Weights& weights) {
    int left = random_.below(100), bucket = 0;
    while (left >= weights[static_cast<size_t>(bucket)]) left -= weights[static_cast<size_t>(bucket++)];
    return bucket;
  }
  // A tree only comes near its budget: draw until the length falls into the bucket.
  AlignedPair draw(int bucket) {
    const auto [low, high] = kLengths[static_cast<size_t>(bucket)];
    while (true) {
      AlignedPair pair = spell(sampler_.sentence(random_.between(low, high)));
      const int length = static_cast<int>(pair.source.size());
      if (length >= low && length <= high && static_cast<int>(pair.target.size()) <= kLongestTarget)
        return pair;
    }
  }

  DemoRandom random_;
  DemoSampler sampler_;
  std::unordered_set<std::string> seen_;
};

/// In how many pairs each word occurs, by language.
class WordCounts {
 public:
  explicit WordCounts(const std::vector<AlignedPair>& pairs) {
    for (const AlignedPair& pair : pairs) {
      count(pair.source, source_);
      count(pair.target, target_);
    }
  }
  bool know(const AlignedPair& pair) const { return all(pair.source, source_) && all(pair.target, target_); }

 private:
  using Counts = std::unordered_map<std::string, int>;
  static void count(const std::vector<std::string>& tokens, Counts& counts) {
    for (const std::string& word : std::unordered_set<std::string>(tokens.begin(), tokens.end()))
      ++counts[word];
  }
  static bool all(const std::vector<std::string>& tokens, const Counts& counts) {
    return std::all_of(tokens.begin(), tokens.end(), [&](const std::string& word) {
      const auto found = counts.find(word);
      return found != counts.end() && found->second >= kOccurrencesToKnow;
    });
  }
  Counts source_, target_;
};

}  // namespace

DemoCorpus make_demo_corpus(const DemoCorpusOptions& options) {
  if (options.train < 0 || options.validation < 0 || options.test < 0) {
    throw ValueError(fmt::format("demo corpus: a size is negative: train {}, validation {}, test {}",
                                 options.train, options.validation, options.test));
  }
  DemoCorpus corpus;
  Writer writer(options.seed);
  std::vector<AlignedPair> first;
  writer.add(options.train > 0 ? corpus.train : first, i_am_a_student());  // never in another part
  writer.fill(corpus.train, options.train, kLeaningToShort, [](const AlignedPair&) { return true; });

  const WordCounts words(corpus.train);
  const auto known = [&](const AlignedPair& pair) {
    return options.train < kPairsToKnowWords || words.know(pair);
  };
  writer.fill(corpus.validation, options.validation, kLeaningToShort, known);
  writer.fill(corpus.test, options.test, kEven, known);
  return corpus;
}

}  // namespace heed::models
