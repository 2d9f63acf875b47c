#include "nn/data/images.h"

#include <fmt/format.h>

#include "framework/core/random.h"
#include "framework/ops/ops.h"

namespace heed::nn {
namespace {

void require_image(const char* op, const Tensor& x, int dims) {
  if (x.ndim() < dims)
    throw ShapeError(op, fmt::format("takes images of {} dimensions, got {}", dims, x.shape().str()));
}

void require_part(const char* op, const Tensor& x, int64_t height, int64_t width) {
  if (height < 0 || width < 0 || height > x.size(-2) || width > x.size(-1))
    throw ShapeError(op, fmt::format("no part of {} x {} in {}", height, width, x.shape().str()));
}

Tensor part(const Tensor& x, int64_t height, int64_t width, int64_t top, int64_t left) {
  return slice(slice(x, -2, top, top + height), -1, left, left + width);
}

int64_t draw(int64_t most) {  // 0 .. most
  return most <= 0 ? 0
                   : static_cast<int64_t>(default_generator().next_below(static_cast<uint64_t>(most) + 1));
}

}  // namespace

Tensor normalize(const Tensor& x, const std::vector<double>& mean, const std::vector<double>& stddev) {
  require_image("normalize", x, 3);
  const int64_t channels = x.size(-3);
  if (static_cast<int64_t>(mean.size()) != channels || mean.size() != stddev.size()) {
    throw ShapeError("normalize", fmt::format("{} means and {} deviations for {} channels", mean.size(),
                                              stddev.size(), channels));
  }
  for (const double deviation : stddev) {
    if (deviation == 0) throw ValueError("normalize", "a standard deviation is 0");
  }
  const auto each = [&](const std::vector<double>& values) {
    return from_vector(values, {channels, 1, 1}).to(is_floating(x.dtype()) ? x.dtype() : DType::f32);
  };
  return (x - each(mean)) / each(stddev);
}

Tensor random_flip(const Tensor& x, double p) {
  require_image("random_flip", x, 2);
  if (!(p >= 0 && p <= 1)) throw ValueError("random_flip", fmt::format("{} is no probability", p));
  const double drawn = static_cast<double>(default_generator().next_uint64() >> 11) * 0x1p-53;
  return drawn < p ? flip(x, {-1}) : x;
}

Tensor random_crop(const Tensor& x, int64_t height, int64_t width, int64_t padding) {
  require_image("random_crop", x, 2);
  std::vector<Padding> widths(static_cast<size_t>(x.ndim()));
  widths[widths.size() - 2] = widths[widths.size() - 1] = {padding, padding};
  const Tensor padded = padding == 0 ? x : pad(x, widths);
  require_part("random_crop", padded, height, width);
  const int64_t top = draw(padded.size(-2) - height), left = draw(padded.size(-1) - width);
  return part(padded, height, width, top, left);
}

Tensor centre_crop(const Tensor& x, int64_t height, int64_t width) {
  require_image("centre_crop", x, 2);
  require_part("centre_crop", x, height, width);
  return part(x, height, width, (x.size(-2) - height) / 2, (x.size(-1) - width) / 2);
}

}  // namespace heed::nn
