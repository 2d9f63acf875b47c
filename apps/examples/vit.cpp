// A vision Transformer (Dosovitskiy et al. 2021) on images of shapes (figures.h): 4 x 4 patches as words, a
// class token whose last state decides, and which patches it attended to.
#include <heed/nn/nn.h>

#include <cstdio>
#include <memory>

#include "figures.h"

using namespace heed;

namespace {

constexpr int64_t kPatch = 4, kAcross = figures::kSize / kPatch, kPatches = kAcross * kAcross, kSize = 48;

struct VisionTransformer : nn::Module {
  explicit VisionTransformer(const nn::Scope& scope = {})
      : Module(scope),
        patch(kPatch * kPatch, kSize),
        token(1, kSize, -1, 0.02),
        position(kPatches + 1, kSize, -1, 0.02),
        norm(kSize),
        output(kSize, figures::kShapes) {
    child("patch", patch), child("token", token), child("position", position), child("norm", norm),
        child("output", output);
    const nn::TransformerOptions options{
        .size = kSize, .feed_forward = 2 * kSize, .heads = 4, .dropout = 0, .pre_norm = true};
    for (int i = 0; i < 3; ++i)
      child("layer" + std::to_string(i),
            *layers.emplace_back(std::make_unique<nn::TransformerEncoderLayer>(options)));
  }
  // [B, 1, 16, 16] -> logits; weights: of the last layer, [B, heads, 17, 17]
  Tensor operator()(const Tensor& images, Tensor* weights = nullptr) const {
    const int64_t count = images.size(0);
    const Tensor patches = images.reshape({count, kAcross, kPatch, kAcross, kPatch})
                               .permute({0, 1, 3, 2, 4})
                               .reshape({count, kPatches, kPatch * kPatch});
    const Tensor first = token(zeros({count, 1}, DType::i64));
    Tensor x = concat({first, patch(patches)}, 1) + position(arange(kPatches + 1, DType::i64));
    for (const auto& layer : layers) x = (*layer)(x, {}, layer == layers.back() ? weights : nullptr);
    return output(norm(x).index({Range{}, 0}));
  }
  nn::Linear patch;
  nn::Embedding token, position;
  std::vector<std::unique_ptr<nn::TransformerEncoderLayer>> layers;
  nn::LayerNorm norm;
  nn::Linear output;
};

}  // namespace

int main() {
  set_num_threads(1);
  manual_seed(1);
  VisionTransformer net;
  nn::Adam adam(net.named_parameters(), {.weight_decay = 0.01, .decoupled = true});
  constexpr int64_t kUpdates = 800;
  const nn::Schedule schedule(nn::ScheduleKind::cosine, /*base=*/2e-3, /*warmup=*/50, /*total=*/kUpdates);
  for (int64_t update = 1; update <= kUpdates; ++update) {
    const figures::Images batch = figures::draw(32, /*noise=*/0.1);
    const Tensor loss = cross_entropy(net(batch.pixels), batch.shape);
    loss.backward();
    adam.step(schedule(update));
    adam.zero_grad();
    if (update % 200 == 0)
      std::printf("update %lld  loss %.4f\n", static_cast<long long>(update), loss.item());
  }

  net.train(false);
  const NoGradGuard no_grad;
  const figures::Images test = figures::draw(1000, /*noise=*/0.1);
  Tensor weights;
  const Tensor logits = net(test.pixels, &weights);
  figures::print(test.pixels[0]);
  const Tensor seen =
      weights.index({0, Range{}, 0, Range{.start = 1}}).mean({0});  // from the class token to the patches
  std::printf("what the class token attends to, patch by patch, in %%:\n");
  for (int64_t i = 0; i < kPatches; ++i)
    std::printf("%4.0f%s", 100 * seen.at({i}), i % kAcross == kAcross - 1 ? "\n" : "");
  const double right = nn::accuracy(logits, test.shape);
  std::printf("accuracy on 1000 new images: %.1f %% (guessing: 25 %%)\n", 100 * right);
  return right > 0.96 ? 0 : 1;
}
