// Bootstrap resampling, statistics of attention, perplexity and exact match.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "framework/core/error.h"
#include "models/metrics/attention_statistics.h"
#include "models/metrics/bleu.h"
#include "models/metrics/bootstrap.h"
#include "models/metrics/chrf.h"
#include "models/metrics/metric.h"
#include "models/metrics/rates.h"
#include "tests/models/metrics_reference.h"
#include "tests/testing/throws.h"

namespace heed::models {
namespace {

using testing::DoubleEq;
using testing::ElementsAre;
using testing::ThrowsMessage;

// The share of right answers, a metric whose resamples are known: binomial(n, p) / n.
struct Answers {
  int64_t right = 0, all = 0;
  Answers& operator+=(const Answers& other) {
    right += other.right;
    all += other.all;
    return *this;
  }
};
double share(const Answers& sum) { return static_cast<double>(sum.right) / static_cast<double>(sum.all); }
double bleu(const BleuStats& sum) { return bleu_of(sum).score; }
double chrf(const ChrfStats& sum) { return chrf_of(sum).score; }

std::vector<Answers> answers(int right, int wrong) {
  std::vector<Answers> result(static_cast<size_t>(right), {1, 1});
  result.resize(static_cast<size_t>(right + wrong), {0, 1});
  return result;
}

// 1..1000 without 25 at each end is 26..975; 1..10 at 80 % is 2..9; one score is its own interval.
TEST(Bootstrap, PercentileIntervalByHand) {
  std::vector<double> scores(1000);
  std::iota(scores.rbegin(), scores.rend(), 1.0);  // not sorted
  EXPECT_EQ(percentile_interval(scores, 0.95), (Interval{26, 975}));
  EXPECT_EQ(percentile_interval({3, 1, 2, 4, 5, 6, 7, 10, 9, 8}, 0.8), (Interval{2, 9}));
  EXPECT_EQ(percentile_interval({7}, 0.95), (Interval{7, 7}));
  EXPECT_EQ(percentile_interval({1, 2}, 1e-12), (Interval{1, 2}));
}

// 400 sentences, half of them right: the share of a resample has mean 0.5 and standard deviation sqrt(0.25 /
// 400) = 0.025, so 95 % of them lie within 0.5 +- 1.96 * 0.025 = 0.451 to 0.549. Tolerances: 5 standard
// errors of 4000 resamples' mean (0.025 / sqrt(4000) = 0.0004) and of a 2.5 % quantile (about 0.0011), and a
// step of the share (0.0025).
TEST(Bootstrap, IntervalIsTheBinomials) {
  const BootstrapResult result = bootstrap(answers(200, 200), share, {.resamples = 4000});
  EXPECT_EQ(result.score, 0.5);
  EXPECT_NEAR(result.mean, 0.5, 0.002);
  EXPECT_NEAR(result.interval.low, 0.451, 0.008);
  EXPECT_NEAR(result.interval.high, 0.549, 0.008);
}

TEST(Bootstrap, OneSentenceLeavesNoDoubt) {
  const BootstrapResult result = bootstrap(answers(1, 0), share);
  EXPECT_EQ(result.interval, (Interval{1, 1}));
  EXPECT_EQ(result.mean, 1);
}

TEST(Bootstrap, DependsOnTheSeedAlone) {
  const auto low = [](uint64_t seed) {
    return bootstrap(answers(30, 70), share, {.resamples = 200, .seed = seed}).mean;
  };
  EXPECT_EQ(low(1), low(1));
  EXPECT_NE(low(1), low(2));
}

TEST(Bootstrap, ASystemAgainstItselfIsNoBetter) {
  const auto& test_case = reference_cases().at(6);
  const auto hypotheses = test_case.at("hyp").get<Strings>();
  const auto stats = corpus_bleu_stats(hypotheses, references_of(test_case));
  const PairedBootstrapResult result = paired_bootstrap(stats, stats, bleu);
  EXPECT_EQ(result.p_value, 1);
  EXPECT_EQ(result.difference, 0);
  EXPECT_EQ(result.interval, (Interval{0, 0}));
  EXPECT_EQ(result.ties, 1000);
  EXPECT_EQ(result.a.interval, result.b.interval);
  EXPECT_EQ(result.a.interval, bootstrap(stats, bleu).interval);  // the same resamples
}

// Better in every sentence, better in every resample: p = 1 / 1001.
TEST(Bootstrap, ABetterSystemIsFound) {
  const auto& less = reference_cases().at(2);
  const auto& more = reference_cases().at(6);  // corrupted more
  const auto references = references_of(less);
  ASSERT_EQ(references, references_of(more));
  const auto good = less.at("hyp").get<Strings>(), bad = more.at("hyp").get<Strings>();
  const auto result =
      paired_bootstrap(corpus_bleu_stats(bad, references), corpus_bleu_stats(good, references), bleu);
  EXPECT_NEAR(result.b.score, corpus_bleu(good, references).score, kTolerance);
  EXPECT_NEAR(result.difference, corpus_bleu(good, references).score - corpus_bleu(bad, references).score,
              kTolerance);
  EXPECT_EQ(result.wins_b, 1000);
  EXPECT_DOUBLE_EQ(result.p_value, 1.0 / 1001);
  EXPECT_GT(result.interval.low, 0);
  EXPECT_LE(result.interval.low, result.difference);
  EXPECT_GE(result.interval.high, result.difference);
  // exchanged, the same with the other sign
  const auto exchanged =
      paired_bootstrap(corpus_bleu_stats(good, references), corpus_bleu_stats(bad, references), bleu);
  EXPECT_EQ(exchanged.interval, (Interval{-result.interval.high, -result.interval.low}));
  EXPECT_EQ(exchanged.p_value, result.p_value);
  EXPECT_EQ(exchanged.wins_a, 1000);
  // and for chrF
  const auto by_chrf =
      paired_bootstrap(corpus_chrf_stats(bad, references), corpus_chrf_stats(good, references), chrf);
  EXPECT_EQ(by_chrf.wins_b, 1000);
  EXPECT_NEAR(by_chrf.b.score, corpus_chrf(good, references).score, kTolerance);
}

// Of 100 sentences b has 6 right that a has wrong, and a has 4 that b has wrong. A resample draws (x, y) of
// these, from the multinomial of 100 draws with probabilities 0.06, 0.04 and 0.9: b is not ahead, x <= y,
// with probability 0.3173 (the sum of its terms). Tolerance: 5 standard errors of 4000 resamples, each
// sqrt(0.3173 * 0.6827 / 4000) = 0.0074.
TEST(Bootstrap, PValueOfAnUnsureDifference) {
  std::vector<Answers> a = answers(50, 50), b = a;
  for (size_t i = 50; i < 56; ++i) b[i].right = 1;
  for (size_t i = 0; i < 4; ++i) b[i].right = 0;
  const auto result = paired_bootstrap(a, b, share, {.resamples = 4000});
  EXPECT_NEAR(result.p_value, 0.3173, 0.037);
  EXPECT_LT(result.interval.low, 0);
  EXPECT_GT(result.interval.high, 0);
  EXPECT_EQ(result.wins_a + result.wins_b + result.ties, 4000);
}

TEST(Bootstrap, MistakesAreNamed) {
  const std::vector<Answers> some = answers(1, 1), none;
  EXPECT_THAT([&] { bootstrap(none, share); }, ThrowsMessage<ValueError>("bootstrap: no sentences"));
  EXPECT_THAT([&] { bootstrap(some, share, {.resamples = 0}); },
              ThrowsMessage<ValueError>("bootstrap: 0 resamples"));
  EXPECT_THAT([&] { bootstrap(some, share, {.confidence = 1}); },
              ThrowsMessage<ValueError>("bootstrap: confidence is 1, not between 0 and 1"));
  EXPECT_THAT([&] { paired_bootstrap(some, answers(1, 2), share); },
              ThrowsMessage<ValueError>("bootstrap: 2 sentences of one system, 3 of the other"));
  EXPECT_THAT([&] { percentile_interval({}, 0.5); },
              ThrowsMessage<ValueError>("bootstrap: an interval of no scores"));
}

// (1, 0): 0. (1/2, 1/2): ln 2. (1/4, 3/4): 1/4 ln 4 + 3/4 ln 4/3 = 2 ln 2 - 3/4 ln 3.
TEST(AttentionStatistics, EntropyByHand) {
  const std::vector<std::vector<float>> weights = {{1, 0}, {0.5F, 0.5F}, {0.25F, 0.75F}};
  const double third = 2 * std::log(2.0) - 0.75 * std::log(3.0);
  const auto nats = attention_entropies(weights),
             normalised = attention_entropies(weights, EntropyUnit::normalised);
  EXPECT_THAT(nats, ElementsAre(0, DoubleEq(std::log(2.0)), testing::DoubleNear(third, 1e-12)));
  EXPECT_THAT(normalised, ElementsAre(0, DoubleEq(1), testing::DoubleNear(third / std::log(2.0), 1e-12)));
  // one word: nothing to choose
  EXPECT_EQ(attention_entropy(std::vector<float>{1}, EntropyUnit::normalised), 0);
  EXPECT_EQ(attention_entropy({}), 0);
}

// Columns of the same weights: 1.75 and 1.25; both are covered. A third word with 0.25 in all is not.
TEST(AttentionStatistics, CoverageByHand) {
  EXPECT_THAT(attention_coverage({{1, 0}, {0.5F, 0.5F}, {0.25F, 0.75F}}), ElementsAre(1.75, 1.25));
  const auto coverage = attention_coverage({{0.5F, 0.25F, 0.25F}, {0, 1, 0}});
  EXPECT_THAT(coverage, ElementsAre(0.5, 1.25, 0.25));
  EXPECT_EQ(uncovered_words(coverage), 1);  // 0.5 is not below 0.5
  EXPECT_EQ(uncovered_words(coverage, 0.75), 2);
  EXPECT_EQ(uncovered_words(coverage, 0), 0);
}

TEST(AttentionStatistics, SumsOverSentences) {
  AttentionStatistics sum = attention_statistics({{0.5F, 0.25F, 0.25F}, {0, 1, 0}});
  EXPECT_EQ(sum.target_words, 2);
  EXPECT_EQ(sum.source_words, 3);
  EXPECT_EQ(sum.uncovered, 1);
  EXPECT_NEAR(sum.mean_entropy(), 1.5 * std::log(2.0) / 2, 1e-12);  // 1/2 ln 2 + 2 * 1/4 ln 4 = 3/2 ln 2
  sum += attention_statistics({{0.5F, 0.5F}});
  EXPECT_EQ(sum.target_words, 3);
  EXPECT_NEAR(sum.mean_entropy(), 2.5 * std::log(2.0) / 3, 1e-12);
  EXPECT_NEAR(sum.mean_normalised_entropy(), (1.5 * std::log(2.0) / std::log(3.0) + 1) / 3, 1e-12);
  EXPECT_DOUBLE_EQ(sum.uncovered_share(), 1.0 / 5);
  EXPECT_EQ(AttentionStatistics{}.mean_entropy(), 0);
  EXPECT_EQ(attention_statistics({}).source_words, 0);
}

TEST(AttentionStatistics, EqualWeightsHaveTheLargestEntropyAndCoverageSumsToTheRows) {
  for (const size_t words : {2u, 3u, 7u, 50u}) {
    const std::vector<float> row(words, 1.0F / static_cast<float>(words));
    // weights are rounded to f32
    EXPECT_NEAR(attention_entropy(row), std::log(static_cast<double>(words)), 1e-5);
    std::vector<float> other = row;
    other[0] += other[1] / 2;
    other[1] /= 2;
    EXPECT_LT(attention_entropy(other), attention_entropy(row));
    const auto coverage = attention_coverage({row, other, row});
    EXPECT_NEAR(std::accumulate(coverage.begin(), coverage.end(), 0.0), 3, 1e-5);
  }
}

TEST(AttentionStatistics, MistakesAreNamed) {
  EXPECT_THAT(
      [] {
        attention_coverage({{1, 0}, {1}});
      },
      ThrowsMessage<ShapeError>("attention: row 1 has 2 weights, row 2 has 1"));
  EXPECT_THAT(
      [] {
        attention_entropies({{1.5F, -0.5F}});
      },
      ThrowsMessage<ValueError>("attention: a weight is -0.5"));
  EXPECT_THAT([] { attention_entropy(std::vector<float>{NAN}); },
              ThrowsMessage<ValueError>("attention: a weight is nan"));
}

// Four tokens of probability 1/8 each: 8. Of probabilities 1/2 and 1/8: exp((ln 2 + ln 8) / 2) = 4.
TEST(Perplexity, ByHand) {
  EXPECT_NEAR(perplexity(4 * std::log(1.0 / 8), 4), 8, 1e-12);
  EXPECT_NEAR(perplexity(std::log(0.5) + std::log(0.125), 2), 4, 1e-12);
  EXPECT_EQ(perplexity(0, 3), 1);
  EXPECT_EQ(perplexity(-std::numeric_limits<double>::infinity(), 2), std::numeric_limits<double>::infinity());
  EXPECT_THAT([] { perplexity(-1, 0); }, ThrowsMessage<ValueError>("perplexity: 0 tokens"));
  EXPECT_THAT([] { perplexity(NAN, 1); },
              ThrowsMessage<ValueError>("perplexity: the log probability is NaN"));
}

TEST(ExactMatch, ByHand) {
  const Strings hypotheses = {"a b", " a\tb ", "a  b .", ""}, references = {"a b", "a b", "a b.", ""};
  // white space does not count, words do
  EXPECT_DOUBLE_EQ(exact_match_rate(hypotheses, references), 3.0 / 4);
  const std::vector<Strings> several = {{"x"}, {"x", "a b"}, {"a b .", "x"}, {"x"}};
  EXPECT_DOUBLE_EQ(exact_match_rate(hypotheses, several), 2.0 / 4);
  EXPECT_EQ(exact_match_rate(Strings{}, Strings{}), 0);
  EXPECT_THAT([&] { exact_match_rate(hypotheses, Strings{"a"}); },
              ThrowsMessage<ValueError>("exact match: 4 hypotheses, 1 references"));
  EXPECT_THAT([&] { exact_match_rate(Strings{"a"}, std::vector<Strings>{{}}); },
              ThrowsMessage<ValueError>("exact match: a sentence without a reference"));
}

// The table as a whole: what evaluate, reports and --keep-best-by walk.
TEST(Metrics, EveryRowIsNamedOnceAndSaysNothingOfNothing) {
  std::set<std::string> keys, kept;
  const Scored nothing;
  for (const Metric& metric : metrics()) {
    SCOPED_TRACE(metric.key);
    EXPECT_TRUE(keys.insert(metric.key).second);
    EXPECT_FALSE(metric.name.empty());
    EXPECT_EQ(&find_metric(metric.key), &metric);
    EXPECT_TRUE(metric.keep.empty() || kept.insert(metric.keep).second);
    const std::optional<Score> score = metric.compute(nothing);
    EXPECT_TRUE(!score || std::isfinite(score->value));
    EXPECT_FALSE(metric.beats(NAN, 1));
    EXPECT_TRUE(metric.beats(1, NAN));
    EXPECT_TRUE(metric.beats(1, metric.worst()));
    EXPECT_EQ(metric.beats(2, 1), metric.better != Better::lower);
  }
  EXPECT_EQ(kept, (std::set<std::string>{"bleu", "chrf", "loss"}));
  EXPECT_ERROR(ValueError, "there is no metric 'rouge'", find_metric("rouge"));
  EXPECT_ERROR(ValueError, "there is no metric 'perplexity' that weights are kept by",
               find_kept_metric("perplexity"));
}

TEST(Metrics, OfTwoSentencesByHand) {
  Scored s;
  s.outputs = s.output_text = {"a b c d", "x"};
  s.references = s.reference_text = {"a b c d", "y z"};
  s.loss = std::log(4);
  s.source_unknown = 0.25;
  s.seconds = 4;
  const auto value = [&](const char* key) { return find_metric(key).compute(s)->value; };
  EXPECT_DOUBLE_EQ(value("length_ratio"), 5.0 / 6);
  EXPECT_DOUBLE_EQ(value("exact_match"), 0.5);
  EXPECT_DOUBLE_EQ(value("perplexity"), 4);
  EXPECT_DOUBLE_EQ(value("sentences_per_second"), 0.5);
  EXPECT_EQ(find_metric("source_unknown").text(value("source_unknown")), "25.00 %");
  EXPECT_EQ(find_metric("loss").text(value("loss")), "1.386 nats a token");
  EXPECT_EQ(find_metric("bleu").compute(s)->value,
            corpus_bleu(s.outputs, s.references, {.tokenize = BleuTokenizer::none}).score);
  EXPECT_FALSE(find_metric("aer").compute(s));
  EXPECT_FALSE(find_metric("target_unknown").compute(s));
  EXPECT_FALSE(find_metric("bleu_13a_no_case").compute(s));
  s.writes_lower_case = true;
  EXPECT_FALSE(find_metric("bleu_13a_no_case").compute(s));  // no capitals
  s.reference_text = {"A b c d", "y z"};
  EXPECT_GT(value("bleu_13a_no_case"), value("bleu_13a"));
}

}  // namespace
}  // namespace heed::models
