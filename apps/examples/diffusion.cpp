// A diffusion model (Ho, Jain & Abbeel 2020) of images of shapes (figures.h): a small U-Net (Ronneberger et
// al. 2015) learns to say which noise was added to an image; going back step by step from noise alone, it
// draws new ones.
#include <heed/nn/nn.h>

#include <cmath>
#include <cstdio>

#include "figures.h"

using namespace heed;

namespace {

constexpr int64_t kSteps = 100, kTime = 32;

// What is left of an image after t steps, alpha-bar of eq. 4, for betas from 1e-3 to 0.1.
Tensor kept() { return exp(cumsum(log(1 - linspace(1e-3, 0.1, kSteps)), 0)); }

struct Block : nn::Module {  // [B, from, H, W], time [B, kTime] -> [B, to, H, W]
  Block(int64_t from, int64_t to, const nn::Scope& scope = {})
      : Module(scope),
        conv(from, to, 3, {.padding = 1}),
        norm(4, to),
        time(kTime, to),
        conv2(to, to, 3, {.padding = 1}) {
    child("conv", conv), child("norm", norm), child("time", time), child("conv2", conv2);
  }
  Tensor operator()(const Tensor& x, const Tensor& when) const {
    const Tensor y = norm(conv(x)) + time(when).index({ellipsis, new_axis, new_axis});
    return conv2(y.silu()).silu();
  }
  nn::Conv2d conv;
  nn::GroupNorm norm;
  nn::Linear time;
  nn::Conv2d conv2;
};

struct UNet : nn::Module {
  explicit UNet(const nn::Scope& scope = {})
      : Module(scope),
        time(kSteps, kTime),
        down(1, 16),
        middle(16, 32),
        up(2, Interpolation::nearest),
        end(48, 16),
        output(16, 1, 1) {
    child("time", time), child("down", down), child("middle", middle), child("up", up), child("end", end),
        child("output", output);
  }
  // The noise in images x [B, 1, 16, 16] after t [B] steps.
  Tensor operator()(const Tensor& x, const Tensor& t) const {
    const Tensor when = time(t), fine = down(x, when);
    const Tensor coarse = middle(avg_pool2d(fine, 2), when);
    return output(end(concat({fine, up(coarse)}, 1), when));
  }
  nn::Embedding time;
  Block down, middle;
  nn::Upsample up;
  Block end;
  nn::Conv2d output;
};

}  // namespace

int main() {
  set_num_threads(1);
  manual_seed(1);
  const UNet net;
  const Tensor left = kept();
  nn::Adam adam(net.named_parameters());
  const auto loss_of = [&](int64_t count) {
    const Tensor image = figures::draw(count, /*noise=*/0).pixels * 2 - 1, noise = randn(image.shape());
    const Tensor t = (uniform({count}, 0, 1) * kSteps).to(DType::i64),
                 part = left[t].reshape({count, 1, 1, 1});
    return mse_loss(net(sqrt(part) * image + sqrt(1 - part) * noise, t), noise);  // eq. 14
  };
  for (int64_t update = 1; update <= 600; ++update) {
    const Tensor loss = loss_of(32);
    loss.backward();
    adam.step(update < 400 ? 3e-3 : 1e-3);
    adam.zero_grad();
    if (update % 200 == 0)
      std::printf("update %lld  loss %.4f\n", static_cast<long long>(update), loss.item());
  }

  const NoGradGuard no_grad;
  Tensor x = randn({4, 1, figures::kSize, figures::kSize});
  for (int64_t t = kSteps - 1; t >= 0; --t) {  // algorithm 2
    const double all = left.at({t}), before = t > 0 ? left.at({t - 1}) : 1, alpha = all / before;
    const Tensor noise = net(x, full({4}, t, DType::i64));
    x = (x - noise * ((1 - alpha) / std::sqrt(1 - all))) / std::sqrt(alpha);
    if (t > 0) x += randn(x.shape()) * std::sqrt(1 - alpha);
  }
  for (int64_t i = 0; i < 2; ++i) figures::print((x[i] + 1) / 2);
  const double error = loss_of(500).item();
  std::printf("%.3f of the noise's variance is not seen through (nothing learned: 1)\n", error);
  return error < 0.1 ? 0 : 1;
}
