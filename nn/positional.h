// Position encodings, which tell attention where a word stands: sinusoidal and learned encodings are added to
// the input, rotary encodings rotate queries and keys.
#pragma once

#include "nn/layers.h"

namespace heed::nn {

/// The order and the frequencies of sinusoidal position encodings. They differ between programs, and a model
/// reads only those that it was trained with.
enum class Sinusoids : uint8_t {
  interleaved,       // a sine beside its cosine; frequencies 10000^(-2i / D) (Vaswani et al. 2017, sec. 3.5)
  halves,            // sines, then cosines, with the same frequencies (Hugging Face's Marian)
  halves_inclusive,  // sines, then cosines; frequencies 10000^(-i / (D/2 - 1)), the last one exactly 1/10000
                     // (tensor2tensor, Marian, fairseq, CTranslate2)
};

/// Sinusoidal position encodings (Vaswani et al. 2017, sec. 3.5):
///   PE(p, 2i) = sin(p / 10000^(2i / D)),   PE(p, 2i + 1) = cos(p / 10000^(2i / D)),
///   p = first, first + 1, ...
/// @param count number of rows
/// @param dim size D, may be odd except for halves_inclusive
/// @param first position of the first row
/// @param dtype f32 or f64
/// @param kind order and frequencies
/// @return [count, D]
/// @throws ValueError for a negative count or first, D below 1, and an odd D with halves_inclusive
Tensor sinusoidal_positions(int64_t count, int64_t dim, int64_t first = 0, DType dtype = DType::f32,
                            Sinusoids kind = Sinusoids::interleaved);

/// Adds sinusoidal position encodings to x. No parameters, any length.
class SinusoidalPositions : public Module {
 public:
  /// @param dim size D
  /// @param max_length number of positions whose encodings are stored in a table; beyond it they are computed
  ///   on each call
  /// @param kind order and frequencies
  explicit SinusoidalPositions(int64_t dim, int64_t max_length = 512, Sinusoids kind = Sinusoids::interleaved,
                               const Scope& scope = {});
  /// @param x [B, T, D]
  /// @param first position of the first row
  /// @return [B, T, D]
  Tensor operator()(const Tensor& x, int64_t first = 0) const;

 private:
  Sinusoids kind_;
  Tensor table_;  // [max_length, D]
};

/// Adds to x a learned vector W[p] for each position p (Gehring et al. 2017, sec. 3.1).
class LearnedPositions : public Module {
 public:
  /// @param max_length,dim rows and columns of W
  /// @param std standard deviation of the normal distribution that W is initialised from
  /// @throws ValueError for sizes below 1 and a negative std
  LearnedPositions(int64_t max_length, int64_t dim, double std = 0.02, const Scope& scope = {});
  /// @param x [B, T, D]
  /// @param first position of the first row
  /// @return [B, T, D]
  /// @throws IndexError for a position beyond the last row of W
  Tensor operator()(const Tensor& x, int64_t first = 0) const;
  Tensor weight;  // [max_length, D]
};

/// Rotary position encoding (Su et al. 2021, RoFormer, sec. 3.2.2, eq. 34): each pair (x_2i, x_2i+1) is
/// rotated by the angle p theta_i, theta_i = base^(-2i / D), p = first, first + 1, ...:
///   y_2i = x_2i cos(p theta_i) - x_2i+1 sin(p theta_i),
///   y_2i+1 = x_2i+1 cos(p theta_i) + x_2i sin(p theta_i)
/// Applied to queries and keys, it makes q_m . k_n depend on the positions m and n only through m - n. Pairs
/// are neighbouring elements, as in the paper; weights from code that pairs x_i with x_{i + D/2} must be
/// permuted.
/// @param x [*, T, D]
/// @param first position of the first row
/// @param base base of the frequencies theta_i
/// @return [*, T, D]
/// @throws ShapeError for an odd D, ValueError for a negative first and a base that is not above 0
Tensor rotary(const Tensor& x, int64_t first = 0, double base = 10000);

}  // namespace heed::nn
