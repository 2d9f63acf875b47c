// Choosing, repeating and moving elements: refusals word for word, values that no sample shows, and what
// random choices are distributed like.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "framework/autograd/gradcheck.h"
#include "framework/framework.h"
#include "tests/testing/close.h"
#include "tests/testing/throws.h"

namespace heed {
namespace {

constexpr DType kWhole = DType::i64;

Tensor whole(const std::vector<int64_t>& values) {
  return from_vector(values, {static_cast<int64_t>(values.size())});
}

TEST(Rearranged, Errors) {
  const Tensor x = zeros({2, 3});
  EXPECT_EQ(floor(zeros({2}, kWhole)).dtype(), kWhole);
  EXPECT_ERROR(ShapeError, "repeat: 1 numbers of copies for [2, 3]", repeat(x, {2}));
  EXPECT_ERROR(ValueError, "tile: a number of copies is negative: [-1]", tile(x, {-1}));
  EXPECT_ERROR(ValueError, "repeat_interleave: times must be at least 0, got -1",
               repeat_interleave(x, -1, 0));
  EXPECT_ERROR(ValueError, "repeat_interleave: times must be at least 0, got -2",
               repeat_interleave(x, whole({1, -2}), 0));
  EXPECT_ERROR(ShapeError, "repeat_interleave: numbers of copies [2] for dimension 1 of [2, 3]",
               repeat_interleave(x, whole({1, 2}), 1));
  EXPECT_ERROR(DTypeError, "repeat_interleave: the numbers of copies must be i64, got f32[2]",
               repeat_interleave(x, ones({2}), 0));
  EXPECT_ERROR(ValueError, "roll: 2 shifts for 1 dimensions", roll(x, {1, 2}, {0}));
  EXPECT_ERROR(ValueError, "roll: dimension 1 is named twice", roll(x, {1, 2}, {1, -1}));
  EXPECT_ERROR(ValueError, "movedim: 1 dimensions for 2 places",
               movedim(x, std::vector{0}, std::vector{0, 1}));
  EXPECT_ERROR(IndexError, "movedim: dimension 2 is outside [-2, 2)", movedim(x, 2, 0));
  EXPECT_ERROR(ValueError, "flatten: dimension 1 stands behind 0 in [2, 3]", flatten(x, 1, 0));
  EXPECT_ERROR(ShapeError, "unflatten: dimension 1 of [2, 3] does not become [2, -1]",
               unflatten(x, 1, {2, -1}));
  EXPECT_ERROR(ShapeError, "unflatten: dimension 1 of [2, 3] does not become [-1, -1]",
               unflatten(x, 1, {-1, -1}));
  EXPECT_ERROR(ValueError, "diagonal: dimension 1 is named twice", diagonal(x, 0, 1, -1));
  EXPECT_ERROR(ShapeError, "diag: takes a vector or a matrix, got []", diag(zeros({})));
  EXPECT_ERROR(ShapeError, "trace: takes a matrix, got [3]", trace(zeros({3})));
  EXPECT_ERROR(ShapeError, "expand: [2, 3] does not stretch to [-1, 2, 3]", expand(x, {-1, 2, 3}));
  EXPECT_ERROR(ShapeError, "expand: [2, 3] does not stretch to [2, -2]", expand(x, {2, -2}));
  EXPECT_ERROR(ShapeError, "meshgrid: takes vectors, got [2, 3]", meshgrid({x}));
  EXPECT_ERROR(ShapeError, "meshgrid: 7 vectors, more than 6 dimensions",
               meshgrid(std::vector<Tensor>(7, zeros({1}))));
  EXPECT_ERROR(DTypeError, "masked_select: takes a mask (bool), got f32[2, 3]", masked_select(x, x));
  EXPECT_ERROR(IndexError, "scatter: index 3 is outside 0..2 of dimension 1 of [2, 3]",
               scatter(x, 1, full({2, 1}, 3, kWhole), zeros({2, 1})));
  EXPECT_ERROR(ShapeError, "scatter: the index [2, 1] does not fit the source [2]",
               scatter(x, 1, zeros({2, 1}, kWhole), zeros({2})));
  EXPECT_ERROR(DTypeError, "scatter: dtypes differ: f32[2, 3] and f64[2, 1]",
               scatter(x, 1, zeros({2, 1}, kWhole), zeros({2, 1}, DType::f64)));
  EXPECT_ERROR(ShapeError, "cdist: sizes of vectors or batches differ: [2, 3] and [2, 2]",
               cdist(x, zeros({2, 2})));
  EXPECT_ERROR(ShapeError, "cdist: takes two lists of vectors: [3] and [3]", cdist(zeros({3}), zeros({3})));
  EXPECT_ERROR(ValueError, "cosine_similarity: eps 0 is outside (0, inf)", cosine_similarity(x, x, 1, 0));
  EXPECT_ERROR(ValueError, "randint: nothing from 2 to below 2", randint(2, 2, {3}));
  EXPECT_ERROR(ShapeError, "randperm: negative extent in [-1]", randperm(-1));
  EXPECT_ERROR(ShapeError, "multinomial: takes weights [C] or [B, C], got []", multinomial(ones({}), 1));
  EXPECT_ERROR(ValueError, "multinomial: weight -1 in row 1 is negative or not finite",
               multinomial(from_vector<float>({1, 1, 1, -1}, {2, 2}), 1));
  EXPECT_ERROR(ValueError, "multinomial: the weights of row 0 sum to 0", multinomial(zeros({2}), 1, true));
  EXPECT_ERROR(ValueError, "multinomial: 2 draws without replacement from 1 weights above 0 in row 0",
               multinomial(from_vector<float>({0, 3}, {2}), 2));
}

TEST(Rearranged, NonzeroGoesByTheValues) {
  const double nan = std::nan("");
  const Tensor x = from_vector<double>({0, nan, -0.0, -1, 0, 1e-320}, {3, 2});
  EXPECT_EQ(nonzero(x).to_vector<int64_t>(), (std::vector<int64_t>{0, 1, 1, 1, 2, 1}));
  EXPECT_EQ(nonzero(x).shape(), (Shape{3, 2}));
  EXPECT_EQ(nonzero(ones({})).shape(), (Shape{1, 0}));
  EXPECT_EQ(nonzero(zeros({2})).shape(), (Shape{0, 1}));
  EXPECT_EQ(count_nonzero(x, {0}, KeepDim::yes).to_vector<int64_t>(), (std::vector<int64_t>{0, 3}));
}

TEST(Rearranged, MasksOfIntegersAreFinite) {
  const Tensor x = whole({1, -2});
  EXPECT_EQ(isfinite(x).to_vector<bool>(), (std::vector<bool>{true, true}));
  EXPECT_EQ(isnan(x).to_vector<bool>(), (std::vector<bool>{false, false}));
}

TEST(Rearranged, RoundsHalvesToTheEvenOne) {
  const Tensor x = from_vector<float>({-2.5F, -1.5F, -0.5F, 0.5F, 1.5F, 2.5F}, {6});
  EXPECT_EQ(round(x).to_vector<float>(), (std::vector<float>{-2, -2, 0, 0, 2, 2}));
}

// Two for one place: the last stays, and it alone has a gradient.
TEST(Rearranged, ScatterGivesThePlaceToTheLast) {
  const Tensor index = from_vector<int64_t>({1, 1, 0}, {3});
  const Tensor x = zeros({2}, DType::f64).set_requires_grad(true),
               source = from_vector<double>({5, 6, 7}, {3}).set_requires_grad(true);
  const Tensor y = scatter(x, 0, index, source);
  EXPECT_EQ(y.to_vector<double>(), (std::vector<double>{7, 6}));
  y.backward(from_vector<double>({10, 20}, {2}));
  EXPECT_EQ(source.grad().to_vector<double>(), (std::vector<double>{0, 20, 10}));
  EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{0, 0}));
  EXPECT_EQ(scatter(whole({1, 2, 3}), 0, whole({2}), whole({9})).to_vector<int64_t>(),
            (std::vector<int64_t>{1, 2, 9}));
}

