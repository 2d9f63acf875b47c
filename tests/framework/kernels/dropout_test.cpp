// The dropout mask against a plain loop over Philox, whatever the vector length.
#include <gtest/gtest.h>

#include <cmath>

#include "framework/core/random.h"
#include "framework/kernels/kernels.h"

namespace heed {
namespace {

// Element 16 (2 w + half) + block of a chunk of 128 is kept when that half of word w of its Philox block is
// not below p 2^16. This plain loop knows no vector length, so every instruction set (HEED_ISA) must agree
// with it.
template <class T>
std::vector<T> plain_dropout(const std::vector<T>& x, double p, uint64_t seed, uint64_t stream) {
  const auto threshold = static_cast<uint32_t>(std::lround(p * 65536));
  std::vector<T> y;
  for (size_t i = 0; i < x.size(); ++i) {
    const size_t chunk = i / 128, block = i % 16, half = i % 128 / 16;
    const uint32_t word = philox(seed, stream, chunk * 16 + block)[half / 2];
    const uint32_t bits = half % 2 ? word >> 16 : word & 0xFFFF;
    y.push_back(bits >= threshold ? x[i] * static_cast<T>(65536.0 / (65536.0 - threshold)) : T{0});
  }
  return y;
}

template <class T>
void expect_plain_dropout() {
  const uint64_t seed = 0xfeedfacecafebeef, stream = 0x123456789abc;
  for (const int64_t n : {0, 1, 15, 16, 127, 128, 129, 1000, 70001}) {
    const std::vector<T> x(static_cast<size_t>(n), T{1.5});
    for (const double p : {0.1, 0.5, 0.9}) {
      std::vector<T> y(x.size());
      kernels::dropout<T>(n, p, seed, stream, x.data(), y.data());
      EXPECT_EQ(y, plain_dropout(x, p, seed, stream))
          << n << " values, p = " << p << ", " << kernels::simd_target();
    }
  }
}
TEST(Dropout, TheMaskIsThePlainLoopsOnEveryInstructionSet) {
  expect_plain_dropout<float>();
  expect_plain_dropout<double>();
}

}  // namespace
}  // namespace heed
