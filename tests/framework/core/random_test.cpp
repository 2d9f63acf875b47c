// Philox against the vectors of its authors; generators, random tensors and dropout.
#include "framework/core/random.h"

#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "framework/core/distributions.h"
#include "framework/framework.h"
#include "tests/testing/close.h"
#include "tests/testing/throws.h"

namespace heed {
namespace {

using Words = std::array<uint32_t, 4>;

// Random123's kat_vectors, philox4x32 10. Counter words 0, 1 are our index, words 2, 3 our stream, the key
// our seed, low word first.
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(philox(0, 0, 0), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox(UINT64_MAX, UINT64_MAX, UINT64_MAX),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox(0x299f31d0a4093822, 0x0370734413198a2e, 0x85a308d3243f6a88),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

// randn and uniform are computed in vectors, on several threads; every number is that of its definition.
TEST(Random, NumbersAreThoseOfTheirDefinitionToTheBit) {
  constexpr int64_t kCount = 400003;
  manual_seed(7);
  const Tensor normal = randn({kCount}), unit = uniform({kCount}, 0, 1), wide = uniform({kCount}, -3, 1e-3),
               exact = uniform({1001}, -2, 5, DType::f64), normal64 = randn({1001}, DType::f64);
  for (int64_t i = 0; i < kCount; ++i) {
    const auto words = [i](uint64_t stream) { return philox(7, stream, static_cast<uint64_t>(i)); };
    ASSERT_EQ(normal.data<float>()[i], static_cast<float>(detail::normal_from(words(0)))) << i;
    ASSERT_EQ(unit.data<float>()[i], detail::uniform_from<float>(words(1), 0, 1)) << i;
    ASSERT_EQ(wide.data<float>()[i], detail::uniform_from<float>(words(2), -3, 1e-3)) << i;
    if (i >= 1001) continue;
    ASSERT_EQ(exact.data<double>()[i], detail::uniform_from<double>(words(3), -2, 5)) << i;
    ASSERT_EQ(normal64.data<double>()[i], detail::normal_from(words(4))) << i;
  }
}

TEST(Random, AScopeLeavesTheThreadsNumbersAsTheyWere) {
  manual_seed(5);
  randn({3});
  const Generator::State before = default_generator().state();
  std::vector<float> inside;
  {
    const GeneratorScope scope({.seed = 9});
    inside = randn({4}).to_vector<float>();
    {
      const GeneratorScope inner({.seed = 1});
      randn({2});
    }
    EXPECT_EQ(default_generator().state(), (Generator::State{.seed = 9, .draws = 1}));
  }
  EXPECT_EQ(default_generator().state(), before);
  manual_seed(9);
  EXPECT_EQ(randn({4}).to_vector<float>(), inside);
}

TEST(Generator, AStateRestoredGivesTheSameNumbers) {
  Generator generator(42);
  generator.next_uint64();
  const Generator::State state = generator.state();
  const uint64_t a = generator.next_uint64(), b = generator.next_below(1000);
  generator.set_state(state);
  EXPECT_EQ(generator.next_uint64(), a);
  EXPECT_EQ(generator.next_below(1000), b);
}

TEST(Generator, BelowABoundIsEven) {
  Generator generator(1);
  std::array<int, 6> seen{};
  for (int i = 0; i < 60000; ++i) ++seen[generator.next_below(6)];
  for (const int n : seen) EXPECT_NEAR(n, 10000, 5 * std::sqrt(60000.0 * 5 / 36));
}

TEST(Random, UniformAndNormalHaveTheirMoments) {
  manual_seed(5);
  const auto u = uniform({200000}, -1, 3, DType::f64).to_vector<double>(),
             z = randn({200000}, DType::f64).to_vector<double>();
  double mean_u = 0, mean_z = 0, square_z = 0;
  for (size_t i = 0; i < u.size(); ++i) {
    ASSERT_TRUE(u[i] >= -1 && u[i] < 3);
    mean_u += u[i], mean_z += z[i], square_z += z[i] * z[i];
  }
  const auto n = static_cast<double>(u.size());
  EXPECT_NEAR(mean_u / n, 1, 5 * 4 / std::sqrt(12 * n));
  EXPECT_NEAR(mean_z / n, 0, 5 / std::sqrt(n));
  EXPECT_NEAR(square_z / n, 1, 5 * std::sqrt(2 / n));
}

TEST(Random, TheSeedDecides) {
  manual_seed(9);
  const auto a = randn({10}).to_vector<float>(), b = randn({10}).to_vector<float>();
  manual_seed(9);
  EXPECT_EQ(randn({10}).to_vector<float>(), a);
  EXPECT_EQ(randn({10}).to_vector<float>(), b);
  EXPECT_NE(a, b);
}

TEST(Dropout, KeepsItsShareAndItsMean) {
  manual_seed(11);
  constexpr double kP = 0.3;
  const int64_t n = 100000;
  const auto y = dropout(ones({n}), kP).to_vector<float>();
  const auto kept = static_cast<double>(std::count_if(y.begin(), y.end(), [](float v) { return v != 0; }));
  EXPECT_NEAR(kept / static_cast<double>(n), 1 - kP, 5 * std::sqrt(kP * (1 - kP) / static_cast<double>(n)));
  // p goes in steps of 2^-16
  for (const float v : y) ASSERT_TRUE(v == 0 || std::abs(v - 1 / (1 - kP)) < 1e-4) << v;
}

TEST(Dropout, BackwardUsesForwardsMaskAndEachCallItsOwn) {
  manual_seed(12);
  const Tensor x = ones({513}).set_requires_grad(true);
  const Tensor first = dropout(x, 0.4), second = dropout(x, 0.4);
  EXPECT_NE(first.to_vector<float>(), second.to_vector<float>());
  second.backward(ones({513}));
  EXPECT_EQ(x.grad().to_vector<float>(), second.to_vector<float>());
}

TEST(Dropout, IsTheIdentityOutsideTraining) {
  const Tensor x = ones({4});
  EXPECT_EQ(dropout(x, 0.4, false).body(), x.body());
  EXPECT_EQ(dropout(x, 0).body(), x.body());
  EXPECT_ERROR(ValueError, "dropout: p = 1 is outside [0, 1)", dropout(x, 1));
  EXPECT_ERROR(ValueError, "dropout: p = -0.1 is outside [0, 1)", dropout(x, -0.1));
  EXPECT_ERROR(ValueError, "dropout: p = nan is outside [0, 1)", dropout(x, NAN));
}

TEST(Random, NothingIsBelowZero) {
  EXPECT_ERROR(ValueError, "next_below: nothing is below 0", default_generator().next_below(0));
}

TEST(Random, TheExtremeWordsStayInsideTheHalfOpenRange) {
  const std::array<uint32_t, 4> ends = {0, 1, 0x80000000, 0xFFFFFFFF};
  const std::array<std::pair<double, double>, 5> ranges = {
      {{0, 1}, {-1, 1}, {0.1, 0.3}, {1e6, 1e6 + 1}, {-1e30, 1e30}}};
  for (const uint32_t a : ends) {
    for (const uint32_t b : ends) {
      for (const auto& [low, high] : ranges) {
        const auto single = static_cast<double>(detail::uniform_from<float>({a, b, 0, 0}, low, high));
        EXPECT_TRUE(single >= static_cast<double>(static_cast<float>(low)) && single < high)
            << single << " of " << low << ", " << high;
        const double wide = detail::uniform_from<double>({a, b, 0, 0}, low, high);
        EXPECT_TRUE(wide >= low && wide < high) << wide << " of " << low << ", " << high;
      }
      for (const uint32_t c : ends) {
        for (const uint32_t d : ends) {
          const double z = detail::normal_from({a, b, c, d});
          EXPECT_TRUE(std::isfinite(z) && std::abs(z) < 9) << z;
        }
      }
    }
  }
}

// A range of more than the largest double from end to end.
TEST(Random, ARangeAsWideAsAllNumbersIsEven) {
  manual_seed(3);
  const double most = std::numeric_limits<double>::max();
  const std::vector<double> drawn = uniform({1000}, -most, most, DType::f64).to_vector<double>();
  EXPECT_TRUE(std::ranges::all_of(drawn, [&](double x) { return x >= -most && x < most; }));
  const auto low = std::ranges::count_if(drawn, [](double x) { return x < 0; });
  EXPECT_GT(low, 400);
  EXPECT_LT(low, 600);
}

TEST(Random, TheExtremeWordsStayBelowTheBound) {
  for (const uint64_t bound :
       {uint64_t{1}, uint64_t{2}, uint64_t{3}, uint64_t{1} << 53, (uint64_t{1} << 63) + 1, UINT64_MAX}) {
    uint64_t last = 0;  // the last word that counts
    for (const uint64_t word : {uint64_t{0}, uint64_t{1}, bound - 1, bound, UINT64_MAX / 2,
                                UINT64_MAX - bound, UINT64_MAX - 1, UINT64_MAX}) {
      const auto x = detail::below_from(word, bound);
      EXPECT_TRUE(!x || *x < bound) << word << " below " << bound;
      if (x) last = std::max(last, word);
    }
    EXPECT_EQ(detail::below_from(0, bound), 0U);
    EXPECT_EQ(detail::below_from(bound - 1, bound), bound - 1);
    EXPECT_GE(last, UINT64_MAX / 2) << bound;  // few words are drawn again
  }
}

TEST(Random, DropoutDropsSoManyOfAllHalves) {
  for (const double p : {1.0 / 65536, 0.1, 0.5, 0.9, 65535.0 / 65536}) {
    const detail::DropoutRule rule(p);
    int64_t dropped = 0;
    for (uint32_t half = 0; half < 65536; ++half) dropped += rule.keeps(half) ? 0 : 1;
    EXPECT_NEAR(static_cast<double>(dropped) / 65536, p, 0.5 / 65536);
    EXPECT_FALSE(rule.keeps(0));
    EXPECT_TRUE(rule.keeps(65535));
    EXPECT_NEAR(rule.scale * (1 - p), 1, p < 0.95 ? 1e-4 : 1e-12) << p;
  }
  EXPECT_TRUE(detail::DropoutRule(0).keeps(0));
  EXPECT_EQ(detail::DropoutRule(0).scale, 1);
  EXPECT_FALSE(detail::DropoutRule(1).keeps(65535));
  EXPECT_EQ(detail::DropoutRule(1).scale, 0);
}

TEST(Random, BernoulliIsExactAtBothEnds) {
  manual_seed(1);
  EXPECT_EQ(sum(bernoulli({100000}, 0)).item(), 0);
  EXPECT_EQ(sum(bernoulli({100000}, 1)).item(), 100000);
}

TEST(Random, ThreadsDrawTheirOwnNumbers) {
  manual_seed(123);
  std::vector<std::vector<float>> drawn(3);
  for (size_t i = 0; i < 2; ++i)
    std::thread([&drawn, i] { drawn[i] = randn({2}).to_vector<float>(); }).join();
  drawn[2] = randn({2}).to_vector<float>();
  EXPECT_NE(drawn[0], drawn[1]);
  EXPECT_NE(drawn[0], drawn[2]);
  EXPECT_NE(drawn[1], drawn[2]);
  manual_seed(123);
  EXPECT_EQ(randn({2}).to_vector<float>(), drawn[2]);  // whatever other threads did
}

}  // namespace
}  // namespace heed
