#include "models/grammar/demo_corpus.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>

#include "framework/core/error.h"

namespace heed::models {
namespace {

const DemoCorpus& corpus() {
  static const DemoCorpus built = make_demo_corpus({});
  return built;
}
std::string text(const std::vector<std::string>& tokens) { return fmt::format("{}", fmt::join(tokens, " ")); }

template <class Visit>
void for_each_pair(Visit visit) {
  for (const auto* part : {&corpus().train, &corpus().validation, &corpus().test}) {
    for (const AlignedPair& pair : *part) visit(pair);
  }
}

TEST(DemoCorpus, HasTheSizesAskedFor) {
  EXPECT_EQ(corpus().train.size(), 16000u);
  EXPECT_EQ(corpus().validation.size(), 300u);
  EXPECT_EQ(corpus().test.size(), 1000u);
  const DemoCorpus none = make_demo_corpus({1, 0, 0, 2});
  EXPECT_TRUE(none.train.empty());
  EXPECT_EQ(none.test.size(), 2u);
  EXPECT_THROW(make_demo_corpus({1, -1, 0, 0}), ValueError);
}

TEST(DemoCorpus, OpensWithIAmAStudent) {
  EXPECT_EQ(text(corpus().train[0].source), "I am a student .");
  EXPECT_EQ(text(corpus().train[0].target), "Ich bin ein Student .");
}

// FNV-1a over all tokens and links; a change of the grammar changes it, a change of machine must not.
uint64_t fingerprint(const DemoCorpus& c) {
  uint64_t hash = 0xCBF29CE484222325ULL;
  const auto add = [&](std::string_view bytes) {
    for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001B3ULL;
  };
  for (const auto* part : {&c.train, &c.validation, &c.test}) {
    for (const AlignedPair& pair : *part) {
      add(text(pair.source) + "\n" + text(pair.target) + "\n" + text(pair.patterns));
      for (const auto* links : {&pair.sure, &pair.possible}) {
        for (const auto& [source, target] : *links) add(fmt::format(" {}-{}", source, target));
      }
    }
  }
  return hash;
}

TEST(DemoCorpus, IsAFunctionOfItsSeed) {
  const uint64_t one = fingerprint(make_demo_corpus({1, 500, 50, 100}));
  EXPECT_EQ(one, fingerprint(make_demo_corpus({1, 500, 50, 100})));
  EXPECT_NE(one, fingerprint(make_demo_corpus({2, 500, 50, 100})));
  EXPECT_EQ(one, 6130514006819574600ULL);
}

TEST(DemoCorpus, FillsEveryStretchOfLengths) {
  std::array<int, 6> train{}, test{};
  const auto bucket = [](const AlignedPair& pair) { return std::min<size_t>(pair.source.size() / 10, 5); };
  for (const AlignedPair& pair : corpus().train) ++train[bucket(pair)];
  for (const AlignedPair& pair : corpus().test) ++test[bucket(pair)];
  for (size_t b = 0; b < 6; ++b) {
    EXPECT_GE(test[b], 100) << "bucket " << b;
    EXPECT_GE(train[b], 800) << "bucket " << b;
  }
  EXPECT_GT(train[0], train[2]);
  for_each_pair([](const AlignedPair& pair) {
    EXPECT_GE(pair.source.size(), 3u);
    EXPECT_LE(pair.source.size(), 60u);
    EXPECT_LE(pair.target.size(), 70u);
  });
}

TEST(DemoCorpus, NoSourceSentenceOccursTwice) {
  std::set<std::string> seen;
  for_each_pair([&](const AlignedPair& pair) {
    EXPECT_TRUE(seen.insert(text(pair.source)).second) << text(pair.source);
  });
}

TEST(DemoCorpus, TrainingKnowsEveryWordOfTheOtherParts) {
  std::array<std::map<std::string, int>, 2> pairs_with;
  std::array<std::set<std::string>, 2> folded;  // capitals of the first word aside
  for (const AlignedPair& pair : corpus().train) {
    for (size_t side = 0; side < 2; ++side) {
      const auto& tokens = side == 0 ? pair.source : pair.target;
      for (const std::string& word : std::set<std::string>(tokens.begin(), tokens.end())) {
        ++pairs_with[side][word];
        std::string small = word;
        if (small[0] >= 'A' && small[0] <= 'Z') small[0] = static_cast<char>(small[0] - 'A' + 'a');
        folded[side].insert(small);
      }
    }
  }
  for (const auto* part : {&corpus().validation, &corpus().test}) {
    for (const AlignedPair& pair : *part) {
      for (const std::string& word : pair.source) EXPECT_GE(pairs_with[0][word], 3) << word;
      for (const std::string& word : pair.target) EXPECT_GE(pairs_with[1][word], 3) << word;
    }
  }
  fmt::print("words: English {} ({} forms with capitals), German {} ({})\n", folded[0].size(),
             pairs_with[0].size(), folded[1].size(), pairs_with[1].size());
  for (const auto& words : folded) {
    EXPECT_GT(words.size(), 300u);
    EXPECT_LT(words.size(), 900u);
  }
}

TEST(DemoCorpus, EveryTokenIsLinkedAndLinksAreInRange) {
  for_each_pair([](const AlignedPair& pair) {
    std::vector<bool> source(pair.source.size()), target(pair.target.size());
    for (const auto* links : {&pair.sure, &pair.possible}) {
      EXPECT_TRUE(std::is_sorted(links->begin(), links->end()));
      for (const AlignmentLink& link : *links) {
        ASSERT_TRUE(link.source >= 0 && link.source < static_cast<int>(source.size()));
        ASSERT_TRUE(link.target >= 0 && link.target < static_cast<int>(target.size()));
        source[static_cast<size_t>(link.source)] = target[static_cast<size_t>(link.target)] = true;
      }
    }
    EXPECT_TRUE(std::all_of(source.begin(), source.end(), [](bool linked) { return linked; }))
        << text(pair.source);
    EXPECT_TRUE(std::all_of(target.begin(), target.end(), [](bool linked) { return linked; }))
        << text(pair.target);
    std::vector<AlignmentLink> both;
    std::set_intersection(pair.sure.begin(), pair.sure.end(), pair.possible.begin(), pair.possible.end(),
                          std::back_inserter(both));
    EXPECT_TRUE(both.empty());
  });
}

TEST(DemoCorpus, EveryPatternOccursInTrainingAndTest) {
  const std::vector<std::string> names = demo_pattern_names();
  EXPECT_GE(names.size(), 20u);
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  for (const auto* part : {&corpus().train, &corpus().test}) {
    std::set<std::string> used;
    for (const AlignedPair& pair : *part) used.insert(pair.patterns.begin(), pair.patterns.end());
    EXPECT_EQ(std::vector<std::string>(used.begin(), used.end()), names);
  }
}

// Attention that puts each target token on one source token, a sure one if there is any, cannot reach both
// parts of a compound.
TEST(DemoCorpus, OneLinkForEachTargetTokenNearlySuffices) {
  double sure = 0, drawn = 0, hits = 0;
  for (const AlignedPair& pair : corpus().test) {
    std::set<int> reached;
    for (const AlignmentLink& link : pair.sure) reached.insert(link.target);
    sure += static_cast<double>(pair.sure.size());
    drawn += static_cast<double>(pair.target.size());
    hits += static_cast<double>(reached.size());
  }
  const double error = 1 - (hits + drawn) / (sure + drawn);  // all drawn links are sure or possible
  fmt::print("alignment error of perfect attention: {:.2f} %\n", 100 * error);
  EXPECT_LT(error, 0.04);
}

}  // namespace
}  // namespace heed::models
