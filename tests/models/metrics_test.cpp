// BLEU against values of sacreBLEU, and alignment error.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "framework/core/error.h"
#include "framework/io/file.h"
#include "models/metrics/alignment_error.h"
#include "models/metrics/bleu.h"

namespace heed::models {
namespace {

using Strings = std::vector<std::string>;
using testing::ElementsAre;
using testing::ThrowsMessage;

constexpr double kTolerance = 1e-9;

const nlohmann::json& reference_values() {
  static const auto values = nlohmann::json::parse(read_file(HEED_SOURCE_DIR "/tests/models/data/sacrebleu_values.json"));
  return values;
}
const nlohmann::json& reference_cases() { return reference_values().at("cases"); }

// References by sentence; the file has them by translator.
std::vector<Strings> references_of(const nlohmann::json& test_case) {
  std::vector<Strings> references(test_case.at("hyp").size());
  for (const auto& set : test_case.at("refs")) {
    const auto& stream = reference_values().at("reference_sets").at(set.get<size_t>());
    for (size_t i = 0; i < references.size(); ++i) references[i].push_back(stream.at(i).get<std::string>());
  }
  return references;
}

TEST(Bleu, CorpusScoresAreSacrebleus) {
  int compared = 0;
  for (const auto& test_case : reference_cases()) {
    const auto hypotheses = test_case.at("hyp").get<Strings>();
    const auto references = references_of(test_case);
    for (const auto& expected : test_case.at("bleu")) {
      const BleuOptions options{expected.at("tokenize").get<std::string>(), expected.at("lowercase").get<bool>()};
      SCOPED_TRACE(test_case.at("name").get<std::string>() + ", " + options.tokenize + (options.lowercase ? ", lc" : ""));
      const auto result = corpus_bleu(hypotheses, references, options);
      EXPECT_NEAR(result.score, expected.at("score").get<double>(), kTolerance);
      EXPECT_NEAR(result.bp, expected.at("bp").get<double>(), kTolerance);
      EXPECT_EQ(result.sys_len, expected.at("sys_len").get<int64_t>());
      EXPECT_EQ(result.ref_len, expected.at("ref_len").get<int64_t>());
      BleuStats stats;
      for (size_t i = 0; i < hypotheses.size(); ++i) stats += bleu_stats(hypotheses[i], references[i], options);
      for (size_t n = 0; n < kBleuOrder; ++n) {
        EXPECT_NEAR(result.precisions[n], expected.at("precisions").at(n).get<double>(), kTolerance);
        EXPECT_EQ(stats.matches[n], expected.at("counts").at(n).get<int64_t>());
        EXPECT_EQ(stats.totals[n], expected.at("totals").at(n).get<int64_t>());
      }
      ++compared;
    }
  }
  EXPECT_EQ(compared, 60);  // 15 cases, 2 tokenisations, 2 casings
}

TEST(Bleu, SentenceScoresAreSacrebleus) {
  int compared = 0;
  for (const auto& test_case : reference_cases()) {
    const auto hypotheses = test_case.at("hyp").get<Strings>();
    const auto references = references_of(test_case);
    const auto expected = test_case.at("sentence_bleu").get<std::vector<double>>();
    for (size_t i = 0; i < expected.size(); ++i, ++compared) {
      EXPECT_NEAR(sentence_bleu(hypotheses[i], references[i]).score, expected[i], kTolerance)
          << test_case.at("name") << ": " << hypotheses[i];
    }
  }
  EXPECT_GT(compared, 400);
}

TEST(Bleu, ThirteenATokenisesByCodePoint) {
  const auto words = [](std::string_view line) { return bleu_tokenize(line, {}); };
  EXPECT_EQ(words("Köln, 3,5 km (ca. 10-12%)."), "Köln , 3,5 km ( ca . 10 - 12 % ) .");
  EXPECT_EQ(words("漢,字 ö.5"), "漢 , 字 ö . 5");
  EXPECT_EQ(words("a\xC2\xA0"
                  "b\xE3\x80\x80"
                  "c \n"),
            "a b c");
  EXPECT_EQ(words("<skipped>&quot;x&quot; &amp;lt;"), "\" x \" <");
  EXPECT_EQ(bleu_tokenize("A  dog's.", {"none", true}), "a dog's.");
}

TEST(Bleu, SignatureTellsWhatWasCounted) {
  const Strings text = {"a b c d"};
  EXPECT_EQ(corpus_bleu(text, text).signature, "BLEU|nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:heed-0.1.0");
  EXPECT_EQ(sentence_bleu(text[0], text, {"none", true}).signature, "BLEU|nrefs:1|case:lc|eff:yes|tok:none|smooth:exp|version:heed-0.1.0");
}

TEST(Bleu, MistakesAreNamed) {
  const Strings one = {"a"}, two = {"a", "b"};
  EXPECT_THAT([&] { corpus_bleu(one, two); }, ThrowsMessage<ValueError>("bleu: 1 hypotheses, 2 references"));
  EXPECT_THAT(
      [&] {
        corpus_bleu(one, one, {"intl", false});
      },
      ThrowsMessage<ValueError>("bleu: unknown tokenisation 'intl': '13a' or 'none'"));
  EXPECT_THAT([&] { bleu_stats("a", {}); }, ThrowsMessage<ValueError>("bleu: a sentence without a reference"));
  EXPECT_EQ(corpus_bleu(Strings{}, Strings{}).score, 0);
}

TEST(Bleu, ByLengthSplitsTheCorpus) {
  const Strings hypotheses = {"a b c d e", "a b c x e", "f g h i j"}, references = {"a b c d e", "a b c d e", "f g h i j k"};
  const std::vector<int> lengths = {9, 10, 55};
  const auto results = bleu_by_length(hypotheses, references, lengths);
  ASSERT_EQ(results.size(), 7u);
  EXPECT_THAT(std::vector({results[0].sentences, results[1].sentences, results[2].sentences, results[5].sentences, results[6].sentences}),
              ElementsAre(1, 1, 0, 1, 1));
  EXPECT_NEAR(results[0].bleu.score, 100, kTolerance);
  EXPECT_EQ(results[2].bleu.score, 0);
  EXPECT_EQ(results[5].bleu.score, results[6].bleu.score);
  EXPECT_NEAR(results[5].bleu.score, corpus_bleu(Strings{hypotheses[2]}, Strings{references[2]}).score, kTolerance);
  EXPECT_EQ(results[1].bucket.name(), "10-19");
  EXPECT_EQ(results[6].bucket.name(), "30+");
  const std::vector<LengthBucket> all = {{0, kNoMaximum}};
  EXPECT_EQ(bleu_by_length(hypotheses, references, lengths, {}, all)[0].bleu.score, corpus_bleu(hypotheses, references).score);
}

TEST(AlignmentError, FollowsOchAndNey) {
  const GoldAlignment gold{.sure = {{0, 0}, {1, 1}}, .possible = {{0, 0}, {2, 2}, {2, 3}}};
  const std::vector<AlignmentLink> links = {{0, 0}, {2, 2}, {3, 3}, {3, 3}};  // one given twice
  const auto counts = compare_links(links, gold);
  EXPECT_EQ(counts.links, 3);
  EXPECT_EQ(counts.sure, 2);
  EXPECT_EQ(counts.links_sure, 1);
  EXPECT_EQ(counts.links_possible, 2);
  EXPECT_DOUBLE_EQ(counts.error_rate(), 1 - 3.0 / 5.0);
  EXPECT_DOUBLE_EQ(counts.precision(), 2.0 / 3.0);
  EXPECT_DOUBLE_EQ(counts.recall(), 0.5);
  EXPECT_EQ(compare_links(gold.sure, gold).error_rate(), 0);  // sure links count as possible, listed or not
  AlignmentCounts sum = counts;
  sum += compare_links({}, gold);
  EXPECT_DOUBLE_EQ(sum.error_rate(), 1 - 3.0 / 7.0);
  EXPECT_EQ(AlignmentCounts{}.error_rate(), 0);
}

TEST(AlignmentError, PerfectAttentionTakesTheBestLinkOfEachWord) {
  const GoldAlignment gold{.sure = {{4, 0}, {1, 2}, {3, 2}}, .possible = {{0, 0}, {2, 1}}};
  const auto links = perfect_attention_links(gold, 4);
  EXPECT_THAT(links, ElementsAre(AlignmentLink{4, 0}, AlignmentLink{2, 1}, AlignmentLink{1, 2}, AlignmentLink{0, 3}));
  const auto counts = compare_links(links, gold);
  EXPECT_DOUBLE_EQ(counts.error_rate(), 1 - (2.0 + 3.0) / (4.0 + 3.0));
  EXPECT_TRUE(perfect_attention_links(gold, 0).empty());
}

}  // namespace
}  // namespace heed::models