TEST(Rearranged, TheDistanceOfAPointToItselfHasTheGradientZero) {
  const Tensor x = from_vector<double>({1, 2, 1, 2, 4, 6}, {3, 2}).set_requires_grad(true);
  const Tensor y = cdist(x, x);
  EXPECT_EQ(y.to_vector<double>(), (std::vector<double>{0, 0, 5, 0, 0, 5, 5, 5, 0}));
  const Tensor g = grad({sum(y)}, {x}, {.create_graph = true})[0];
  sum(square(g)).backward();
  EXPECT_TRUE(all_close(g, from_vector<double>({-1.2, -1.6, -1.2, -1.6, 2.4, 3.2}, {3, 2}), 1e-12, 0));
  for (const double v : x.grad().to_vector<double>()) EXPECT_TRUE(std::isfinite(v));
}

TEST(Rearranged, SmallDistancesFarFromTheOriginAreKept) {
  const Tensor a = full({1, 3}, 1000), b = a + 0.001;
  EXPECT_TRUE(all_close(cdist(a, b), norm(b - a, {1}, KeepDim::yes), 1e-6, 0));
}

TEST(Rearranged, RollsByAnyNumber) {
  const Tensor x = arange(5);
  EXPECT_EQ(roll(x, {-12}).to_vector<int64_t>(), (std::vector<int64_t>{2, 3, 4, 0, 1}));
  EXPECT_EQ(roll(x, {10}).to_vector<int64_t>(), x.to_vector<int64_t>());
}

TEST(Rearranged, UnbindIsTheInverseOfStack) {
  const Tensor x = randn({2, 3, 4});
  EXPECT_TRUE(all_close(stack(unbind(x, 1), 1), x, 0, 0));
}

