// Convolution, pooling and batch normalisation beyond their samples: f32 against f64 on larger sizes, NaN,
// ties, errors.
#include "framework/ops/spatial.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "framework/framework.h"
#include "tests/testing/close.h"
#include "tests/testing/throws.h"

namespace heed {
namespace {

// The results and gradients of f, a function of these inputs, in one dtype.
std::vector<Tensor> results(const std::vector<Tensor>& inputs, DType dtype,
                            const std::function<Tensor(const std::vector<Tensor>&)>& f) {
  std::vector<Tensor> leaves;
  for (const Tensor& x : inputs) leaves.push_back(x.to(dtype).clone().set_requires_grad(true));
  const Tensor y = f(leaves);
  const Tensor weights = reshape(cos(arange(y.numel(), DType::f64) * 1.7) + 0.5, y.shape()).to(dtype);
  std::vector<Tensor> all = grad(std::vector{y}, leaves, std::vector{weights});
  all.push_back(y.detach());
  return all;
}

void expect_f32_near_f64(const std::vector<Tensor>& inputs,
                         const std::function<Tensor(const std::vector<Tensor>&)>& f) {
  const auto fast = results(inputs, DType::f32, f), plain = results(inputs, DType::f64, f);
  for (size_t i = 0; i < fast.size(); ++i) {
    double largest = 0;
    for (const double v : plain[i].to_vector<double>()) largest = std::max(largest, std::abs(v));
    // sums of up to some thousand terms: eps times their root, of the largest result
    EXPECT_TRUE(all_close(fast[i].to(DType::f64), plain[i], 1e-5, 2e-5 * largest)) << "result " << i;
  }
}

struct ConvCase {
  Shape x, w;
  Conv2dOptions options;
};

TEST(Conv2d, F32ThroughOneDnnIsThePlainKernels) {
  manual_seed(5);
  const std::vector<ConvCase> cases = {
      {{4, 16, 14, 14}, {32, 16, 3, 3}, {.padding = 1}},
      {{2, 3, 33, 31}, {8, 3, 5, 5}, {.stride = 2, .padding = 2}},
      {{3, 32, 9, 9}, {32, 1, 3, 3}, {.padding = 1, .groups = 32}},
      {{2, 8, 11, 23}, {8, 1, 7, 7}, {.padding = 3, .groups = 8}},
      {{2, 3, 70, 90}, {6, 1, 5, 2}, {.padding = {4, 0}, .dilation = {2, 3}, .groups = 3}},
      {{2, 4, 6, 5}, {4, 1, 3, 3}, {.stride = 2, .padding = 1, .groups = 4}},
      {{2, 24, 12, 10}, {16, 12, 3, 3}, {.padding = 2, .dilation = 2, .groups = 2}},
      {{2, 20, 1, 50}, {17, 20, 1, 5}, {.padding = {0, 4}}},
      {{2, 64, 7, 7}, {48, 64, 1, 1}, {.stride = 2}}};
  for (const ConvCase& c : cases) {
    const std::vector<Tensor> inputs{randn(c.x, DType::f64), randn(c.w, DType::f64),
                                     randn({c.w[0]}, DType::f64)};
    expect_f32_near_f64(inputs, [&](const auto& in) { return conv2d(in[0], in[1], in[2], c.options); });
  }
}

// An infinity at a corner meets one tap of g, and a NaN of g at another corner meets those inside the image.
TEST(Conv2d, DepthwiseGradientsHaveNaNOnlyWhereTheDefinitionDoes) {
  const Tensor x = ones({1, 2, 5, 5}), w = ones({2, 1, 3, 3}).set_requires_grad(true);
  x.data<float>()[0] = INFINITY;
  const Tensor g = ones({1, 2, 5, 5});
  g.data<float>()[49] = NAN;
  conv2d(x, w, {}, {.padding = 1, .groups = 2}).backward(g);
  const std::vector<float> dw = w.grad().to_vector<float>();
  for (size_t k = 0; k < 9; ++k) EXPECT_EQ(std::isinf(dw[k]), k / 3 < 2 && k % 3 < 2) << k;
  for (size_t k = 0; k < 9; ++k) EXPECT_EQ(std::isnan(dw[9 + k]), k / 3 < 2 && k % 3 < 2) << k;
}

TEST(Conv2d, IsTheAdjointOfItsTranspose) {  // <conv(x), y> = <x, transpose(y)>
  manual_seed(6);
  const Tensor x = randn({2, 4, 7, 5}, DType::f64), w = randn({6, 2, 3, 3}, DType::f64);
  const Conv2dOptions options{.stride = 2, .padding = 1, .groups = 2};
  const Tensor y = randn(conv2d(x, w, {}, options).shape(), DType::f64);
  EXPECT_NEAR(sum(conv2d(x, w, {}, options) * y).item(), sum(x * conv_transpose2d(y, w, {}, options)).item(),
              1e-10);
}

TEST(Conv2d, NamesWhatDoesNotFit) {
  const Tensor x = zeros({2, 4, 5, 5});
  EXPECT_ERROR(ShapeError, "conv2d: channels differ: [2, 4, 5, 5] with a weight [3, 3, 3, 3] in 1 groups",
               conv2d(x, zeros({3, 3, 3, 3})));
  EXPECT_ERROR(ShapeError,
               "conv2d: takes [B, C, H, W] and a weight of 4 dimensions, got [2, 4, 5] and [3, 4, 3, 3]",
               conv2d(zeros({2, 4, 5}), zeros({3, 4, 3, 3})));
  EXPECT_ERROR(ShapeError, "conv2d: a window of 6 does not fit height of [2, 4, 5, 5] with padding 0",
               conv2d(x, zeros({3, 4, 6, 3})));
  EXPECT_ERROR(ValueError, "conv2d: 3 groups do not divide 4 channels",
               conv2d(x, zeros({4, 1, 3, 3}), {}, {.groups = 3}));
  EXPECT_ERROR(ShapeError, "conv2d: bias [2] for 3 channels", conv2d(x, zeros({3, 4, 3, 3}), zeros({2})));
  EXPECT_ERROR(DTypeError, "conv2d: dtypes differ: f32[2, 4, 5, 5] and f64[3, 4, 3, 3]",
               conv2d(x, zeros({3, 4, 3, 3}, DType::f64)));
  EXPECT_ERROR(
      ValueError,
      "conv2d: stride 0, padding 0, dilation 1: the first and last must be positive, padding not negative",
      conv2d(x, zeros({3, 4, 3, 3}), {}, {.stride = 0}));
  EXPECT_ERROR(ShapeError,
               "conv1d: takes [B, C, L] and a weight of 3 dimensions, got [2, 4, 5, 5] and [1, 4, 3]",
               conv1d(x, zeros({1, 4, 3})));
}

TEST(Pooling, F32IsF64) {
  manual_seed(7);
  const std::vector<Tensor> x{randn({3, 17, 15, 13}, DType::f64)};
  for (const Pool2dOptions& options : {Pool2dOptions{}, Pool2dOptions{.stride = {1, 2}, .padding = 1}}) {
    expect_f32_near_f64(x, [&](const auto& in) { return max_pool2d(in[0], 3, options); });
    expect_f32_near_f64(x, [&](const auto& in) { return avg_pool2d(in[0], {3, 2}, options); });
    expect_f32_near_f64(x, [&](const auto& in) {
      return avg_pool2d(in[0], {3, 2}, options, /*count_padding=*/false);
    });
  }
}

TEST(Pooling, TheFirstOfEqualsTakesTheGradient) {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor x = ones({1, 1, 2, 2}, dtype).set_requires_grad(true);
    sum(max_pool2d(x, 2)).backward();
    EXPECT_EQ(x.grad().to(DType::f64).to_vector<double>(), (std::vector<double>{1, 0, 0, 0}))
        << name_of(dtype);
  }
}

TEST(Pooling, InfinitiesAndNaN) {
  constexpr double kInf = std::numeric_limits<double>::infinity(),
                   kNan = std::numeric_limits<double>::quiet_NaN();
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor x = from_vector<double>({-kInf, -kInf, 1, kInf, kNan, 2, 3, kNan}, {1, 1, 1, 8}).to(dtype);
    const std::vector<double> largest = max_pool2d(x, {1, 2}).to(DType::f64).to_vector<double>();
    EXPECT_EQ(largest[0], -kInf) << name_of(dtype);
    EXPECT_EQ(largest[1], kInf) << name_of(dtype);
    EXPECT_TRUE(std::isnan(largest[2])) << name_of(dtype);
    EXPECT_TRUE(std::isnan(largest[3])) << name_of(dtype);
  }
}

