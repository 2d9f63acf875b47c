// A Wasserstein GAN with gradient penalty (Gulrajani et al. 2017) that learns eight clouds of points on a
// circle. The penalty holds the length of the critic's gradient at 1, so its own gradient is a derivative of
// second order: grad(..., {.create_graph = true}).
#include <heed/nn/nn.h>

#include <cmath>
#include <cstdio>

using namespace heed;

namespace {

constexpr int64_t kClouds = 8, kNoise = 4, kBatch = 128;
constexpr double kSpread = 0.05;

Tensor points(int64_t count) {  // [count, 2]
  const Tensor angle = (uniform({count}, 0, 1) * kClouds).to(DType::i64) * (2 * 3.14159265 / kClouds);
  return stack({cos(angle), sin(angle)}, 1) + randn({count, 2}) * kSpread;
}

struct Net : nn::Module {
  Net(int64_t in, int64_t out, const nn::Scope& scope = {})
      : Module(scope), first(in, 128), second(128, 128), third(128, out) {
    child("first", first), child("second", second), child("third", third);
  }
  Tensor operator()(const Tensor& x) const { return third(second(first(x).leaky_relu(0.2)).leaky_relu(0.2)); }
  nn::Linear first, second, third;
};

// (|gradient of the critic| - 1)^2 / 10, in the mean over points between real ones and made ones.
Tensor penalty(const Net& critic, const Tensor& real, const Tensor& made) {
  const Tensor share = uniform({kBatch, 1}, 0, 1);
  const Tensor between = (share * real + (1 - share) * made).detach().set_requires_grad(true);
  const Tensor slope = grad({critic(between).sum()}, {between}, {.create_graph = true})[0];
  return (slope.norm(1) - 1).square().mean() * 0.1;
}

}  // namespace

int main() {
  set_num_threads(1);
  manual_seed(1);
  const Net generator(kNoise, 2), critic(2, 1);
  const nn::AdamOptions options{.beta1 = 0.5, .beta2 = 0.9};
  nn::Adam make(generator.named_parameters(), options), judge(critic.named_parameters(), options);
  double distance = 0;
  for (int64_t update = 1; update <= 2000; ++update) {
    for (int i = 0; i < 5; ++i) {
      const Tensor real = points(kBatch);
      Tensor made;
      {
        const NoGradGuard no_grad;
        made = generator(randn({kBatch, kNoise}));
      }
      const Tensor gap = critic(real).mean() - critic(made).mean();
      distance = gap.item();
      (penalty(critic, real, made) - gap).backward();
      judge.step(5e-4);
      judge.zero_grad();
    }
    (-critic(generator(randn({kBatch, kNoise}))).mean()).backward();
    make.step(5e-4);
    make.zero_grad();
    judge.zero_grad();
    if (update % 500 == 0)
      std::printf("update %lld  Wasserstein distance about %.3f\n", static_cast<long long>(update), distance);
  }

  const NoGradGuard no_grad;
  const Tensor made = generator(randn({2000, kNoise}));
  const Tensor angle = arange(kClouds) * (2 * 3.14159265 / kClouds);
  const Tensor centres = stack({cos(angle), sin(angle)}, 1);
  const Tensor distances = (made.unsqueeze(1) - centres.unsqueeze(0)).norm(2);  // [2000, clouds]
  const Tensor near = distances.amin(1) < 4 * kSpread;
  const Tensor counts = sum(one_hot(distances.argmin(1), kClouds) * near.unsqueeze(1), 0);
  const auto clouds = static_cast<int>((counts > 2000 / kClouds / 5).sum().item());
  std::printf("%.0f %% of 2000 points in a cloud, %d of %d clouds found\n", 100 * near.mean().item(), clouds,
              static_cast<int>(kClouds));
  return near.mean().item() > 0.7 && clouds == kClouds ? 0 : 1;
}
