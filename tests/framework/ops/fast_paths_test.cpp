// Ops that have a fast way for large or special operands, against the plain one.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <vector>

#include "framework/framework.h"

namespace heed {
namespace {

// In f32 distances come of a product, in f64 of the sum of squares.
TEST(FastPaths, DistancesOfManyVectors) {
  manual_seed(1);
  Tensor a = randn({2, 40, 16}) * 3, b = randn({2, 60, 16}) * 3;
  float *const x = a.data<float>(), *const y = b.data<float>();
  std::copy_n(x, 16, y);            // the same vector
  std::copy_n(x + 16, 16, y + 16);  // nearly the same
  y[16] = std::nextafter(y[16], 10.0F);
  std::fill_n(x + 32, 16, 1e18F);  // far away
  std::fill_n(y + 32, 16, -1e18F);
  std::fill_n(x + 48, 16, 1e-22F);  // close to 0, and so is another one
  std::fill_n(y + 48, 16, -1e-22F);
  const auto distances_of = [](const Tensor& p, const Tensor& q) {
    const Tensor r = p.clone().set_requires_grad(true), s = q.clone().set_requires_grad(true);
    const Tensor d = cdist(r, s);
    sum(d * (arange(d.numel(), d.dtype()).reshape(d.shape()) / 1000.0 + 1.0)).backward();
    return std::vector{d.detach(), r.grad(), s.grad()};
  };
  const auto fast = distances_of(a, b), plain = distances_of(a.to(DType::f64), b.to(DType::f64));
  EXPECT_EQ(fast[0].at({0, 0, 0}), 0);
  EXPECT_GT(fast[0].at({0, 1, 1}), 0);
  for (size_t k = 0; k < fast.size(); ++k) {
    const std::vector<double> got = fast[k].to(DType::f64).to_vector<double>(),
                              wanted = plain[k].to_vector<double>();
    for (size_t i = 0; i < got.size(); ++i)
      ASSERT_NEAR(got[i], wanted[i], 2e-6 * (1e-20 + std::abs(wanted[i])) + (k > 0 ? 1e-3 : 0))
          << k << " " << i;
  }
}

TEST(FastPaths, DistancesToWhatIsNotFinite) {
  manual_seed(2);
  const Tensor a = randn({40, 16}), b = randn({60, 16});
  a.data<float>()[3] = INFINITY;
  b.data<float>()[5 * 16] = NAN;
  b.data<float>()[7 * 16 + 3] = INFINITY;
  const Tensor fast = cdist(a, b), plain = cdist(a.to(DType::f64), b.to(DType::f64));
  for (int64_t i = 0; i < fast.numel(); ++i) {
    const double got = static_cast<double>(fast.data<float>()[i]), wanted = plain.data<double>()[i];
    if (std::isfinite(wanted)) {
      EXPECT_NEAR(got, wanted, 1e-6 * wanted);
    } else {
      EXPECT_EQ(std::isnan(got), std::isnan(wanted)) << i;
      EXPECT_EQ(std::isinf(got), std::isinf(wanted)) << i;
    }
  }
}

// To the bit what std::fmod gives.
TEST(FastPaths, RemaindersOfFloats) {
  using Limits = std::numeric_limits<float>;
  const float large = Limits::max(), tiny = Limits::denorm_min(), least = Limits::min();
  std::vector<float> values{0.0F,   -0.0F,   1.0F,         -1.0F,     3.0F,  -3.0F,      0.1F,
                            1e-30F, -1e-30F, 134217728.0F, 1e10F,     large, -large,     tiny,
                            -tiny,  least,   INFINITY,     -INFINITY, NAN,   16777215.0F};
  Generator random(3);
  for (int i = 0; i < 400; ++i) {
    const auto bits = static_cast<uint32_t>(random.next_below(uint64_t{1} << 32));
    float any = 0;
    std::memcpy(&any, &bits, 4);
    values.push_back(any);
    values.push_back(static_cast<float>((static_cast<double>(random.next_below(1U << 24)) / (1 << 20) - 8)));
    values.push_back(static_cast<float>(static_cast<int>(random.next_below(19)) - 9));
  }
  const auto n = static_cast<int64_t>(values.size());
  const Tensor a = from_vector(values, {n, 1}), b = from_vector(values, {1, n});
  const Tensor rest = remainder(a, b), whole = floor_divide(a, b);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      const float p = values[static_cast<size_t>(i)], q = values[static_cast<size_t>(j)];
      float wanted = std::fmod(p, q);
      if (wanted != 0 && (wanted < 0) != (q < 0)) wanted += q;
      const float got = rest.data<float>()[i * n + j];
      if (std::isnan(wanted)) {
        ASSERT_TRUE(std::isnan(got)) << p << " % " << q;
        continue;
      }
      ASSERT_EQ(std::memcmp(&got, &wanted, 4), 0) << p << " % " << q << ": " << got << ", not " << wanted;
      const double quotient = std::floor(static_cast<double>(p) / static_cast<double>(q));
      if (std::abs(quotient) < 1e6 && std::isfinite(q)) {
        ASSERT_EQ(static_cast<double>(whole.data<float>()[i * n + j]), quotient) << p << " // " << q;
      }
    }
  }
}

