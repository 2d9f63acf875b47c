// chrF and chrF++ against values of sacreBLEU, and by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "framework/core/error.h"
#include "models/metrics/chrf.h"
#include "tests/models/metrics_reference.h"

namespace heed::models {
namespace {

using testing::ThrowsMessage;

TEST(Chrf, CorpusScoresAreSacrebleus) {
  int compared = 0;
  for (const auto& test_case : reference_cases()) {
    const auto hypotheses = test_case.at("hyp").get<Strings>();
    const auto references = references_of(test_case);
    for (const auto& expected : test_case.at("chrf")) {
      const ChrfOptions options{.word_order = expected.at("word_order").get<int>(),
                                .lowercase = expected.at("lowercase").get<bool>()};
      SCOPED_TRACE(test_case.at("name").get<std::string>() + (options.lowercase ? ", lc, " : ", ") +
                   std::to_string(options.word_order));
      const ChrfResult result = corpus_chrf(hypotheses, references, options);
      EXPECT_NEAR(result.score, expected.at("score").get<double>(), kTolerance);
      EXPECT_EQ(result.signature, as_ours(options.word_order == 0 ? "chrF2" : "chrF2++", expected));
      ChrfStats sum;
      for (const ChrfStats& sentence : corpus_chrf_stats(hypotheses, references, options)) sum += sentence;
      EXPECT_EQ(chrf_of(sum, options).score, result.score);
      ++compared;
    }
  }
  EXPECT_EQ(compared, 60);  // 15 cases, chrF2 and chrF2++, 2 casings
}

TEST(Chrf, SentenceScoresAreSacrebleus) {
  int compared = 0;
  for (const auto& test_case : reference_cases()) {
    const auto hypotheses = test_case.at("hyp").get<Strings>();
    const auto references = references_of(test_case);
    const auto expected = test_case.at("sentence_chrf2").get<std::vector<double>>();
    for (size_t i = 0; i < expected.size(); ++i, ++compared) {
      EXPECT_NEAR(sentence_chrf(hypotheses[i], references[i]).score, expected[i], kTolerance)
          << test_case.at("name") << ": " << hypotheses[i];
    }
  }
  EXPECT_GT(compared, 400);
}

TEST(Chrf, VaryingReferencesAndOptionsAreSacrebleus) {
  const auto& varied = reference_values().at("varied");
  const auto hypotheses = varied.at("hyp").get<Strings>();
  const auto references = varied.at("refs").get<std::vector<Strings>>();
  for (const auto& expected : varied.at("chrf")) {
    const ChrfOptions options{.char_order = expected.at("char_order").get<int>(),
                              .word_order = expected.at("word_order").get<int>(),
                              .beta = expected.at("beta").get<int>(),
                              .lowercase = expected.at("lowercase").get<bool>(),
                              .whitespace = expected.at("whitespace").get<bool>(),
                              .eps_smoothing = expected.at("eps_smoothing").get<bool>()};
    SCOPED_TRACE(expected.at("signature").get<std::string>());
    const ChrfResult result = corpus_chrf(hypotheses, references, options);
    EXPECT_NEAR(result.score, expected.at("score").get<double>(), kTolerance);
    EXPECT_EQ(result.signature, as_ours(expected.at("name").get<std::string>(), expected));
    for (size_t i = 0; i < hypotheses.size(); ++i) {
      EXPECT_NEAR(sentence_chrf(hypotheses[i], references[i], options).score,
                  expected.at("sentences").at(i).get<double>(), kTolerance)
          << hypotheses[i];
    }
  }
  EXPECT_EQ(varied.at("chrf").size(), 7u);
}

// `ab c` against `abd`, without white space `abc` and `abd`. Characters: 2 of 3; pairs ab, bc and ab, bd: 1
// of 2; triples: 0 of 1; longer ones are in neither. P = R = (2/3 + 1/2 + 0) / 3 = 7/18, so F is 7/18 for any
// beta.
TEST(Chrf, ByHand) {
  const Strings reference = {"abd"};
  EXPECT_NEAR(sentence_chrf("ab c", reference).score, 100 * 7.0 / 18, kTolerance);
  EXPECT_NEAR(sentence_chrf("ab c", reference, {.beta = 1}).score, 100 * 7.0 / 18, kTolerance);
  const ChrfStats stats = chrf_stats("ab c", reference);
  EXPECT_EQ(stats.orders[0], (ChrfCounts{3, 3, 2}));
  EXPECT_EQ(stats.orders[1], (ChrfCounts{2, 2, 1}));
  EXPECT_EQ(stats.orders[2], (ChrfCounts{1, 1, 0}));
  EXPECT_EQ(stats.orders[3], (ChrfCounts{0, 0, 0}));
}

// `a` against `ab`: P = 1, R = 1/2 for characters; pairs are only in the reference and do not count.
// F2 = 5 * 1 * 1/2 / (4 * 1 + 1/2) = 5/9, F1 = 2 * 1/2 / (3/2) = 2/3.
TEST(Chrf, RecallCountsMore) {
  const Strings reference = {"ab"};
  EXPECT_NEAR(sentence_chrf("a", reference).score, 100 * 5.0 / 9, kTolerance);
  EXPECT_NEAR(sentence_chrf("a", reference, {.beta = 1}).score, 100 * 2.0 / 3, kTolerance);
}

// chrF++ on words alone: `(hi) "yes no` is `(hi`, `)`, `"`, `yes`, `no`: 5 words, 4 pairs.
TEST(Chrf, PunctuationIsSplitFromWords) {
  const Strings reference = {"(hi ) yes no"};  // `(`, `hi`, `)`, `yes`, `no`
  const ChrfStats stats = chrf_stats("(hi) \"yes no", reference, {.char_order = 0, .word_order = 2});
  ASSERT_EQ(stats.orders.size(), 2u);
  EXPECT_EQ(stats.orders[0], (ChrfCounts{5, 5, 3}));  // ), yes, no
  EXPECT_EQ(stats.orders[1], (ChrfCounts{4, 4, 1}));  // yes no
}

TEST(Chrf, HasTheProperties) {
  auto hypotheses = reference_cases().at(6).at("hyp").get<Strings>();
  auto references = references_of(reference_cases().at(6));
  const double score = corpus_chrf(hypotheses, references, {.word_order = 2}).score;
  EXPECT_NEAR(corpus_chrf(hypotheses, hypotheses, {.word_order = 2}).score, 100, kTolerance);
  std::ranges::reverse(hypotheses);
  std::ranges::reverse(references);
  EXPECT_EQ(corpus_chrf(hypotheses, references, {.word_order = 2}).score, score);
  // of two references, the better one
  const Strings both = {"xyz", "abd"};
  EXPECT_EQ(chrf_stats("abc", both), chrf_stats("abc", Strings{"abd"}));
  EXPECT_EQ(sentence_chrf("abc", Strings{"xyz"}).score, 0);
  EXPECT_EQ(sentence_chrf("", Strings{""}).score, 0);
  EXPECT_EQ(sentence_chrf("ÄB", Strings{"äb"}, {.lowercase = true}).score, 100);
  EXPECT_EQ(corpus_chrf(Strings{}, Strings{}).score, 0);
}

TEST(Chrf, MistakesAreNamed) {
  const Strings one = {"a"}, two = {"a", "b"};
  EXPECT_THAT([&] { corpus_chrf(one, two); }, ThrowsMessage<ValueError>("chrf: 1 hypotheses, 2 references"));
  EXPECT_THAT([&] { chrf_stats("a", {}); },
              ThrowsMessage<ValueError>("chrf: a sentence without a reference"));
  EXPECT_THAT([&] { corpus_chrf(one, one, {.char_order = 0}); },
              ThrowsMessage<ValueError>("chrf: 0 character orders and 0 word orders"));
  EXPECT_THAT([&] { corpus_chrf(one, one, {.beta = 0}); },
              ThrowsMessage<ValueError>("chrf: beta is 0, not 1 or more"));
  EXPECT_THAT([&] { chrf_of(chrf_stats("a", one), {.word_order = 2}); },
              ThrowsMessage<ValueError>("chrf: statistics of 6 orders, options for 8"));
  EXPECT_THAT(
      [&] {
        ChrfStats sum = chrf_stats("a", one);
        sum += chrf_stats("a", one, {.word_order = 2});
      },
      ThrowsMessage<ValueError>("chrf: statistics of 6 orders and of 8"));
}

}  // namespace
}  // namespace heed::models
