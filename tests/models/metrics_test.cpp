// BLEU against values of sacreBLEU, and alignment error.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "framework/core/error.h"
#include "models/metrics/alignment_error.h"
#include "models/metrics/bleu.h"
#include "tests/models/metrics_reference.h"

namespace heed::models {
namespace {

using testing::ElementsAre;
using testing::ThrowsMessage;

BleuOptions options_of(const nlohmann::json& expected) {
  BleuOptions options{*choice_named<BleuTokenizer>(expected.at("tokenize").get<std::string>()),
                      expected.at("lowercase").get<bool>()};
  return options;
}

void set_smoothing(BleuOptions& options, const nlohmann::json& expected) {
  options.smooth = *choice_named<BleuSmoothing>(expected.at("method").get<std::string>());
  if (!expected.at("value").is_null()) options.smooth_value = expected.at("value").get<double>();
}

TEST(Bleu, CorpusScoresAreSacrebleus) {
  int compared = 0;
  for (const auto& test_case : reference_cases()) {
    const auto hypotheses = test_case.at("hyp").get<Strings>();
    const auto references = references_of(test_case);
    for (const auto& counted : test_case.at("bleu")) {
      BleuOptions options = options_of(counted);
      BleuStats stats;
      for (const BleuStats& sentence : corpus_bleu_stats(hypotheses, references, options)) stats += sentence;
      for (const auto& expected : counted.at("smooth")) {
        set_smoothing(options, expected);
        SCOPED_TRACE(test_case.at("name").get<std::string>() + ", " + name_of_choice(options.tokenize) +
                     ", " + name_of_choice(options.smooth) + (options.lowercase ? ", lc" : ""));
        const BleuResult result = corpus_bleu(hypotheses, references, options);
        EXPECT_NEAR(result.score, expected.at("score").get<double>(), kTolerance);
        EXPECT_EQ(result.signature, as_ours("BLEU", expected));
        EXPECT_NEAR(result.bp, counted.at("bp").get<double>(), kTolerance);
        EXPECT_EQ(result.sys_len, counted.at("sys_len").get<int64_t>());
        EXPECT_EQ(result.ref_len, counted.at("ref_len").get<int64_t>());
        EXPECT_EQ(bleu_of(stats, options).score, result.score);
        for (size_t n = 0; n < kBleuOrder; ++n) {
          EXPECT_NEAR(result.precisions[n], expected.at("precisions").at(n).get<double>(), kTolerance);
          EXPECT_EQ(stats.matches[n], counted.at("counts").at(n).get<int64_t>());
          EXPECT_EQ(stats.totals[n], counted.at("totals").at(n).get<int64_t>());
        }
        ++compared;
      }
    }
  }
  EXPECT_EQ(compared, 480);  // 15 cases, 4 tokenisations, 2 casings, 4 smoothings
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

TEST(Bleu, VaryingReferencesEffectiveOrderAndSmoothingValuesAreSacrebleus) {
  const auto& varied = reference_values().at("varied");
  const auto hypotheses = varied.at("hyp").get<Strings>();
  const auto references = varied.at("refs").get<std::vector<Strings>>();
  for (const auto& expected : varied.at("bleu")) {
    BleuOptions options = options_of(expected);
    set_smoothing(options, expected);
    options.effective_order = expected.at("effective_order").get<bool>();
    SCOPED_TRACE(expected.at("signature").get<std::string>());
    const BleuResult result = corpus_bleu(hypotheses, references, options);
    EXPECT_NEAR(result.score, expected.at("score").get<double>(), kTolerance);
    EXPECT_EQ(result.signature, as_ours("BLEU", expected));
    for (size_t i = 0; i < hypotheses.size(); ++i) {
      EXPECT_NEAR(sentence_bleu(hypotheses[i], references[i], options).score,
                  expected.at("sentences").at(i).get<double>(), kTolerance)
          << hypotheses[i];
    }
  }
  EXPECT_EQ(varied.at("bleu").size(), 48u);  // 4 tokenisations, 6 smoothings with values, 2 orders
}

TEST(Bleu, WordsAreSacrebleus) {
  for (const auto& tokens : reference_values().at("varied").at("tokens")) {
    for (const std::string_view name : kNames<BleuTokenizer>) {
      EXPECT_EQ(bleu_tokenize(tokens.at("line").get<std::string>(), {*choice_named<BleuTokenizer>(name)}),
                tokens.at(std::string(name)).get<std::string>())
          << name;
    }
  }
}

// Hypothesis `a b c d`, reference `a b d c`: 4/4 words, 1/3 pairs, 0/2 triples, 0/1 quadruples; equal
// lengths.
TEST(Bleu, SmoothingByHand) {
  const Strings hypothesis = {"a b c d"}, reference = {"a b d c"};
  const auto score = [&](BleuOptions options) { return corpus_bleu(hypothesis, reference, options).score; };
  // exp: 0/2 counts as (1/2)/2, 0/1 as (1/4)/1
  EXPECT_NEAR(score({.smooth = BleuSmoothing::exp}), 100 * std::pow(1.0 * 1 / 3 * 1 / 4 * 1 / 4, 0.25),
              kTolerance);
  // floor: 0.1/2 and 0.1/1
  EXPECT_NEAR(score({.smooth = BleuSmoothing::floor}), 100 * std::pow(1.0 * 1 / 3 * 0.1 / 2 * 0.1, 0.25),
              kTolerance);
  EXPECT_NEAR(score({.smooth = BleuSmoothing::floor, .smooth_value = 0.5}),
              100 * std::pow(1.0 * 1 / 3 * 0.5 / 2 * 0.5, 0.25), kTolerance);
  // add-k: 4/4, 2/4, 1/3, 1/2
  EXPECT_NEAR(score({.smooth = BleuSmoothing::add_k}), 100 * std::pow(2.0 / 4 * 1 / 3 * 1 / 2, 0.25),
              kTolerance);
  EXPECT_EQ(score({.smooth = BleuSmoothing::none}), 0);
}

// `a b` against `a b`: 2/2, 1/1 and two orders that it is too short for. Effective order takes the first two;
// without it and without smoothing they make the score 0.
TEST(Bleu, EffectiveOrderByHand) {
  const Strings text = {"a b"};
  EXPECT_NEAR(sentence_bleu(text[0], text).score, 100, kTolerance);
  EXPECT_EQ(sentence_bleu(text[0], text, {.effective_order = false}).score, 0);
  EXPECT_EQ(corpus_bleu(text, text).score, 0);
  EXPECT_NEAR(corpus_bleu(text, text, {.effective_order = true}).score, 100, kTolerance);
}

// Papineni et al. 2002, sec. 2.1: seven times `the` against `The cat is on the mat` and `There is a cat on
// the mat` matches twice, lower-cased; of both lengths, 6 and 7, the closer is 7.
TEST(Bleu, MatchesAreClippedToTheLargestCountInAnyReference) {
  const Strings references = {"The cat is on the mat", "There is a cat on the mat"};
  const BleuStats stats = bleu_stats("the the the the the the the", references, {.lowercase = true});
  EXPECT_EQ(stats.matches[0], 2);
  EXPECT_EQ(stats.totals[0], 7);
  EXPECT_EQ(stats.ref_len, 7);
  EXPECT_EQ(bleu_stats("the the the the the the the", references).matches[0], 1);
  // 5 words are as far from 4 as from 6: the shorter counts
  EXPECT_EQ(bleu_stats("a a a a a", Strings{"b b b b b b", "b b b b"}).ref_len, 4);
}

TEST(Bleu, OrderOfSentencesAndReferencesDoesNotMatter) {
  const auto& test_case = reference_cases().at(10);  // two references
  auto hypotheses = test_case.at("hyp").get<Strings>();
  auto references = references_of(test_case);
  const double score = corpus_bleu(hypotheses, references).score;
  std::ranges::reverse(hypotheses);
  std::ranges::reverse(references);
  for (Strings& of_sentence : references) std::ranges::reverse(of_sentence);
  EXPECT_EQ(corpus_bleu(hypotheses, references).score, score);
  for (const std::string_view name : kNames<BleuTokenizer>) {
    const BleuOptions options{*choice_named<BleuTokenizer>(name)};
    EXPECT_NEAR(corpus_bleu(hypotheses, hypotheses, options).score, 100, kTolerance);
  }
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
  EXPECT_EQ(bleu_tokenize("A  dog's.", {BleuTokenizer::none, true}), "a dog's.");
}

TEST(Bleu, SignatureTellsWhatWasCounted) {
  const Strings text = {"a b c d"};
  EXPECT_EQ(corpus_bleu(text, text).signature,
            "BLEU|nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:heed-0.2.0");
  EXPECT_EQ(sentence_bleu(text[0], text, {BleuTokenizer::none, true}).signature,
            "BLEU|nrefs:1|case:lc|eff:yes|tok:none|smooth:exp|version:heed-0.2.0");
  EXPECT_EQ(corpus_bleu(Strings{"a", "b"}, std::vector<Strings>{{"a"}, {"b", "c"}},
                        {.smooth = BleuSmoothing::floor, .smooth_value = 0.25})
                .signature,
            "BLEU|nrefs:var|case:mixed|eff:no|tok:13a|smooth:floor[0.25]|version:heed-0.2.0");
}

TEST(Bleu, MistakesAreNamed) {
  const Strings one = {"a"}, two = {"a", "b"};
  EXPECT_THAT([&] { corpus_bleu(one, two); }, ThrowsMessage<ValueError>("bleu: 1 hypotheses, 2 references"));
  EXPECT_THAT([&] { bleu_of({}, {.smooth = BleuSmoothing::floor, .smooth_value = -1}); },
              ThrowsMessage<ValueError>("bleu: smoothing value -1 is not a number from 0 up"));
  EXPECT_THAT([&] { bleu_stats("a", {}); },
              ThrowsMessage<ValueError>("bleu: a sentence without a reference"));
  EXPECT_EQ(corpus_bleu(Strings{}, Strings{}).score, 0);
}

TEST(Bleu, ByLengthSplitsTheCorpus) {
  const Strings hypotheses = {"a b c d e", "a b c x e", "f g h i j"},
                references = {"a b c d e", "a b c d e", "f g h i j k"};
  const std::vector<int> lengths = {9, 10, 55};
  const auto results = bleu_by_length(hypotheses, references, lengths);
  ASSERT_EQ(results.size(), 7u);
  EXPECT_THAT(std::vector({results[0].sentences, results[1].sentences, results[2].sentences,
                           results[5].sentences, results[6].sentences}),
              ElementsAre(1, 1, 0, 1, 1));
  EXPECT_NEAR(results[0].bleu.score, 100, kTolerance);
  EXPECT_EQ(results[2].bleu.score, 0);
  EXPECT_EQ(results[5].bleu.score, results[6].bleu.score);
  EXPECT_NEAR(results[5].bleu.score, corpus_bleu(Strings{hypotheses[2]}, Strings{references[2]}).score,
              kTolerance);
  EXPECT_EQ(results[1].bucket.name(), "10-19");
  EXPECT_EQ(results[6].bucket.name(), "30+");
  const std::vector<LengthBucket> all = {{0, kNoMaximum}};
  EXPECT_EQ(bleu_by_length(hypotheses, references, lengths, {}, all)[0].bleu.score,
            corpus_bleu(hypotheses, references).score);
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
  EXPECT_THAT(
      links, ElementsAre(AlignmentLink{4, 0}, AlignmentLink{2, 1}, AlignmentLink{1, 2}, AlignmentLink{0, 3}));
  const auto counts = compare_links(links, gold);
  EXPECT_DOUBLE_EQ(counts.error_rate(), 1 - (2.0 + 3.0) / (4.0 + 3.0));
  EXPECT_TRUE(perfect_attention_links(gold, 0).empty());
}

}  // namespace
}  // namespace heed::models
