// f32 where squares overflow or vanish, where a mean cancels, and where a formula multiplies 0 by infinity.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "framework/framework.h"
#include "tests/testing/throws.h"

namespace heed {
namespace {

// f in f32 and its gradient (`again`: the one that is differentiable again) agree with f64 on rows of `size`,
// relative to the largest element.
void expect_as_f64(const char* name, double size, const std::function<Tensor(const Tensor& x)>& f,
                   bool again = false) {
  const Tensor shape = from_vector(std::vector<double>{1, -2, 0.5, 3, -1.5, 0.25, 2, -0.75}, {2, 4});
  std::vector<double> value[2], gradient[2];
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor x = (shape * size).to(dtype).detach().set_requires_grad(true);
    const Tensor y = f(x);
    const Tensor loss = sum(y * arange(1, 1 + static_cast<double>(y.numel()), 1, dtype));
    const Tensor dx = grad(std::vector{loss}, std::vector{x}, {}, {.create_graph = again})[0];
    const size_t i = dtype == DType::f64;
    value[i] = y.detach().to(DType::f64).to_vector<double>();
    gradient[i] = dx.detach().to(DType::f64).to_vector<double>();
  }
  for (const auto* pair : {value, gradient}) {
    double most = 0, worst = 0;
    for (size_t i = 0; i < pair[1].size(); ++i) {
      most = std::max(most, std::abs(pair[1][i]));
      worst = std::max(worst, std::abs(pair[0][i] - pair[1][i]));
    }
    EXPECT_LE(worst, 2e-6 * most + 1e-37)
        << name << (pair == value ? ", value" : ", gradient") << " at " << size;
  }
}

TEST(ExtremeValues, NormsOfLargeAndSmallNumbers) {
  for (const double size : {1e-30, 1e-20, 1.0, 1e20, 1e30}) {
    expect_as_f64("norm", size, [](const Tensor& x) { return norm(x, {}); });
    expect_as_f64("stddev", size, [](const Tensor& x) { return stddev(x, {}); });
    expect_as_f64("mean", size, [](const Tensor& x) { return mean(x, {}); });
    expect_as_f64("rms_norm", size,
                  [](const Tensor& x) { return reshape(rms_norm(x, ones({4}, x.dtype())), {8}); });
    for (const bool again : {false, true}) {
      for (const double eps : {0.0, 1e-5}) {
        const auto flat = [](const Tensor& y) { return reshape(y, {8}); };
        const auto norm_of_rows = [&](const Tensor& x) {
          return flat(layer_norm(x, ones({4}, x.dtype()), zeros({4}, x.dtype()), eps));
        };
        const auto norm_of_channels = [&](const Tensor& x) {
          return flat(
              batch_norm(reshape(x, {1, 2, 4}), ones({2}, x.dtype()), zeros({2}, x.dtype()), eps).output);
        };
        expect_as_f64("layer_norm", size, norm_of_rows, again);
        expect_as_f64("batch_norm", size, norm_of_channels, again);
      }
    }
  }
  EXPECT_EQ(rms_norm(full({1, 4}, 1e20), ones({4})).to_vector<float>(), std::vector<float>(4, 1));
  EXPECT_EQ(rms_norm(full({1, 4}, 1e-30), ones({4}), 0).to_vector<float>(), std::vector<float>(4, 1));
}

TEST(ExtremeValues, ALargeMeanDoesNotHideTheSpread) {
  std::vector<float> values, signs;
  for (int i = 0; i < 64; ++i) {
    values.push_back(1e6F + static_cast<float>(i % 2));
    signs.push_back(i % 2 == 0 ? -1.0F : 1.0F);
  }
  const Tensor x = from_vector(values, {1, 64});
  EXPECT_EQ(mean(x).item(), 1000000.5);
  EXPECT_EQ(var(x, {1}, 0).item(), 0.25);
  const std::vector<float> y = layer_norm(x, ones({64}), zeros({64}), 0).to_vector<float>();
  EXPECT_EQ(y, signs);
}

TEST(ExtremeValues, TheMeanNeedNotBeAnF32) {  // 2 of 3 at 1e6 + 1: the mean, 1e6 + 2/3, lies between two f32
  std::vector<float> values;
  for (int i = 0; i < 63; ++i) values.push_back(1e6F + (i % 3 == 0 ? 0.0F : 1.0F));
  const Tensor x = from_vector(values, {1, 63}), gain = ones({63}), bias = zeros({63});
  const std::vector<float> y = layer_norm(x, gain, bias, 0).to_vector<float>();
  const std::vector<double> exact =
      layer_norm(x.to(DType::f64), gain.to(DType::f64), bias.to(DType::f64), 0).to_vector<double>();
  for (size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(static_cast<double>(y[i]), exact[i], 1e-6);
}

// The gradient is of a size that f32 holds where the variance itself, 1e40, is not.
TEST(ExtremeValues, TheGradientOfAVarianceThatOverflows) {
  for (const double size : {1e-30, 1e-20, 1e20, 1e30}) {
    const Tensor x = from_vector(std::vector<double>{size, -size, 3 * size, size}, {4})
                         .to(DType::f32)
                         .detach()
                         .set_requires_grad(true);
    sum(var(x)).backward();
    const std::vector<float> gradient = x.grad().to_vector<float>();
    const double expected[] = {0, -4.0 / 3, 4.0 / 3, 0};
    for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(gradient[i] / size, expected[i], 1e-6) << size;
  }
}

// Mean and variance, forward and gradients, of what TheMeanNeedNotBeAnF32 has.
TEST(ExtremeValues, GradientsWhereTheMeanIsLargeBesideTheSpread) {
  std::vector<double> values;
  for (int i = 0; i < 126; ++i) values.push_back(1e6 + (i % 3 == 0 ? 0.0 : 1.0));
  const auto flat = [](const Tensor& y) { return reshape(y, {y.numel()}); };
  const std::vector<std::pair<const char*, std::function<Tensor(const Tensor& x)>>> ops = {
      {"var", [](const Tensor& x) { return var(x, {1}); }},
      {"stddev", [](const Tensor& x) { return stddev(x, {1}); }},
      {"layer_norm",
       [&](const Tensor& x) { return flat(layer_norm(x, ones({63}, x.dtype()), zeros({63}, x.dtype()))); }},
      {"batch_norm",
       [&](const Tensor& x) {
         return flat(batch_norm(reshape(x, {1, 2, 63}), ones({2}, x.dtype()), zeros({2}, x.dtype())).output);
       }},
      {"batch_norm with a given mean",
       [&](const Tensor& x) {
         const auto channels = [&](double v) { return full({2}, v, x.dtype()); };
         return flat(
             batch_norm(reshape(x, {1, 2, 63}), channels(1e6), channels(0.25), channels(1), channels(0)));
       }},
  };
  for (const auto& [name, f] : ops) {
    for (const bool again : {false, true}) {
      std::vector<double> value[2], gradient[2];
      for (const DType dtype : {DType::f32, DType::f64}) {
        const Tensor x = from_vector(values, {2, 63}).to(dtype).detach().set_requires_grad(true), y = f(x);
        const Tensor dx =
            grad(std::vector{sum(y * cos(arange(1, 1 + static_cast<double>(y.numel()), 1, dtype)))},
                 std::vector{x}, {}, {.create_graph = again})[0];
        const size_t i = dtype == DType::f64;
        value[i] = y.detach().to(DType::f64).to_vector<double>();
        gradient[i] = dx.detach().to(DType::f64).to_vector<double>();
      }
      for (const auto* pair : {value, gradient}) {
        for (size_t i = 0; i < pair[1].size(); ++i) {
          EXPECT_NEAR(pair[0][i], pair[1][i], 3e-6)
              << name << (again ? ", again" : "") << (pair == value ? ", value " : ", gradient ") << i;
        }
      }
    }
  }
}

TEST(ExtremeValues, PowAtZero) {
  const Tensor a = from_vector(std::vector<double>{0, 0, 0, 2}, {4}).set_requires_grad(true);
  const Tensor b = from_vector(std::vector<double>{0, 1, 2, 0}, {4}).set_requires_grad(true);
  const Tensor y = pow(a, b);
  EXPECT_EQ(y.detach().to_vector<double>(), (std::vector<double>{1, 0, 0, 1}));
  sum(y).backward();
  EXPECT_EQ(a.grad().to_vector<double>(), (std::vector<double>{0, 1, 0, 0}));  // as PyTorch has them
  EXPECT_EQ(b.grad().to_vector<double>(), (std::vector<double>{0, 0, 0, std::log(2.0)}));
}

TEST(ScaledDotAttention, CausalQueriesStandAtTheEndOfTheKeys) {
  manual_seed(4);
  const Tensor q = randn({2, 5, 4}, DType::f64), k = randn({2, 5, 4}, DType::f64),
               v = randn({2, 5, 6}, DType::f64);
  const Tensor whole = scaled_dot_attention(q, k, v, {}, 2, true).context;
  const auto upto = [](const Tensor& x, int64_t from, int64_t to) {
    return slice(x, 1, from, to).contiguous();
  };
  const Tensor first = scaled_dot_attention(upto(q, 0, 3), upto(k, 0, 3), upto(v, 0, 3), {}, 2, true).context;
  const Tensor second = scaled_dot_attention(upto(q, 3, 5), k, v, {}, 2, true).context;  // T = 2, S = 5
  EXPECT_LE(amax(abs(concat({first, second}, 1) - whole)).item(), 1e-14);
  EXPECT_THROW(scaled_dot_attention(q, upto(k, 0, 3), upto(v, 0, 3), {}, 2, true), ShapeError);
}

// What a query does not see does not reach it, also where it is infinite or NaN.
TEST(ScaledDotAttention, WhatIsNotSeenIsNotMultiplied) {
  manual_seed(5);
  for (const double bad :
       {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    for (const DType dtype : {DType::f32, DType::f64}) {
      const auto run = [&](bool sick) {
        manual_seed(6);
        std::vector<Tensor> x;
        for (int i = 0; i < 3; ++i) {
          Tensor value = randn({1, 4, 4}, dtype);
          // the last key and value
          if (sick && i > 0) value = concat({slice(value, 1, 0, 3), full({1, 1, 4}, bad, dtype)}, 1);
          x.push_back(value.set_requires_grad(true));
        }
        // of those who do not see it
        const Tensor context = slice(scaled_dot_attention(x[0], x[1], x[2], {}, 2, true).context, 1, 0, 3);
        sum(context * context).backward();
        std::vector<double> all = context.to(DType::f64).to_vector<double>();
        for (const bool flash : {false, true}) {  // and in public ops
          const Tensor again = slice(flash ? flash_attention(x[0], x[1], x[2], {}, 2, true)
                                           : scaled_dot_attention(x[0], x[1], x[2], {}, 2, true).context,
                                     1, 0, 3);
          const Tensor recorded = grad({sum(again * again)}, {x[0]}, {.create_graph = true})[0].detach();
          const std::vector<double> values = slice(recorded, 1, 0, 3).to(DType::f64).to_vector<double>();
          all.insert(all.end(), values.begin(), values.end());
        }
        // Of the queries alone: the last one, which does see, gives its NaN to the gradients of keys and
        // values.
        const std::vector<double> gradient = slice(x[0].grad(), 1, 0, 3).to(DType::f64).to_vector<double>();
        all.insert(all.end(), gradient.begin(), gradient.end());
        return all;
      };
      const std::vector<double> sick = run(true), well = run(false);
      for (size_t i = 0; i < well.size(); ++i) EXPECT_NEAR(sick[i], well[i], 1e-5) << bad << ' ' << i;
    }
  }
}

// Past a length, by any way of differentiating.
TEST(ScaledDotAttention, KeysPastALengthNeedNotBeFinite) {
  const double bad = std::numeric_limits<double>::quiet_NaN();
  const Tensor lengths = from_vector<int64_t>({3}, {1});
  const auto gradients = [&](bool sick, bool flash, bool recorded) {
    manual_seed(6);
    std::vector<Tensor> x;
    for (int i = 0; i < 3; ++i) {
      Tensor value = randn({1, 4, 4}, DType::f64);
      if (sick && i > 0) value = concat({slice(value, 1, 0, 3), full({1, 1, 4}, bad, DType::f64)}, 1);
      x.push_back(value.set_requires_grad(true));
    }
    const Tensor context = flash ? flash_attention(x[0], x[1], x[2], lengths, 2)
                                 : scaled_dot_attention(x[0], x[1], x[2], lengths, 2).context;
    return grad({sum(context * context)}, std::span<const Tensor>(x), {.create_graph = recorded});
  };
  for (const bool flash : {false, true}) {
    const std::vector<Tensor> well = gradients(false, flash, false);
    for (const bool recorded : {false, true}) {
      const std::vector<Tensor> sick = gradients(true, flash, recorded);
      for (size_t i = 0; i < well.size(); ++i)
        EXPECT_LE(amax(abs(sick[i] - well[i])).item(), 1e-10) << flash << recorded << i;
    }
  }
}

}  // namespace
}  // namespace heed