TEST(RandomChoice, PermutationsAreAllEquallyOften) {
  manual_seed(2);
  std::map<std::vector<int64_t>, int> seen;
  constexpr int kDraws = 12000;
  for (int i = 0; i < kDraws; ++i) ++seen[randperm(3).to_vector<int64_t>()];
  EXPECT_EQ(seen.size(), 6U);
  for (const auto& [order, times] : seen) EXPECT_NEAR(times, kDraws / 6.0, 5 * std::sqrt(kDraws * 5 / 36.0));
  std::vector<int64_t> large = randperm(1000).to_vector<int64_t>();
  std::ranges::sort(large);
  EXPECT_EQ(large, arange(1000).to_vector<int64_t>());
  EXPECT_EQ(randperm(0).numel(), 0);
}

TEST(RandomChoice, IntegersAreEvenAndInTheirRange) {
  manual_seed(2);
  constexpr int kDraws = 60000;
  std::map<int64_t, int> seen;
  for (const int64_t v : randint(-3, 3, {kDraws}).to_vector<int64_t>()) ++seen[v];
  EXPECT_EQ(seen.size(), 6U);
  EXPECT_EQ(seen.begin()->first, -3);
  for (const auto& [value, times] : seen) EXPECT_NEAR(times, kDraws / 6.0, 5 * std::sqrt(kDraws * 5 / 36.0));
  const Tensor widest = randint(INT64_MIN, INT64_MAX, {100});
  EXPECT_TRUE(std::ranges::any_of(widest.to_vector<int64_t>(), [](int64_t v) { return v < INT64_MIN / 2; }));
}

// With replacement each draw has the weights' shares; without, the first of two has, and the second those
// that the first leaves.
TEST(RandomChoice, MultinomialHasTheSharesOfItsWeights) {
  manual_seed(2);
  constexpr int kRows = 40000;
  const std::vector<double> share = {0.1, 0, 0.6, 0.3};
  const Tensor weights = expand(from_vector(share, {4}) * 7.0, {kRows, 4});
  const auto near = [&](double times, double p) {
    EXPECT_NEAR(times, kRows * p, 5 * std::sqrt(kRows * p * (1 - p)) + 1e-9);
  };
  for (const bool replacement : {true, false}) {
    const std::vector<int64_t> drawn = multinomial(weights, 2, replacement).to_vector<int64_t>();
    std::map<std::pair<int64_t, int64_t>, double> seen;
    for (size_t r = 0; r < kRows; ++r) ++seen[{drawn[2 * r], drawn[2 * r + 1]}];
    for (int64_t i = 0; i < 4; ++i) {
      for (int64_t k = 0; k < 4; ++k) {
        const double p = share[static_cast<size_t>(i)], q = share[static_cast<size_t>(k)];
        near(seen[{i, k}], replacement ? p * q : i == k ? 0 : p * q / (1 - p));
      }
    }
  }
}

TEST(RandomChoice, ASeedGivesTheSameChoicesAgain) {
  const auto draw = [] {
    manual_seed(9);
    return std::vector{randperm(20), randint(0, 100, {20}), multinomial(ones({20}), 5)};
  };
  const auto first = draw(), second = draw();
  for (size_t i = 0; i < first.size(); ++i)
    EXPECT_EQ(first[i].to_vector<int64_t>(), second[i].to_vector<int64_t>());
}

TEST(Einsum, ContractsTheCheapPairFirst) {  // (8 x 200)(200 x 8)(8 x 200) and not the 200 x 200 in between
  manual_seed(4);
  const Tensor a = randn({8, 200}), b = randn({200, 8}), c = randn({8, 200});
  FlopCounter counter;
  const Tensor y = einsum("ij,jk,kl->il", {a, b, c});
  EXPECT_EQ(counter.count(), 2 * 2 * 8 * 200 * 8);
  EXPECT_TRUE(all_close(y, matmul(matmul(a, b), c), 1e-4, 1e-3));
  FlopCounter other;
  einsum("kl,ij,jk->il", {c, a, b});
  EXPECT_EQ(other.count(), 2 * 2 * 8 * 200 * 8);
}

TEST(Grad, TakesListsInBraces) {
  const Tensor x = from_vector<double>({3}, {}).set_requires_grad(true), y = x * x;
  const Tensor slope = grad({y}, {x}, {.create_graph = true})[0];
  EXPECT_EQ(slope.item(), 6);
  EXPECT_EQ(grad({slope}, {x})[0].item(), 2);
  const Tensor z = x * 2.0;
  EXPECT_EQ(grad({z}, {x}, {full({}, 5, DType::f64)})[0].item(), 10);
  EXPECT_EQ(grad({x * 3.0}, std::vector{x})[0].item(), 3);
}

}  // namespace
}  // namespace heed