TEST(Pooling, NamesWhatDoesNotFit) {
  const Tensor x = zeros({2, 4, 5, 5});
  EXPECT_ERROR(ValueError, "max_pool2d: padding 2, 2 is more than half of the window 3, 3",
               max_pool2d(x, 3, {.padding = 2}));
  EXPECT_ERROR(ShapeError, "avg_pool2d: a window of 6 does not fit height of [2, 4, 5, 5] with padding 0",
               avg_pool2d(x, 6));
  EXPECT_ERROR(ShapeError, "max_pool1d: takes [B, C, L], got [2, 4, 5, 5]", max_pool1d(x, 2));
}

TEST(Pooling, AndConvolutionsOfOneDimensionNameThemselves) {
  EXPECT_ERROR(ShapeError, "conv1d: channels differ: [2, 3, 7] with a weight [4, 2, 5] in 1 groups",
               conv1d(zeros({2, 3, 7}), zeros({4, 2, 5})));
  EXPECT_ERROR(ValueError, "max_pool1d: padding 2 is more than half of the window 3",
               max_pool1d(zeros({2, 3, 7}), 3, 0, 2));
}

TEST(BatchNorm, F32IsF64) {
  manual_seed(8);
  for (const Shape& shape : {Shape{64, 19}, Shape{8, 16, 11, 7}, Shape{5, 3, 40}}) {
    const std::vector<Tensor> inputs{randn(shape, DType::f64), randn({shape[1]}, DType::f64),
                                     randn({shape[1]}, DType::f64)};
    expect_f32_near_f64(inputs, [&](const auto& in) { return batch_norm(in[0], in[1], in[2]).output; });
  }
}