TEST(FastPaths, DifferentWholeNumbers) {
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min(), kMost = std::numeric_limits<int64_t>::max();
  Generator random(4);
  std::vector<int64_t> close{-3, 5, 5, -3, 0}, far{kLeast, kMost, 0, kMost, kLeast + 1},
      edge{kMost, kMost - 3};
  for (int i = 0; i < 3000; ++i) close.push_back(static_cast<int64_t>(random.next_below(1000)) - 500);
  for (const std::vector<int64_t>& values : {close, far, edge, {7}}) {
    std::map<int64_t, int64_t> wanted;
    for (const int64_t value : values) ++wanted[value];
    const Unique found = unique(from_vector(values, {static_cast<int64_t>(values.size())}));
    ASSERT_EQ(found.values.numel(), static_cast<int64_t>(wanted.size()));
    int64_t at = 0;
    for (const auto& [value, count] : wanted) {
      EXPECT_EQ(found.values.data<int64_t>()[at], value);
      EXPECT_EQ(found.counts.data<int64_t>()[at++], count);
    }
    for (size_t i = 0; i < values.size(); ++i)
      EXPECT_EQ(found.values.data<int64_t>()[found.inverse.data<int64_t>()[i]], values[i]);
  }
}

// Of equal ones the one in the middle of them, as a stable sort has it.
TEST(FastPaths, MediansAreWhatSortingGives) {
  manual_seed(5);
  for (const DType dtype : {DType::f32, DType::f64, DType::i64, DType::boolean}) {
    const Tensor x = (randn({4, 9, 3}) * 2).to(DType::i64).to(dtype);
    for (int d = 0; d < 3; ++d) {
      const Sorted middle = median(x, d), sorted = sort(x, d);
      const int64_t at = (x.size(d) - 1) / 2;
      EXPECT_EQ(middle.values.to(DType::f64).to_vector<double>(),
                select(sorted.values, d, at).to(DType::f64).to_vector<double>());
      EXPECT_EQ(middle.indices.to_vector<int64_t>(), select(sorted.indices, d, at).to_vector<int64_t>());
    }
  }
}

// Where several are put in one place the last one has the gradient, of first order and in what is
// differentiated again.
TEST(FastPaths, GradientsOfWhatIsScattered) {
  const Tensor index = from_vector(std::vector<int64_t>{2, 0, 2, 1, 1, 1}, {2, 3});
  for (const bool again : {false, true}) {
    const Tensor x = randn({2, 4}).set_requires_grad(true), source = randn({2, 3}).set_requires_grad(true);
    const Tensor y = scatter(x, 1, index, source) * arange(8, DType::f32).reshape({2, 4});
    const std::vector<Tensor> got = grad({sum(y)}, {x, source}, {.create_graph = again});
    EXPECT_EQ(got[0].to_vector<float>(), (std::vector<float>{0, 1, 0, 3, 4, 0, 6, 7}));
    EXPECT_EQ(got[1].to_vector<float>(), (std::vector<float>{0, 0, 2, 0, 0, 5}));
  }
}

// What the vectors hand to the plain rule, as Python has it.
TEST(FastPaths, DivisionsOfWhatIsNotFinite) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  struct Case {
    double a, b, quotient, rest;
  };
  for (const Case& c :
       {Case{nan, -inf, nan, nan}, Case{nan, 2, nan, nan}, Case{1, nan, nan, nan}, Case{inf, 0, inf, nan},
        Case{-inf, 0, -inf, nan}, Case{inf, -0.0, -inf, nan}, Case{1, 0, inf, nan}, Case{0, 0, nan, nan},
        Case{inf, 2, nan, nan}, Case{1, inf, 0, 1}, Case{-1, inf, -1, inf}, Case{1, -inf, -1, -inf}}) {
    for (const DType dtype : {DType::f32, DType::f64}) {
      for (const int64_t n : {1, 19}) {
        const Tensor a = full({n}, c.a, dtype), b = full({n}, c.b, dtype);
        const double quotient = floor_divide(a, b).at({n - 1}), rest = remainder(a, b).at({n - 1});
        EXPECT_TRUE(std::isnan(c.quotient) ? std::isnan(quotient) : quotient == c.quotient)
            << c.a << " // " << c.b << " = " << quotient;
        EXPECT_TRUE(std::isnan(c.rest) ? std::isnan(rest) : rest == c.rest)
            << c.a << " % " << c.b << " = " << rest;
      }
    }
  }
}

TEST(FastPaths, LinspaceEndsWithTheSignOfItsEnd) {
  for (const DType dtype : {DType::f32, DType::f64}) {
    for (const int64_t n : {2, 3, 40}) {
      EXPECT_TRUE(std::signbit(linspace(-1, -0.0, n, dtype).at({n - 1}))) << n;
      EXPECT_FALSE(std::signbit(linspace(1, -0.0, n, dtype).at({n - 1})))
          << n;  // -0 less -0, as PyTorch has it
    }
  }
}

}  // namespace
}  // namespace heed
