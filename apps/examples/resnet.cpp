// A residual network (He et al. 2016, "Identity mappings") on images of shapes (figures.h): blocks whose
// input is added to their output, the second half at half the size. Pictures come from a DataLoader that
// crops and mirrors them.
#include <heed/nn/nn.h>

#include <cstdio>
#include <iostream>

#include "figures.h"

using namespace heed;

namespace {

struct Residual : nn::Module {  // [B, from, H, W] -> [B, to, H / stride, W / stride]
  Residual(int64_t from, int64_t to, int64_t stride, const nn::Scope& scope = {})
      : Module(scope),
        norm1(from),
        conv1(from, to, 3, Conv2dOptions{.stride = stride, .padding = 1}),
        norm2(to),
        conv2(to, to, 3, Conv2dOptions{.padding = 1}),
        shortcut(from, to, 1, Conv2dOptions{.stride = stride}) {
    child("norm1", norm1), child("conv1", conv1), child("norm2", norm2), child("conv2", conv2);
    child("shortcut", shortcut);
  }
  Tensor operator()(const Tensor& x) const {
    const Tensor active = norm1(x).relu();
    return announce(shortcut(active) + conv2(norm2(conv1(active)).relu()));
  }
  nn::BatchNorm2d norm1;
  nn::Conv2d conv1;
  nn::BatchNorm2d norm2;
  nn::Conv2d conv2, shortcut;
};

struct ResNet : nn::Module {
  explicit ResNet(const nn::Scope& scope = {})
      : Module(scope), stem(1, 8, 3, Conv2dOptions{.padding = 1}), norm(32), output(32, figures::kShapes) {
    child("stem", stem);
    blocks.emplace<Residual>(8, 8, 1).emplace<Residual>(8, 16, 2).emplace<Residual>(16, 32, 2);
    child("blocks", blocks), child("norm", norm), child("output", output);
  }
  Tensor operator()(const Tensor& images) const {
    return output(norm(blocks(stem(images))).relu().mean({2, 3}));  // global average pooling
  }
  nn::Conv2d stem;
  nn::Sequential blocks;
  nn::BatchNorm2d norm;
  nn::Linear output;
};

}  // namespace

int main() {
  set_num_threads(1);
  manual_seed(1);
  const auto drawn = figures::draw(2000, /*noise=*/0.2);
  const auto images = std::make_shared<nn::TensorDataset>(drawn.pixels, drawn.shape);
  const auto [train, test] = nn::train_test_split(images, /*test_share=*/0.2);
  const auto augmented = std::make_shared<nn::MappedDataset>(train, [](nn::Sample s) {
    return nn::Sample{nn::random_crop(nn::random_flip(s[0]), figures::kSize, figures::kSize, /*padding=*/1),
                      s[1]};
  });
  nn::DataLoader loader(augmented, {.batch_size = 32, .shuffle = true, .workers = 1});

  ResNet net;
  nn::Adam adam(net.named_parameters());
  const int64_t total = 6 * loader.size();
  const nn::Schedule schedule(nn::ScheduleKind::cosine, /*base=*/0.01, /*warmup=*/10, total);
  nn::TrainingLog log({.print_every = 50});
  int64_t update = 0;
  for (int epoch = 0; epoch < 6; ++epoch) {
    for (const nn::Sample& batch : loader) {
      const Tensor loss = cross_entropy(net(batch[0]), batch[1]);
      loss.backward();
      adam.step(schedule(++update));
      adam.zero_grad();
      log.add(update, {{"loss", loss.item()}});
    }
  }

  net.train(false);
  const NoGradGuard no_grad;
  nn::DataLoader whole(test, {.batch_size = test->size()});
  const nn::Sample all = *whole.begin();
  const Tensor logits = net(all[0]);
  const double right = nn::accuracy(logits, all[1]);
  std::cout << nn::confusion_matrix(logits, all[1], figures::kShapes) << "\n";
  std::printf("accuracy on %lld images that it has not seen: %.1f %% (guessing: 25 %%)\n",
              static_cast<long long>(test->size()), 100 * right);
  return right > 0.975 ? 0 : 1;
}