TEST(GroupNorm, F32IsF64) {
  manual_seed(9);
  for (const Shape& shape : {Shape{6, 12}, Shape{3, 12, 11, 7}, Shape{2, 4, 40}}) {
    const std::vector<Tensor> inputs{randn(shape, DType::f64), randn({shape[1]}, DType::f64),
                                     randn({shape[1]}, DType::f64)};
    for (const int64_t groups : {1, 2, 4}) {
      expect_f32_near_f64(inputs, [&](const auto& in) { return group_norm(in[0], groups, in[1], in[2]); });
      expect_f32_near_f64({inputs[0]}, [&](const auto& in) { return group_norm(in[0], groups); });
    }
  }
}

TEST(GroupNorm, HoldsALargeMeanAndALongSum) {
  const Tensor x = 30000.0 + sin(arange(1 << 20).to(DType::f64) * 0.7).reshape({2, 2, 1 << 18}),
               f32 = x.to(DType::f32);
  EXPECT_TRUE(all_close(group_norm(f32, 1).to(DType::f64), group_norm(f32.to(DType::f64), 1), 0, 1e-4));
  const Tensor bias = zeros({2}).set_requires_grad(true);
  const Tensor g = full({2, 2, 1 << 18}, 0.1F);
  group_norm(f32, 2, {}, bias).backward(g);
  EXPECT_NEAR(bias.grad().at({1}) / (0.1F * static_cast<double>(1 << 19)), 1, 1e-6);
}

TEST(Interpolate, F32IsF64OnLargerImages) {
  manual_seed(10);
  const std::vector<Tensor> inputs{randn({2, 3, 17, 23}, DType::f64)};
  for (const Extent2d size : {Extent2d{34, 46}, Extent2d{40, 31}, Extent2d{9, 50}, Extent2d{5, 7}}) {
    for (const Interpolation how : {Interpolation::nearest, Interpolation::bilinear})
      expect_f32_near_f64(inputs, [&](const auto& in) { return interpolate(in[0], size, how); });
    expect_f32_near_f64(inputs, [&](const auto& in) { return adaptive_avg_pool2d(in[0], size); });
  }
}

TEST(BatchNorm, GivesTheStatisticsOfTheBatch) {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor x = from_vector<double>({1, 10, 3, 30}, {2, 2}).to(dtype);
    const BatchNormResult r = batch_norm(x, ones({2}, dtype), zeros({2}, dtype), 0);
    EXPECT_EQ(r.mean.to(DType::f64).to_vector<double>(), (std::vector<double>{2, 20}));
    EXPECT_EQ(r.variance.to(DType::f64).to_vector<double>(), (std::vector<double>{1, 100}));
    EXPECT_FALSE(r.mean.requires_grad());
  }
}

TEST(BatchNorm, NamesWhatDoesNotFit) {
  const Tensor c = ones({4});
  EXPECT_ERROR(ShapeError, "batch_norm: takes [B, C, ...], got [4]", batch_norm(zeros({4}), c, c));
  EXPECT_ERROR(ShapeError, "batch_norm: [4] for the 3 channels of [2, 3]", batch_norm(zeros({2, 3}), c, c));
  EXPECT_ERROR(ShapeError, "batch_norm: no elements to take a mean of in [0, 4]",
               batch_norm(zeros({0, 4}), c, c));
}

