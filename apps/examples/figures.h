// Images of shapes, which convnet, resnet, vit and diffusion learn from: squares, discs, crosses and
// triangles of any size at any place of a noisy image.
#pragma once

#include <heed/nn/nn.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

namespace figures {

using heed::Tensor;

constexpr int64_t kSize = 16;
enum Figure : int64_t { kSquare, kDisc, kCross, kTriangle };
constexpr int64_t kShapes = 4;
constexpr const char* kNames[] = {"square", "disc", "cross", "triangle"};

struct Images {
  Tensor pixels;  // f32 [B, 1, 16, 16]
  Tensor shape;   // i64 [B]
};

/// Whether the point (x, y), from the centre and in units of the shape's half
/// width, belongs to it.
inline bool covers(int64_t shape, double x, double y) {
  if (std::max(std::abs(x), std::abs(y)) > 1) return false;
  switch (shape) {
    case kSquare:
      return true;
    case kDisc:
      return x * x + y * y <= 1;
    case kCross:
      return std::min(std::abs(x), std::abs(y)) < 0.3;
    default:
      return std::abs(x) <= (y + 1) / 2;  // the tip is up
  }
}

inline Images draw(int64_t count, double noise) {
  const Tensor pixels = heed::randn({count, 1, kSize, kSize}) * noise;
  const std::vector<float> random = heed::uniform({count, 3}, 0, 1).to_vector<float>();
  std::vector<int64_t> shapes;
  for (int64_t i = 0; i < count; ++i) {
    const auto shape = static_cast<int64_t>(heed::default_generator().next_below(kShapes));
    const auto at = random.begin() + 3 * i;
    const double half = 2.5 + 2 * at[0], left = half + at[1] * (kSize - 2 * half),
                 top = half + at[2] * (kSize - 2 * half);
    for (int64_t y = 0; y < kSize; ++y) {
      for (int64_t x = 0; x < kSize; ++x) {
        const bool inside = covers(shape, (static_cast<double>(x) + 0.5 - left) / half,
                                   (static_cast<double>(y) + 0.5 - top) / half);
        if (inside) pixels.data<float>()[(i * kSize + y) * kSize + x] += 1;
      }
    }
    shapes.push_back(shape);
  }
  return {pixels, heed::from_vector(shapes, {count})};
}

inline void print(const Tensor& image) {  // [1, 16, 16]
  const std::vector<float> pixels = image.to_vector<float>();
  for (int64_t i = 0; i < kSize * kSize; ++i) {
    const auto shade =
        static_cast<size_t>(std::clamp(static_cast<int>(pixels[static_cast<size_t>(i)] * 4 + 1), 0, 4));
    std::printf("%c%s", " .:*#"[shade], i % kSize == kSize - 1 ? "\n" : "");
  }
}

}  // namespace figures
