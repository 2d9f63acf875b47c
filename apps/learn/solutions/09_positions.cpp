// Exercise 9: positions.
#include "09_positions/exercise.h"

/// The sinusoidal encodings of the positions 0 to count - 1, [count, D]; D is even.
Tensor positions(int64_t count, int64_t D) {
  const Tensor table = zeros({count, D});
  float* const element = table.data<float>();
  for (int64_t p = 0; p < count; ++p) {
    for (int64_t i = 0; i < D / 2; ++i) {
      const double exponent = 2.0 * static_cast<double>(i) / static_cast<double>(D);
      const double angle = static_cast<double>(p) / std::pow(10000.0, exponent);
      element[p * D + 2 * i] = static_cast<float>(std::sin(angle));
      element[p * D + 2 * i + 1] = static_cast<float>(std::cos(angle));
    }
  }
  return table;
}

/// x [T, D] -> [T, D]: each row with the encoding of its position added.
Tensor with_positions(const Tensor& x) { return x + positions(x.size(0), x.size(1)); }
