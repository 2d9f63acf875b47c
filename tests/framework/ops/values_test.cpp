// What samples and PyTorch's finite values do not show: NaN, infinities, ties, zero-size shapes, large
// arguments, masks.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

#include "framework/framework.h"
#include "framework/kernels/kernels.h"
#include "tests/testing/close.h"
#include "tests/testing/throws.h"

namespace heed {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN(),
                 kInf = std::numeric_limits<double>::infinity();

Tensor vector(const std::vector<double>& values) {
  return from_vector(values, {static_cast<int64_t>(values.size())});
}
std::vector<double> values(const Tensor& x) { return x.to(DType::f64).to_vector<double>(); }
double only(const Tensor& x) { return x.item(); }

TEST(OpValues, AMaskKeepsItsBitsThroughViewsAndFiles) {
  const Tensor mask = from_vector<bool>({true, false, false, true, true, false}, {2, 3});
  EXPECT_EQ(mask.describe(), "bool[2, 3]");
  EXPECT_EQ(transpose(mask).to_vector<bool>(), (std::vector<bool>{true, true, false, true, false, false}));
  EXPECT_EQ(values(mask), (std::vector<double>{1, 0, 0, 1, 1, 0}));
  EXPECT_EQ(vector({0, -0.0, 2, kNan}).to(DType::boolean).to_vector<bool>(),
            (std::vector<bool>{false, false, true, true}));
  const auto file = parse_safetensors(to_safetensors({{"mask", mask}, {"x", vector({1})}}, {}), "m.st");
  EXPECT_EQ(file.tensors.at("mask").to_vector<bool>(), mask.to_vector<bool>());
  EXPECT_EQ(file.tensors.at("mask").dtype(), DType::boolean);
}

TEST(OpValues, ComparisonsFollowIeee) {
  const Tensor a = vector({kNan, 0.0, kInf, 1}), b = vector({kNan, -0.0, kInf, 2});
  EXPECT_EQ(values(eq(a, b)), (std::vector<double>{0, 1, 1, 0}));
  EXPECT_EQ(values(ne(a, b)), (std::vector<double>{1, 0, 0, 1}));
  EXPECT_EQ(values(lt(a, b)), (std::vector<double>{0, 0, 0, 1}));
  EXPECT_EQ(values(le(a, b)), (std::vector<double>{0, 1, 1, 1}));
  EXPECT_EQ(values(gt(a, b)), (std::vector<double>{0, 0, 0, 0}));
  EXPECT_EQ(values(ge(a, b)), (std::vector<double>{0, 1, 1, 0}));
}

// A product with a mask would give NaN here: 0 times infinity.
TEST(OpValues, WhereKeepsTheOtherSidesNanOutOfTheGradient) {
  const Tensor x = vector({0, 4}).set_requires_grad(true), positive = gt(x.detach(), zeros({}, DType::f64));
  sum(where(positive, log(x), x)).backward(from_vector<double>({1}, {}));
  EXPECT_TRUE(std::isfinite(values(x.grad())[1]));
  const Tensor y = vector({kNan, 1}).set_requires_grad(true);
  sum(where(from_vector<bool>({false, true}, {2}), square(y), ones({2}, DType::f64))).backward();
  EXPECT_EQ(values(y.grad())[1], 2);
}

TEST(OpValues, AnyAndAllOfNothing) {
  const Tensor none = zeros({0}, DType::boolean);
  EXPECT_EQ(only(any(none)), 0);
  EXPECT_EQ(only(all(none)), 1);
}

TEST(OpValues, LargeArgumentsDoNotOverflow) {
  const Tensor x = vector({-1e4, -745, 745, 1e4});
  EXPECT_EQ(values(softplus(x))[0], 0);
  EXPECT_EQ(values(softplus(x))[3], 1e4);
  EXPECT_EQ(values(silu(x))[3], 1e4);
  EXPECT_EQ(values(silu(x))[0], 0);  // -1e4 / (1 + inf)
  EXPECT_EQ(values(gelu(x))[3], 1e4);
  EXPECT_NEAR(only(logsumexp(vector({1e4, 1e4}))), 1e4 + std::log(2.0), 1e-9);
  EXPECT_EQ(only(logsumexp(vector({-kInf, -kInf}))), -kInf);
  EXPECT_EQ(only(logsumexp(vector({kInf, 1}))), kInf);
  EXPECT_EQ(values(bce_with_logits(vector({1e4, -1e4}), vector({1, 0}), Reduction::none)),
            (std::vector<double>{0, 0}));
}

TEST(OpValues, NanGoesThrough) {
  EXPECT_TRUE(std::isnan(values(sign(vector({kNan})))[0]));
  EXPECT_TRUE(std::isnan(values(clamp(vector({kNan}), 0, 1))[0]));
  EXPECT_TRUE(std::isnan(values(maximum(vector({kNan}), vector({1})))[0]));
  EXPECT_TRUE(std::isnan(values(minimum(vector({1}), vector({kNan})))[0]));
  for (const auto& x : {vector({kNan, 1, 2}), vector({1, kNan, 2}), vector({2, 1, kNan})}) {
    EXPECT_TRUE(std::isnan(only(amax(x)))) << x.to_vector<double>()[0];
    EXPECT_TRUE(std::isnan(only(amin(x)))) << x.to_vector<double>()[0];
    EXPECT_TRUE(std::isnan(only(logsumexp(x))));
    EXPECT_TRUE(std::isnan(values(x)[static_cast<size_t>(only(argmax(x)))]));
    EXPECT_TRUE(std::isnan(values(x)[static_cast<size_t>(only(argmin(x)))]));
  }
}

TEST(OpValues, TiesShareOrStandInOrder) {
  const Tensor x = vector({3, 1, 3}).set_requires_grad(true);
  amax(x).backward();
  EXPECT_EQ(values(x.grad()), (std::vector<double>{0.5, 0, 0.5}));
  EXPECT_EQ(only(argmax(x)), 0);
  EXPECT_EQ(values(sort(vector({2, kNan, 1, 2})).indices), (std::vector<double>{2, 0, 3, 1}));
  EXPECT_EQ(values(sort(vector({2, kNan, 1, 2}), 0, /*descending=*/true).indices),
            (std::vector<double>{1, 0, 3, 2}));
  EXPECT_EQ(values(topk(vector({2, 5, 5}), 2).indices), (std::vector<double>{1, 2}));
  const Tensor a = vector({1}).set_requires_grad(true), b = vector({1}).set_requires_grad(true);
  maximum(a, b).backward();
  EXPECT_EQ(only(a.grad()), 0.5);
  EXPECT_EQ(only(b.grad()), 0.5);
}

TEST(OpValues, DivisionRoundsDownAsInPython) {
  for (const auto& [a, b, quotient, rest] : {std::array<int64_t, 4>{7, 3, 2, 1},
                                             {-7, 3, -3, 2},
                                             {7, -3, -3, -2},
                                             {-7, -3, 2, -1},
                                             {6, -3, -2, 0},
                                             {0, -3, 0, 0},
                                             {INT64_MIN, -1, INT64_MIN, 0},
                                             {INT64_MIN, 3, -3074457345618258603, 1},
                                             {INT64_MAX, -2, -4611686018427387904, -1}}) {
    const Tensor x = full({1}, 0, DType::i64), y = full({1}, 0, DType::i64);
    x.data<int64_t>()[0] = a;
    y.data<int64_t>()[0] = b;
    EXPECT_EQ(floor_divide(x, y).data<int64_t>()[0], quotient) << a << " // " << b;
    EXPECT_EQ((x % y).data<int64_t>()[0], rest) << a << " % " << b;
  }
  EXPECT_EQ(values(vector({5.5, -5.5, 5.5, -5.5, 1, -6}) % vector({2, 2, -2, -2, kInf, 2})),
            (std::vector<double>{1.5, 0.5, -0.5, -1.5, 1, 0}));
  EXPECT_EQ(values(floor_divide(vector({5.5, -5.5, 1, -1, 0.6, 1}), vector({2, 2, 0, 0, 0.1, kInf}))),
            (std::vector<double>{2, -3, kInf, -kInf, 5, 0}));  // 0.6 is less than 6 times 0.1 in binary
  EXPECT_EQ(only(floor_divide(vector({1e16}), 3)), 3333333333333333);  // a quotient between two halves
  EXPECT_EQ(only(floor_divide(vector({3156.64893}).to(DType::f32), 0.000397684984)), 7937561);
  EXPECT_TRUE(std::isnan(only(vector({1}) % 0)));
  EXPECT_TRUE(std::isnan(only(vector({kInf}) % 2)));
  EXPECT_EQ((7 % arange(1, 4, 1, DType::i64)).to_vector<int64_t>(), (std::vector<int64_t>{0, 1, 1}));
  EXPECT_EQ(floor_divide(7, arange(1, 4, 1, DType::i64)).to_vector<int64_t>(),
            (std::vector<int64_t>{7, 3, 2}));
  EXPECT_EQ(floor_divide(from_vector<bool>({true}, {1}), 2).dtype(), DType::i64);
}

TEST(OpValues, CloseIsEqualOrFiniteAndNear) {
  EXPECT_EQ(values(isclose(vector({1, 1, kInf, kInf, -kInf, kNan, 1}),
                           vector({1 + 1e-6, 1 + 1e-4, kInf, 1, kInf, kNan, kInf}))),
            (std::vector<double>{1, 0, 1, 0, 0, 0, 0}));
  EXPECT_TRUE(allclose(ones({2, 3}), ones({3}, DType::i64)));
  EXPECT_TRUE(allclose(ones({0}), zeros({0})));
  EXPECT_FALSE(allclose(vector({1, 2}), vector({1, 2.1})));
  EXPECT_TRUE(allclose(vector({1, 2}), vector({1, 2.1}), 0, 0.2));
}

TEST(OpValues, UniqueRisesAndEveryNanIsItsOwn) {
  const Unique u = unique(reshape(vector({2, kNan, -0.0, 2, 0, kNan}), {2, 3}));
  ASSERT_EQ(u.values.shape(), (Shape{4}));
  EXPECT_EQ(values(u.values)[1], 2);
  EXPECT_TRUE(std::isnan(values(u.values)[2]) && std::isnan(values(u.values)[3]));
  EXPECT_EQ(values(u.counts), (std::vector<double>{2, 2, 1, 1}));
  EXPECT_EQ(values(u.inverse), (std::vector<double>{1, 2, 0, 1, 0, 3}));
  EXPECT_EQ(u.inverse.shape(), (Shape{2, 3}));
  EXPECT_EQ(from_vector<bool>({true, false, true}, {3}).unique().counts.to_vector<int64_t>(),
            (std::vector<int64_t>{1, 2}));
}

TEST(OpValues, TopkIsTheBeginningOfTheSortedRow) {
  manual_seed(3);
  for (const int64_t n : {1, 7, 64, 900}) {
    for (const DType dtype : {DType::f32, DType::f64}) {
      // rounded, so that elements are equal and the zeros have signs
      const Tensor wide = randn({3, n, 2}, dtype) * 4.0, x = empty(wide.shape(), dtype);
      for (int64_t i = 0; i < x.numel(); ++i) {
        dispatch_floating("test", dtype, [&](auto t) {
          x.data<decltype(t)>()[i] = std::round(wide.data<decltype(t)>()[i]);
        });
      }
      for (const int nans : {0, 2}) {
        for (int k = 0; k < nans; ++k) slice(x, 1, n * k / 3, n * k / 3 + 1).fill_(NAN);
        for (const bool largest : {true, false}) {
          const Sorted sorted = sort(x, 1, largest);
          for (const int64_t k : {int64_t{1}, std::min<int64_t>(5, n), n / 2, n}) {
            const Sorted top = topk(x, k, 1, largest);
            EXPECT_EQ(top.indices.to_vector<int64_t>(), slice(sorted.indices, 1, 0, k).to_vector<int64_t>())
                << n << " " << k << " " << largest << " " << name_of(dtype);
          }
          // a plain sort of places by value and place, NaN as the largest
          const auto rows = transpose(x, 1, 2).to(DType::f64).to_vector<double>();
          const auto places = transpose(sorted.indices, 1, 2).to_vector<int64_t>();
          for (size_t row = 0; row < rows.size(); row += static_cast<size_t>(n)) {
            for (size_t i = 1; i < static_cast<size_t>(n); ++i) {
              const auto before = static_cast<size_t>(places[row + i - 1]),
                         after = static_cast<size_t>(places[row + i]);
              const double a = rows[row + (largest ? after : before)],
                           b = rows[row + (largest ? before : after)];
              const bool equal = a == b || (std::isnan(a) && std::isnan(b));
              ASSERT_TRUE(equal ? before < after : std::isnan(b) || a < b) << n << " " << row << " " << i;
            }
          }
        }
      }
    }
  }
}

TEST(OpValues, ANanHandsTheGradientToBothOfAPair) {
  using Choice = Tensor (*)(const Tensor&, const Tensor&);
  for (const Choice choose : {Choice{maximum}, Choice{minimum}}) {
    const Tensor a = vector({kNan, 1}).set_requires_grad(true), b = vector({1, kNan}).set_requires_grad(true);
    sum(choose(a, b)).backward();
    EXPECT_EQ(values(a.grad()), (std::vector<double>{1, 1}));
    EXPECT_EQ(values(b.grad()), (std::vector<double>{1, 1}));
  }
}

TEST(OpValues, SmoothL1OfAnInfiniteDifference) {  // the square that is not chosen adds no infinity times 0
  const Tensor x = vector({kInf, -kInf}).set_requires_grad(true);
  smooth_l1_loss(x, vector({0, 0}), 1, Reduction::sum).backward();
  EXPECT_EQ(values(x.grad()), (std::vector<double>{1, -1}));
}

TEST(OpValues, ProductsWithZeros) {  // each element's gradient is the product of the others
  const Tensor one = vector({2, 0, 3}).set_requires_grad(true),
               two = vector({0, 5, 0}).set_requires_grad(true);
  prod(one).backward();
  prod(two).backward();
  EXPECT_EQ(values(one.grad()), (std::vector<double>{0, 6, 0}));
  EXPECT_EQ(values(two.grad()), (std::vector<double>{0, 0, 0}));
  const Tensor rows = from_vector<double>({0, 1, 2, 3, 4, 5}, {2, 3}).set_requires_grad(true);
  sum(prod(rows, {0})).backward();
  EXPECT_EQ(values(rows.grad()), (std::vector<double>{3, 4, 5, 0, 1, 2}));
}

TEST(OpValues, NormAtZeroHasNoGradient) {
  const Tensor x = zeros({3}, DType::f64).set_requires_grad(true);
  norm(x).backward();
  EXPECT_EQ(values(x.grad()), (std::vector<double>{0, 0, 0}));
}

TEST(OpValues, StddevOfEqualValuesHasNoGradient) {
  const Tensor x = vector({2, 2, 2}).set_requires_grad(true);
  stddev(x).backward();
  EXPECT_EQ(values(x.grad()), (std::vector<double>{0, 0, 0}));
}

TEST(OpValues, BceOfASureLogit) {  // log(1 + e^-20), not 20 - 20 in f32; nothing is subtracted from infinity
  const double sure = std::log1p(std::exp(-20.0));
  EXPECT_NEAR(only(bce_with_logits(full({1}, 20), ones({1}))) / sure, 1, 1e-6);
  EXPECT_NEAR(only(bce_with_logits(full({1}, -20), zeros({1}))) / sure, 1, 1e-6);
  EXPECT_EQ(only(bce_with_logits(vector({kInf}), vector({0.5}))), kInf);
  EXPECT_EQ(only(bce_with_logits(vector({-kInf}), vector({0.5}))), kInf);
}

TEST(OpValues, ScatterAddCollectsWhatMeetsInOrder) {
  const Tensor sums =
      scatter_add(zeros({2}, DType::f64), 0, from_vector<int64_t>({1, 1, 0, 1}, {4}), vector({1, 2, 3, 4}));
  EXPECT_EQ(values(sums), (std::vector<double>{3, 7}));
}

TEST(OpValues, KlDivOfWhatCannotHappen) {  // 0 log 0 = 0, in the gradient too
  const Tensor log_p = vector({-1, -2}).set_requires_grad(true),
               target = vector({0, 1}).set_requires_grad(true);
  kl_div(log_p, target, Reduction::sum).backward();
  EXPECT_EQ(values(log_p.grad()), (std::vector<double>{0, -1}));
  for (const double g : values(target.grad())) EXPECT_TRUE(std::isfinite(g));
}

TEST(OpValues, NllLossWithoutARowThatCounts) {
  EXPECT_EQ(only(nll_loss(zeros({2, 3}), full({2}, -100, DType::i64))), 0);
}

// Where a root is 0 its gradient is 0, and so is what comes of differentiating that.
TEST(OpValues, RootsOfZeroHaveNoSlopeOfAnyOrder) {
  const Tensor x = zeros({4}, DType::f64).set_requires_grad(true);
  for (const Tensor& y : {norm(x), stddev(x)}) {
    const Tensor first = grad(std::vector{y}, std::vector{x}, {}, {.create_graph = true})[0];
    const Tensor second = grad(std::vector{sum(first * arange(4, DType::f64))}, std::vector{x})[0];
    EXPECT_EQ(first.to_vector<double>(), std::vector<double>(4, 0));
    EXPECT_EQ(second.to_vector<double>(), std::vector<double>(4, 0));
  }
  const Tensor large = from_vector<float>({1e30F, -1e30F, 3e38F, 3e38F}, {4}).set_requires_grad(true);
  stddev(large).backward();  // whose plain sum overflows
  for (const float g : large.grad().to_vector<float>()) EXPECT_TRUE(std::isfinite(g)) << g;
}

// Whole rows go another way than single elements; along a middle dimension they do not.
TEST(OpValues, IndexSelectOfRowsIsThatOfElements) {
  manual_seed(5);
  const Tensor ids = from_vector<int64_t>({4, 0, 4, 2}, {4});
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor x = randn({5, 2, 3}, dtype).set_requires_grad(true), turned = transpose(x, 0, 1);
    const Tensor rows = index_select(x, 0, ids), elements = transpose(index_select(turned, 1, ids), 0, 1);
    EXPECT_TRUE(all_close(rows, elements, 0, 0));
    const Tensor weights = randn(rows.shape(), dtype);
    EXPECT_TRUE(all_close(grad(std::vector{rows}, std::vector{x}, std::vector{weights})[0],
                          grad(std::vector{elements}, std::vector{x}, std::vector{weights})[0], 1e-6, 1e-6));
  }
  EXPECT_ERROR(IndexError, "index_select: index 3 is outside 0..2 of dimension 0 of [3, 2]",
               index_select(ones({3, 2}), 0, from_vector<int64_t>({3}, {1})));
  EXPECT_ERROR(IndexError, "index_select: index -1 is outside 0..2 of dimension 0 of [3, 2]",
               index_select(ones({3, 2}), 0, from_vector<int64_t>({-1}, {1})));
}