TEST(Creation, RangesAndTheirErrors) {
  EXPECT_EQ(arange(0, 1, 0.25).to_vector<float>(), (std::vector<float>{0, 0.25F, 0.5F, 0.75F}));
  EXPECT_EQ(linspace(0, 0.3, 4, DType::f64).to_vector<double>().back(), 0.3);  // exactly
  EXPECT_EQ(eye(2, 3).to_vector<float>(), (std::vector<float>{1, 0, 0, 0, 1, 0}));
  EXPECT_ERROR(ValueError, "arange: from 0 to 1 in steps of 0", arange(0, 1, 0));
  EXPECT_ERROR(ValueError, "arange: from 0 to 1e+18 in steps of 0.001 are too many elements",
               arange(0, 1e18, 1e-3));
  EXPECT_ERROR(ValueError, "arange: from 0 to 1e+300 in steps of 1 are too many elements",
               arange(0, 1e300, 1));
  EXPECT_ERROR(ValueError, "arange: from 0 to 9.223372036854776e+18 in steps of 1 are too many elements",
               arange(0, 0x1p63, 1));
  EXPECT_ERROR(ShapeError, "bernoulli: negative extent in [-2]", bernoulli({-2}, 0.5));
  EXPECT_ERROR(ShapeError, "linspace: -2 values", linspace(0, 1, -2));
  EXPECT_ERROR(ShapeError, "eye: -2 rows", eye(-2));
  EXPECT_ERROR(ValueError, "bernoulli: p = 1.5 is outside [0, 1]", bernoulli({2}, 1.5));
}

TEST(Creation, BernoulliDrawsItsShare) {
  manual_seed(9);
  EXPECT_NEAR(mean(bernoulli({100, 100}, 0.3, DType::f64)).item(), 0.3, 4 * std::sqrt(0.21 / 10000));
  EXPECT_EQ(sum(bernoulli({100}, 0)).item(), 0);
  EXPECT_EQ(sum(bernoulli({100}, 1)).item(), 100);
}

TEST(Cast, LetsTheGradientThroughInItsOwnDtype) {
  const Tensor x = from_vector<float>({1, 2}, {2}).set_requires_grad(true);
  sum(square(x.to(DType::f64))).backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{2, 4}));
  EXPECT_ERROR(DTypeError, "cast: between f32 and f64, got i64[2] into f32", cast(arange(2), DType::f32));
}

TEST(CrossEntropy, ClassWeightsAreCheckedAndReachTheFusedForm) {
  const Tensor logits = randn({3, 4}), targets = from_vector<int64_t>({0, 3, 1}, {3});
  EXPECT_ERROR(IndexError, "cross_entropy: target 4 out of range for 4 classes",
               cross_entropy(logits, from_vector<int64_t>({0, 4, 1}, {3}), {.class_weights = ones({4})}));
  EXPECT_ERROR(DTypeError, "cross_entropy: dtypes differ: f32[3, 4] and weights f64[4]",
               cross_entropy(logits, targets, {.class_weights = ones({4}, DType::f64)}));
  EXPECT_ERROR(ShapeError, "cross_entropy: weights [3] for 4 classes",
               cross_entropy(logits, targets, {.class_weights = ones({3})}));
  const Tensor x = randn({3, 5}), w = randn({4, 5}), weights = from_vector<float>({1, 2, 0.5F, 3}, {4});
  EXPECT_EQ(linear_cross_entropy(x, w, {}, targets, {.class_weights = weights}).item(),
            cross_entropy(linear(x, w), targets, {.class_weights = weights}).item());
  EXPECT_NEAR(cross_entropy(logits, targets, {.class_weights = ones({4})}).item(),
              cross_entropy(logits, targets).item(), 1e-6);
}

TEST(Windows, BeyondTwoToThe31AreRefused) {
  const Tensor x = ones({1, 3, 8, 8}), w = ones({4, 3, 3, 3});
  const int64_t far = int64_t{1} << 61;
  EXPECT_ERROR(ValueError,
               "max_pool2d: window 4611686018427387904, stride 4611686018427387904, padding "
               "2305843009213693952, dilation 1 reach beyond 2^31",
               max_pool2d(x, far * 2, {.padding = far}));
  EXPECT_ERROR(ValueError,
               "conv2d: window 3, stride 1, padding 0, dilation 4611686018427387904 reach beyond 2^31",
               conv2d(x, w, {}, {.dilation = far * 2}));
  EXPECT_ERROR(ValueError, "conv2d: window 3, stride 2147483648, padding 0, dilation 1 reach beyond 2^31",
               conv2d(x, w, {}, {.stride = int64_t{1} << 31}));
}

}  // namespace
}  // namespace heed
