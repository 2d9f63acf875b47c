// A convolutional net that tells shapes apart (figures.h). Trains on new images at every step and tests on
// others.
#include <heed/nn/nn.h>

#include <cstdio>

#include "figures.h"

using namespace heed;
using namespace figures;

int main() {
  set_num_threads(1);  // so small a net gains nothing from a second one
  manual_seed(1);
  // [B, 1, 16, 16] -> 8 channels of 8 x 8 -> 16 of 4 x 4 -> logits [B, shapes]
  nn::Sequential net{nn::Conv2d(1, 8, 3, {.padding = 1}),
                     nn::BatchNorm2d(8),
                     nn::ReLU(),
                     nn::MaxPool2d(2),
                     nn::Conv2d(8, 16, 3, {.padding = 1}),
                     nn::BatchNorm2d(16),
                     nn::ReLU(),
                     nn::MaxPool2d(2),
                     nn::Flatten(),
                     nn::Linear(16 * 4 * 4, kShapes)};
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
  return accuracy > 0.96 ? 0 : 1;
}
