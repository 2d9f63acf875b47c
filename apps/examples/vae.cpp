// A variational autoencoder (Kingma & Welling 2014) of 8 x 8 images of bars: an encoder to a mean and a
// deviation of eight numbers, a draw between them that gradients pass (sec. 2.4), a decoder to pixels. It
// writes images of its own.
#include <heed/nn/nn.h>

#include <cmath>
#include <cstdio>

using namespace heed;

namespace {

constexpr int64_t kSide = 8, kPixels = kSide * kSide, kLatent = 8;

// Images [count, 64] in which each row and each column is a bar with probability 1/8 (Földiák 1990).
Tensor bars(int64_t count) {
  const Tensor rows = bernoulli({count, kSide, 1}, 0.125), columns = bernoulli({count, 1, kSide}, 0.125);
  return maximum(rows, columns).reshape({count, kPixels});
}

struct Vae : nn::Module {
  explicit Vae(const nn::Scope& scope = {})
      : Module(scope),
        encoder(kPixels, 128),
        latent(128, 2 * kLatent),
        decoder(kLatent, 128),
        pixels(128, kPixels) {
    child("encoder", encoder), child("latent", latent), child("decoder", decoder), child("pixels", pixels);
  }
  Tensor decode(const Tensor& z) const { return pixels(decoder(z).relu()); }  // logits
  // The negative evidence lower bound of images x [B, 64], in nats an image (eq. 10).
  Tensor loss(const Tensor& x) const {
    const std::vector<Tensor> parts = latent(encoder(x).relu()).chunk(2, -1);
    const Tensor &mean = parts[0], &log_variance = parts[1];
    const Tensor z = mean + exp(log_variance / 2) * randn(mean.shape());
    const Tensor divergence = (mean.square() + log_variance.exp() - 1 - log_variance).sum() / 2;
    return (bce_with_logits(decode(z), x, Reduction::sum) + divergence) / x.size(0);
  }
  nn::Linear encoder, latent, decoder, pixels;
};

void print(const Tensor& image) {
  for (int64_t i = 0; i < kPixels; ++i)
    std::printf("%c%s", image.at({i}) > 0.5 ? '#' : '.', i % kSide == kSide - 1 ? "\n" : "");
}

}  // namespace

int main() {
  set_num_threads(1);
  manual_seed(1);
  const Vae model;
  nn::Adam adam(model.named_parameters());
  for (int64_t update = 1; update <= 1500; ++update) {
    const Tensor loss = model.loss(bars(64));
    loss.backward();
    adam.step(2e-3);
    adam.zero_grad();
    if (update % 500 == 0)
      std::printf("update %lld  loss %.2f\n", static_cast<long long>(update), loss.item());
  }

  const NoGradGuard no_grad;
  const Tensor test = bars(2000);
  const double p = test.mean().item();  // a model of pixels that know nothing of each other
  const double alone = -kPixels * (p * std::log(p) + (1 - p) * std::log(1 - p));
  const double bound = model.loss(test).item();
  print(sigmoid(model.decode(randn({1, kLatent})))[0]);
  std::printf("%.1f nats an image that it has not seen (independent pixels: %.1f)\n", bound, alone);
  return bound < 0.45 * alone ? 0 : 1;
}