// Where element i of a dense tensor of x's shape lies in x's memory.
int64_t place_of(const Tensor& x, int64_t i) {
  int64_t at = 0;
  for (int d = x.ndim() - 1; d >= 0; i /= x.shape()[d--]) at += i % x.shape()[d] * x.strides()[d];
  return at;
}

// Copies of what runs along another dimension go in tiles: whole ones, rests, and among further dimensions.
TEST(OpValues, TurnedCopiesOfEverySize) {
  for (const DType dtype : {DType::f32, DType::f64, DType::i64}) {
    for (const Shape& shape : {Shape{70, 45}, Shape{8, 33}, Shape{64, 32}, Shape{3, 40, 50}, Shape{40, 3, 50},
                               Shape{2, 9, 3, 10}}) {
      const Tensor x = reshape(arange(shape.numel(), dtype), shape);
      for (int a = 0; a < x.ndim(); ++a) {
        const Tensor turned = transpose(x, a, -1), dense = turned.contiguous();
        ASSERT_TRUE(dense.is_contiguous());
        const auto values = dense.to(DType::i64).to_vector<int64_t>();
        for (int64_t i = 0; i < x.numel(); ++i)
          ASSERT_EQ(values[static_cast<size_t>(i)], place_of(turned, i)) << shape.str() << " " << a;
      }
    }
  }
}

