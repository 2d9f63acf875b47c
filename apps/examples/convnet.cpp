// A convolutional net that tells shapes apart: squares, discs, crosses and
// triangles of any size at any place of a noisy image. It draws its own images;
// trains on new ones at every step and tests on others.
#include <heed/nn/nn.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

using namespace heed;

namespace {

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
bool covers(int64_t shape, double x, double y) {
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

Images draw(int64_t count, double noise) {
  const Tensor pixels = randn({count, 1, kSize, kSize}) * noise;
  const std::vector<float> random = uniform({count, 3}, 0, 1).to_vector<float>();
  std::vector<int64_t> shapes;
  for (int64_t i = 0; i < count; ++i) {
    const auto shape = static_cast<int64_t>(default_generator().next_below(kShapes));
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
  return {pixels, from_vector(shapes, {count})};
}

void print(const Tensor& image) {  // [1, 16, 16]
  const std::vector<float> pixels = image.to_vector<float>();
  for (int64_t i = 0; i < kSize * kSize; ++i) {
    const auto shade =
        static_cast<size_t>(std::clamp(static_cast<int>(pixels[static_cast<size_t>(i)] * 4 + 1), 0, 4));
    std::printf("%c%s", " .:*#"[shade], i % kSize == kSize - 1 ? "\n" : "");
  }
}

}  // namespace

int main() {
  set_num_threads(1);  // so small a net gains nothing from a second one
  manual_seed(1);
  nn::Sequential net;  // [B, 1, 16, 16] -> 8 channels of 8 x 8 -> 16 of 4 x 4 -> logits [B, shapes]
  net.emplace<nn::Conv2d>(1, 8, 3, {.padding = 1})
      .emplace<nn::BatchNorm2d>(8)
      .emplace<nn::ReLU>()
      .emplace<nn::MaxPool2d>(2);
  net.emplace<nn::Conv2d>(8, 16, 3, {.padding = 1})
      .emplace<nn::BatchNorm2d>(16)
      .emplace<nn::ReLU>()
      .emplace<nn::MaxPool2d>(2);
  net.emplace<nn::Flatten>().emplace<nn::Linear>(16 * 4 * 4, kShapes);
  nn::Adam adam(net.named_parameters());
  constexpr int64_t kUpdates = 300;
  const nn::Schedule schedule(nn::ScheduleKind::cosine, /*base=*/0.02, /*warmup=*/0,
                              /*total=*/kUpdates);
  for (int64_t update = 1; update <= kUpdates; ++update) {
    const Images batch = draw(32, /*noise=*/0.15);
    const Tensor loss = cross_entropy(net(batch.pixels), batch.shape);
    loss.backward();
    adam.step(schedule(update));
    adam.zero_grad();
    if (update % 100 == 0)
      std::printf("update %lld  loss %.4f\n", static_cast<long long>(update), loss.item());
  }

  net.train(false);  // batch normalisation with the running averages
  const NoGradGuard no_grad;
  const Images test = draw(1000, /*noise=*/0.15);
  const Tensor found = argmax(net(test.pixels));
  print(select(test.pixels, 0, 0));
  std::printf("looks like a %s to the net and is a %s\n", kNames[found.to_vector<int64_t>()[0]],
              kNames[test.shape.to_vector<int64_t>()[0]]);
  const double accuracy = mean(eq(found, test.shape).to(DType::f32)).item();
  std::printf("accuracy on 1000 new images: %.1f %% (guessing: %.1f %%)\n", 100 * accuracy, 100.0 / kShapes);
  return accuracy > 0.9 ? 0 : 1;
}
