// Normalisation of groups and channels, transposed convolution, upsampling and adaptive pooling as layers.
#include "nn/resize.h"

#include <gtest/gtest.h>

#include <cmath>

#include "nn/nn.h"
#include "tests/testing/close.h"
#include "tests/testing/throws.h"

namespace heed::nn {
namespace {

TEST(GroupNorm, ByHand) {  // groups of two channels: (1, 3) and (0, 8), deviations 1 and 4
  const GroupNorm norm(2, 4, {.eps = 0});
  const NoGradGuard no_grad;
  norm.gain.copy_(from_vector<float>({1, 2, 1, 1}, {4}));
  norm.bias.copy_(from_vector<float>({0, 0, 0, 5}, {4}));
  EXPECT_TRUE(all_close(norm(from_vector<float>({1, 3, 0, 8}, {1, 4})),
                        from_vector<float>({-1, 2, -1, 6}, {1, 4}), 1e-6, 0));
  EXPECT_EQ(GroupNorm(2, 4, {.affine = false}).parameter_count(), 0);
}

TEST(InstanceNorm, EachChannelOfEachExampleByItself) {
  manual_seed(1);
  const Tensor x = randn({2, 3, 4, 5}) * 3.0 + 7.0, y = InstanceNorm2d(3, {.eps = 0, .affine = false})(x);
  EXPECT_TRUE(all_close(mean(y, {2, 3}), zeros({2, 3}), 0, 1e-5));
  EXPECT_TRUE(all_close(var(y, {2, 3}, 0), ones({2, 3}), 1e-5, 0));
  EXPECT_EQ(InstanceNorm(3).parameter_count(), 0);
  const InstanceNorm1d affine(3, {.affine = true});
  EXPECT_EQ(affine.parameter_count(), 6);
  EXPECT_TRUE(all_close(affine(select(x, 2, 0)), GroupNorm(3, 3)(select(x, 2, 0)), 0, 0));
}

TEST(LayerNorm, WithoutGainAndBias) {
  const LayerNorm plain(3, 0, /*affine=*/false);
  EXPECT_EQ(plain.parameter_count(), 0);
  const Tensor x = randn({2, 3});
  EXPECT_TRUE(all_close(plain(x), LayerNorm(3, 0)(x), 0, 0));
  EXPECT_ERROR(ShapeError, "layer_norm: vectors of 3 wanted, got [2, 4]", plain(zeros({2, 4})));
}

TEST(ConvTranspose2d, IsTheAdjointOfAConvolution) {  // <conv(x), y> = <x, transposed(y)>
  manual_seed(1);
  const ConvTranspose2d up(4, 2, 3, {.stride = 2, .padding = 1}, /*with_bias=*/false);
  const Tensor x = randn({1, 2, 7, 9}), y = randn({1, 4, 4, 5});
  EXPECT_EQ(up(y).shape(), x.shape());
  EXPECT_NEAR(sum(conv2d(x, up.weight, {}, {.stride = 2, .padding = 1}) * y).item(), sum(x * up(y)).item(),
              1e-4);
  EXPECT_EQ(ConvTranspose2d(4, 6, 2, {.groups = 2}).weight.shape(), (Shape{4, 3, 2, 2}));
}

TEST(Upsample, ByHand) {
  const Tensor x = from_vector<float>({1, 2, 3, 4}, {1, 1, 2, 2});
  EXPECT_EQ(Upsample(2)(x).to_vector<float>(),
            (std::vector<float>{1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4}));
  EXPECT_TRUE(all_close(Upsample({1, 2}, Interpolation::bilinear)(x),
                        from_vector<float>({1, 1.25, 1.75, 2, 3, 3.25, 3.75, 4}, {1, 1, 2, 4}), 1e-6, 0));
  EXPECT_TRUE(all_close(
      Upsample({2, 1}, Interpolation::bilinear, /*align_corners=*/true)(x),
      from_vector<float>({1, 2, 5 / 3.0F, 8 / 3.0F, 7 / 3.0F, 10 / 3.0F, 3, 4}, {1, 1, 4, 2}), 1e-6, 0));
}

TEST(AdaptivePooling, ByHand) {
  const Tensor x = from_vector<float>({1, 2, 3, 4, 5, 6}, {1, 1, 2, 3});  // columns 0-1 and 1-2
  EXPECT_EQ(AdaptiveAvgPool2d({1, 2})(x).to_vector<float>(), (std::vector<float>{3, 4}));
  EXPECT_EQ(AdaptiveMaxPool2d({2, 2})(x).to_vector<float>(), (std::vector<float>{2, 3, 5, 6}));
  EXPECT_EQ(AdaptiveAvgPool2d(1)(x).item(), 3.5);
}

TEST(ResizeErrors, AreOneLine) {
  EXPECT_ERROR(ValueError, "GroupNorm: 3 groups do not divide 4 channels", GroupNorm(3, 4));
  EXPECT_ERROR(ValueError, "GroupNorm: groups must be at least 1, got 0", GroupNorm(0, 4));
  EXPECT_ERROR(ValueError, "GroupNorm: eps -1 is outside [0, inf)", GroupNorm(1, 4, {.eps = -1}));
  EXPECT_ERROR(ShapeError, "GroupNorm: takes [B, 4, ...], got [2, 3]", GroupNorm(2, 4)(zeros({2, 3})));
  EXPECT_ERROR(ShapeError, "InstanceNorm: takes [B, 4, L, ...], got [2, 4]", InstanceNorm(4)(zeros({2, 4})));
  EXPECT_ERROR(ShapeError, "InstanceNorm: one value a channel has no spread: [2, 4, 1]",
               InstanceNorm(4)(zeros({2, 4, 1})));
  EXPECT_ERROR(ValueError, "ConvTranspose2d: in must be at least 1, got 0", ConvTranspose2d(0, 1, 1));
  EXPECT_ERROR(ValueError, "Upsample: factor must be at least 1, got 0", Upsample({2, 0}));
  EXPECT_ERROR(ValueError, "Upsample: align_corners is of bilinear interpolation alone",
               Upsample(2, Interpolation::nearest, true));
  EXPECT_ERROR(ShapeError, "Upsample: takes [B, C, H, W], got [2]", Upsample(2)(zeros({2})));
  EXPECT_ERROR(ValueError, "AdaptiveAvgPool2d: size must be at least 1, got 0", AdaptiveAvgPool2d(0));
  EXPECT_ERROR(ValueError, "AdaptiveMaxPool2d: size must be at least 1, got -1", AdaptiveMaxPool2d({1, -1}));
  EXPECT_ERROR(ValueError, "interpolate: images of 0, 2 have no pixels",
               interpolate(ones({1, 1, 2, 2}), {0, 2}));
  EXPECT_ERROR(ShapeError, "interpolate: there are no pixels to take values from in [1, 1, 0, 2]",
               interpolate(ones({1, 1, 0, 2}), 2));
  EXPECT_ERROR(ShapeError, "group_norm: [3] for the 4 channels of [2, 4]",
               group_norm(ones({2, 4}), 2, ones({3})));
}

}  // namespace
}  // namespace heed::nn