// Rows go in whole vectors and the ends of what is left, short ones in halves: rows of every length up to
// some vectors, from and into the middle of longer ones, with nothing written beside them.
TEST(OpValues, CopiesOfRowsOfEveryLength) {
  for (const DType dtype : {DType::f32, DType::f64, DType::boolean}) {
    for (int64_t n = 1; n <= 9000; n = n < 40 ? n + 1 : n < 150 ? n + 11 : 20 * n) {
      const Tensor numbers = reshape(arange(3 * 4 * (n + 3)), {3, 4, n + 3}) % 7 - 3;
      const Tensor x = numbers.to(dtype), part = slice(x, 2, 1, n + 1),
                   swapped = transpose(part, 0, 1).contiguous();
      const double beside = dtype == DType::boolean ? 0 : 1;
      const Tensor into = full({3, 4, n + 2}, beside, dtype);
      slice(into, 2, 1, n + 1).copy_(part);
      for (int64_t i = 0; i < 3; ++i) {
        for (int64_t j = 0; j < 4; ++j) {
          for (int64_t k = 0; k < n; ++k) {
            const double wanted = x.at({i, j, k + 1});
            ASSERT_EQ(swapped.at({j, i, k}), wanted) << n << " " << k;
            ASSERT_EQ(into.at({i, j, k + 1}), wanted) << n << " " << k;
          }
          ASSERT_EQ(into.at({i, j, 0}), beside) << n;
          ASSERT_EQ(into.at({i, j, n + 1}), beside) << n;
        }
      }
      const Tensor ids = from_vector<int64_t>({2, 0, 2, 1}, {4}), taken = index_select(x, 0, ids);
      for (int64_t i = 0; i < 4; ++i)
        ASSERT_TRUE(all_close(select(taken, 0, i).to(DType::f64),
                              select(x, 0, ids.to_vector<int64_t>()[static_cast<size_t>(i)]).to(DType::f64),
                              0, 0))
            << n;
    }
  }
}

// Long rows are summed in parts of 2^17 numbers: neither their borders nor the number of threads is seen.
TEST(OpValues, SumsOfLongRows) {
  for (const int64_t n : {(1 << 17) - 1, 1 << 17, (1 << 17) + 1, (1 << 18) + 77, 1'000'003}) {
    const Tensor x = arange(2 * n).reshape({2, n}) % 11 - 4;
    const Tensor whole = x.sum(1);
    for (const DType dtype : {DType::f32, DType::f64})
      EXPECT_TRUE(all_close(x.to(dtype).sum(1), whole.to(dtype), 0, 0)) << n;
    const Tensor angles = sin(arange(n, DType::f32));
    const int before = num_threads();
    set_num_threads(1);
    const double alone = angles.sum().item();
    set_num_threads(4);
    EXPECT_EQ(angles.sum().item(), alone) << n;
    set_num_threads(before);
  }
}

}  // namespace
}  // namespace heed
