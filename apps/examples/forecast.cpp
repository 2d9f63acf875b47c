// Two models of one time series: a GRU (Cho et al. 2014) and a temporal convolutional network (Bai, Kolter &
// Koltun 2018: causal convolutions whose dilation doubles from layer to layer). Both say the next value of
// two waves that beat against each other, in noise.
#include <heed/nn/nn.h>

#include <cmath>
#include <cstdio>

using namespace heed;

namespace {

constexpr int64_t kSteps = 96, kHidden = 24;
constexpr double kNoise = 0.1;

// Series [count, kSteps + 1] of random phases.
Tensor series(int64_t count) {
  const Tensor time = arange(kSteps + 1).to(DType::f32).unsqueeze(0);
  const Tensor first = uniform({count, 1}, 0, 6.2832), second = uniform({count, 1}, 0, 6.2832);
  return sin(time * 0.31 + first) + sin(time * 0.47 + second) + randn({count, kSteps + 1}) * kNoise;
}

struct Recurrent : nn::Module {
  explicit Recurrent(const nn::Scope& scope = {}) : Module(scope), gru(1, kHidden), output(kHidden, 1) {
    child("gru", gru), child("output", output);
  }
  Tensor operator()(const Tensor& x) const { return output(gru(x.unsqueeze(-1), {}).output).squeeze(-1); }
  nn::GRU gru;
  nn::Linear output;
};

struct Convolutional : nn::Module {
  explicit Convolutional(const nn::Scope& scope = {}) : Module(scope), output(kHidden, 1) {
    for (int64_t i = 0; i < 5; ++i)  // sees 1 + 2 (1 + 2 + 4 + 8 + 16) = 63 steps
      layers.emplace(i == 0 ? 1 : kHidden, kHidden, 3, Conv1dOptions{.dilation = int64_t{1} << i});
    child("layers", layers), child("output", output);
  }
  Tensor operator()(const Tensor& x) const {
    Tensor y = x.unsqueeze(1);  // [B, channels, T]
    for (size_t i = 0; i < layers.size(); ++i) {
      const Tensor past =
          pad(y, {{}, {}, {.before = 2 * (int64_t{1} << i)}});  // no step sees what comes after it
      const Tensor changed = layers[i](past).relu();
      y = i == 0 ? changed : y + changed;
    }
    return output(y.transpose(1, 2)).squeeze(-1);
  }
  nn::ModuleList<nn::Conv1d> layers;
  nn::Linear output;
};

// Trains a model and gives its root mean square error on new series, from step 64 on.
template <class Model>
double learned(const char* name) {
  manual_seed(1);
  Model model;
  nn::Adam adam(model.named_parameters());
  for (int64_t update = 1; update <= 400; ++update) {
    const Tensor x = series(16);
    const Tensor loss =
        mse_loss(model(x.index({Range{}, Range{.stop = -1}})), x.index({Range{}, Range{.start = 1}}));
    loss.backward();
    nn::clip_gradient_norm(model.parameters(), 1);
    adam.step(update < 300 ? 0.01 : 0.002);
    adam.zero_grad();
  }
  const NoGradGuard no_grad;
  const Tensor x = series(200);
  const Tensor error = model(x.index({Range{}, Range{.stop = -1}})) - x.index({Range{}, Range{.start = 1}});
  const double root = error.index({Range{}, Range{.start = 64}}).square().mean().sqrt().item();
  std::printf("%s: an error of %.3f in the next value\n", name, root);
  return root;
}

}  // namespace

int main() {
  set_num_threads(1);
  const double recurrent = learned<Recurrent>("GRU"), convolutional = learned<Convolutional>("TCN");
  manual_seed(2);
  const Tensor x = series(200);
  const double still = (x.index({Range{}, Range{.start = 1}}) - x.index({Range{}, Range{.stop = -1}}))
                           .square()
                           .mean()
                           .sqrt()
                           .item();
  std::printf("taking the last value: %.3f; the noise alone: %.3f\n", still, kNoise);
  return recurrent < 1.5 * kNoise && convolutional < 1.3 * kNoise ? 0 : 1;
}
