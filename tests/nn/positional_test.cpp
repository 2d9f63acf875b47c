// Position encodings against values worked by hand, and what each is for: unlimited length, a learned row,
// relative positions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "nn/nn.h"
#include "tests/testing/close.h"
#include "tests/testing/parameters.h"
#include "tests/testing/throws.h"

namespace heed::nn {
namespace {

TEST(SinusoidalPositions, ByHand) {
  // D = 4: frequencies 10000^0 = 1 and 10000^(-2/4) = 0.01.  sin 1 = 0.8414710, cos 1 = 0.5403023, sin 0.01 =
  // 0.0099998, cos 0.01 = 0.9999500, sin 2 = 0.9092974, cos 2 = -0.4161468, sin 0.02 = 0.0199987, cos 0.02 =
  // 0.9998000.
  const Tensor expected = from_vector<float>({0, 1, 0, 1, 0.8414710F, 0.5403023F, 0.0099998F, 0.9999500F,
                                              0.9092974F, -0.4161468F, 0.0199987F, 0.9998000F},
                                             {3, 4});
  EXPECT_TRUE(all_close(sinusoidal_positions(3, 4), expected, 1e-6, 1e-7));
  EXPECT_TRUE(
      all_close(sinusoidal_positions(2, 4, /*first=*/1), slice(expected, 0, 1, 3).contiguous(), 1e-6, 1e-7));
  // An odd D ends with a sine: D = 3, frequency 10000^(-2/3) = 0.0021544.
  EXPECT_NEAR(sinusoidal_positions(1, 3, 1, DType::f64).to_vector<double>()[2],
              std::sin(std::pow(10000.0, -2.0 / 3)), 1e-15);
}

TEST(SinusoidalPositions, HalvesByHand) {
  // D = 4, position 1. halves: frequencies 1 and 0.01 as above. halves_inclusive: 1 and 10000^(-1/1).
  const auto row = [](int64_t dim, int64_t first, Sinusoids kind) {
    return sinusoidal_positions(1, dim, first, DType::f64, kind).to_vector<double>();
  };
  const auto near = [](const std::vector<double>& wanted) {
    return testing::Pointwise(testing::DoubleNear(1e-12), wanted);
  };
  EXPECT_THAT(row(4, 1, Sinusoids::halves),
              near({std::sin(1.0), std::sin(0.01), std::cos(1.0), std::cos(0.01)}));
  EXPECT_THAT(row(4, 1, Sinusoids::halves_inclusive),
              near({std::sin(1.0), std::sin(1e-4), std::cos(1.0), std::cos(1e-4)}));
  EXPECT_THAT(row(3, 1, Sinusoids::halves),
              near({std::sin(1.0), std::sin(std::pow(10000.0, -2.0 / 3)), std::cos(1.0)}));
  EXPECT_THAT(row(2, 5, Sinusoids::halves_inclusive), near({std::sin(5.0), std::cos(5.0)}));
  // D = 512: sines 0, 1, 2, 100 and 255 of position 5, as PyTorch and Marian compute them
  const auto halves = row(512, 5, Sinusoids::halves), inclusive = row(512, 5, Sinusoids::halves_inclusive);
  const std::vector<size_t> at{0, 1, 2, 100, 255};
  const std::vector<double> wanted{-0.958924, -0.993855, -0.998229, 0.136494, 0.000518};
  for (size_t i = 0; i < at.size(); ++i) EXPECT_NEAR(halves[at[i]], wanted[i], 5e-7);
  EXPECT_NEAR(inclusive[1], -0.993930, 5e-7);
  EXPECT_NEAR(inclusive[255], std::sin(5e-4), 1e-12);
  EXPECT_ERROR(ValueError, "sinusoidal positions: halves_inclusive needs an even size, got 5",
               row(5, 0, Sinusoids::halves_inclusive));
  EXPECT_ERROR(ShapeError, "sinusoidal positions: too many elements in [2305843009213693952, 4]",
               sinusoidal_positions(int64_t{1} << 61, 4));
  EXPECT_ERROR(ValueError,
               "sinusoidal positions: the first position must be at most 2^53, got 9223372036854775807",
               sinusoidal_positions(2, 4, INT64_MAX));
  const SinusoidalPositions layer(4, 3, Sinusoids::halves_inclusive);  // from its table, and beyond it
  const Tensor sum = layer(zeros({1, 5, 4}));
  EXPECT_TRUE(all_close(squeeze(sum, 0),
                        sinusoidal_positions(5, 4, 0, DType::f32, Sinusoids::halves_inclusive), 1e-6, 1e-7));
}

// the reason that sec. 3.5 gives: PE(p + k) is PE(p) turned by k w in each pair
TEST(SinusoidalPositions, AShiftIsALinearMap) {
  const int64_t D = 6, k = 5;
  const auto pe = sinusoidal_positions(20, D, 0, DType::f64).to_vector<double>();
  for (int64_t p = 0; p + k < 20; ++p) {
    for (int64_t i = 0; i < D; i += 2) {
      const double angle =
          static_cast<double>(k) * std::pow(10000.0, -static_cast<double>(i) / static_cast<double>(D));
      const auto at = [&](int64_t row, int64_t d) { return pe[static_cast<size_t>(row * D + d)]; };
      EXPECT_NEAR(at(p + k, i), at(p, i) * std::cos(angle) + at(p, i + 1) * std::sin(angle), 1e-12);
      EXPECT_NEAR(at(p + k, i + 1), at(p, i + 1) * std::cos(angle) - at(p, i) * std::sin(angle), 1e-12);
    }
  }
}

TEST(SinusoidalPositions, AddsAndGoesOnBeyondItsTable) {
  const SinusoidalPositions positions(4, /*max_length=*/3);
  EXPECT_EQ(positions.parameter_count(), 0);
  const Tensor x = randn({2, 5, 4}), pe = sinusoidal_positions(5, 4);
  EXPECT_TRUE(all_close(positions(x), x + pe, 1e-6, 1e-7));
  const Tensor step = slice(x, 1, 2, 3).contiguous();  // one step of a decoder
  EXPECT_TRUE(all_close(positions(step, 2), step + slice(pe, 0, 2, 3), 1e-6, 1e-7));
  EXPECT_THROW(positions(randn({2, 5, 3})), ShapeError);
  EXPECT_THROW(positions(x, -1), ValueError);
}

TEST(LearnedPositions, AddsItsRowsAndRefusesToGoBeyond) {
  const LearnedPositions positions(4, 2);
  const NoGradGuard no_grad;
  positions.weight.copy_(from_vector<float>({0, 1, 2, 3, 4, 5, 6, 7}, {4, 2}));
  EXPECT_THAT(positions(ones({1, 2, 2}), 1).to_vector<float>(), testing::ElementsAre(3, 4, 5, 6));
  EXPECT_THAT(
      [&] {
        positions(ones({1, 2, 2}), 3);
      },
      testing::ThrowsMessage<IndexError>("learned positions: position 4 is outside 0..3"));
}

TEST(LearnedPositions, GradientsMatchFiniteDifferences) {
  const LearnedPositions positions(5, 2);
  const std::vector<Tensor> inputs = {randn({2, 3, 2}, DType::f64), randn({5, 2}, DType::f64)};
  const auto f = [&](const std::vector<Tensor>& x) {
    substitute_parameters(positions, {x[1]});
    return std::vector{square(positions(x[0], 1))};
  };
  const GradcheckResult result = gradcheck(f, inputs);
  EXPECT_TRUE(result) << result.message;
}

TEST(Rotary, ByHand) {
  // D = 4: theta = 1 and 0.01. At position 0 nothing turns. At 1, (1, 0) turns to (cos 1, sin 1) and (0, 2)
  // to (-2 sin 0.01, 2 cos 0.01).
  const Tensor x = from_vector<float>({1, 0, 0, 2, 1, 0, 0, 2}, {2, 4});
  const Tensor expected =
      from_vector<float>({1, 0, 0, 2, 0.5403023F, 0.8414710F, -0.0199997F, 1.9999000F}, {2, 4});
  EXPECT_TRUE(all_close(rotary(x), expected, 1e-6, 1e-7));
  EXPECT_TRUE(
      all_close(rotary(slice(x, 0, 1, 2), /*first=*/1), slice(expected, 0, 1, 2).contiguous(), 1e-6, 1e-7));
}

TEST(Rotary, ScoresDependOnTheDistanceAlone) {
  const Tensor q = randn({1, 8}, DType::f64), k = randn({1, 8}, DType::f64);
  const auto score = [&](int64_t m, int64_t n) { return sum(rotary(q, m) * rotary(k, n)).item(); };
  for (const int64_t distance : {0, 1, 4}) {
    for (const int64_t n : {1, 7, 1000}) EXPECT_NEAR(score(n + distance, n), score(distance, 0), 1e-10);
  }
  EXPECT_GT(std::abs(score(1, 0) - score(0, 1)), 1e-6);  // and it tells before from after
}

TEST(Rotary, KeepsLengthsAndTakesHeads) {
  const Tensor x = randn({2, 3, 5, 4}, DType::f64), y = rotary(x, 3);
  EXPECT_TRUE(all_close(sum(square(y), {3}), sum(square(x), {3}), 1e-12, 1e-12));
  const Tensor one = rotary(select(select(x, 0, 1), 0, 2), 3);
  EXPECT_TRUE(all_close(select(select(y, 0, 1), 0, 2).contiguous(), one, 1e-12, 1e-12));
}

TEST(Rotary, GradientsMatchFiniteDifferences) {
  const auto f = [](const std::vector<Tensor>& x) { return std::vector{square(rotary(x[0], 2))}; };
  const GradcheckResult result = gradcheck(f, {randn({2, 3, 4}, DType::f64)}, {.order = 2});
  EXPECT_TRUE(result) << result.message;
}

TEST(Rotary, RefusesWhatHasNoPairs) {
  EXPECT_THROW(rotary(randn({2, 3})), ShapeError);
  EXPECT_ERROR(ValueError, "rotary: the tensor is undefined, it was never given a value", rotary(Tensor{}));
  EXPECT_THROW(rotary(randn({4})), ShapeError);
  EXPECT_THROW(rotary(randn({2, 4}), -1), ValueError);
}

}  // namespace
}  // namespace heed::nn
