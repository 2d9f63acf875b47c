#include "nn/positional.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace heed::nn {
namespace {

void check_first(const char* who, int64_t first) {
  if (first < 0) throw ValueError(who, fmt::format("the first position must not be negative, got {}", first));
  constexpr int64_t kMost = int64_t{1} << 53;  // double has every integer up to it
  if (first > kMost)
    throw ValueError(who, fmt::format("the first position must be at most 2^53, got {}", first));
}

void check_input(const char* who, const Tensor& x, int64_t dim) {
  if (x.ndim() != 3 || x.size(2) != dim)
    throw ShapeError(who, fmt::format("input {} is not [B, T, {}]", x.shape().str(), dim));
}

// base^(-2i / dim) in double: the angle at position p is p times this, exact to the last bits also for large
// p.
double frequency(int64_t i, int64_t dim, double base) {
  return std::pow(base, -2.0 * static_cast<double>(i) / static_cast<double>(dim));
}

}  // namespace

Tensor sinusoidal_positions(int64_t count, int64_t dim, int64_t first, DType dtype, Sinusoids kind) {
  check_first("sinusoidal positions", first);
  if (count < 0 || dim < 1)
    throw ValueError("sinusoidal positions", fmt::format("{} of size {}", count, dim));
  if (kind == Sinusoids::halves_inclusive && dim % 2 != 0)
    throw ValueError("sinusoidal positions", fmt::format("halves_inclusive needs an even size, got {}", dim));
  const int64_t sines = (dim + 1) / 2;
  // whether column d is a sine, and the angle at position 1
  const auto column = [&](int64_t d) -> std::pair<bool, double> {
    if (kind == Sinusoids::interleaved) return {d % 2 == 0, frequency(d / 2, dim, 10000)};
    const int64_t i = d < sines ? d : d - sines;
    if (kind == Sinusoids::halves) return {d < sines, frequency(i, dim, 10000)};
    return {d < sines,
            frequency(i, std::max<int64_t>(dim - 2, 1), 10000)};  // 2i / (dim - 2) = i / (dim/2 - 1)
  };
  const Tensor table = detail::allocate("sinusoidal positions", {count, dim}, DType::f64);
  for (int64_t d = 0; d < dim; ++d) {
    const auto [sine, step] = column(d);
    for (int64_t p = 0; p < count; ++p) {
      const double angle = static_cast<double>(first + p) * step;
      table.data<double>()[p * dim + d] = sine ? std::sin(angle) : std::cos(angle);
    }
  }
  return table.to(dtype);
}

SinusoidalPositions::SinusoidalPositions(int64_t dim, int64_t max_length, Sinusoids kind, const Scope& scope)
    : Module(scope), kind_(kind), table_(sinusoidal_positions(max_length, dim, 0, DType::f32, kind)) {}

Tensor SinusoidalPositions::operator()(const Tensor& x, int64_t first) const {
  check_input("sinusoidal positions", x, table_.size(1));
  check_first("sinusoidal positions", first);
  const int64_t T = x.size(1);
  if (x.dtype() == table_.dtype() && first + T <= table_.size(0))
    return announce(x + slice(table_, 0, first, first + T));
  return announce(x + sinusoidal_positions(T, table_.size(1), first, x.dtype(), kind_));
}

LearnedPositions::LearnedPositions(int64_t max_length, int64_t dim, double std, const Scope& scope)
    : Module(scope),
      weight((check_at_least("learned positions", "max_length", max_length, 1),
              check_at_least("learned positions", "dim", dim, 1),
              check_number("learned positions", "std", std, Allowed::non_negative),
              param("weight", init::normal({max_length, dim}, std)))) {}

Tensor LearnedPositions::operator()(const Tensor& x, int64_t first) const {
  check_input("learned positions", x, weight.size(1));
  check_first("learned positions", first);
  if (first + x.size(1) > weight.size(0)) {
    throw IndexError("learned positions",
                     fmt::format("position {} is outside 0..{}", first + x.size(1) - 1, weight.size(0) - 1));
  }
  return announce(x + slice(weight, 0, first, first + x.size(1)));
}

Tensor rotary(const Tensor& x, int64_t first, double base) {
  heed::detail::body_of(x.body(), "rotary");  // refuses an undefined one
  check_first("rotary", first);
  check_number("rotary", "base", base, Allowed::positive);
  if (x.ndim() < 2 || x.ndim() >= kMaxDims || x.shape().back() % 2 != 0) {
    throw ShapeError("rotary", fmt::format("input {} is not [*, T, D] with even D", x.shape().str()));
  }
  const int64_t T = x.size(-2), D = x.size(-1);
  std::vector<double> cosines, sines;
  for (int64_t p = 0; p < T; ++p) {
    for (int64_t i = 0; i < D / 2; ++i) {
      const double angle = static_cast<double>(first + p) * frequency(i, D, base);
      cosines.push_back(std::cos(angle));
      sines.push_back(std::sin(angle));
    }
  }
  const Tensor c = from_vector(cosines, {T, D / 2}).to(x.dtype()),
               s = from_vector(sines, {T, D / 2}).to(x.dtype());
  Shape pairs = x.shape().with(x.ndim() - 1, D / 2);
  pairs.push_back(2);
  const Tensor paired = reshape(x, pairs), even = select(paired, -1, 0), odd = select(paired, -1, 1);
  return reshape(stack(std::array{even * c - odd * s, odd * c + even * s}, x.ndim()), x.shape());
}

}  // namespace heed::nn
