// A neural ordinary differential equation (Chen et al. 2018): a network gives the derivative of a state, a
// solver (Runge-Kutta of fourth order) makes a path of it, and gradients pass through all of its steps. It
// learns the swing of a damped pendulum from short pieces and foretells a longer one.
#include <heed/nn/nn.h>

#include <cstdio>

using namespace heed;

namespace {

constexpr double kStep = 0.1;

// The next state by the derivative f(x).
template <class F>
Tensor runge_kutta(const F& f, const Tensor& x) {
  const Tensor k1 = f(x), k2 = f(x + k1 * (kStep / 2)), k3 = f(x + k2 * (kStep / 2)), k4 = f(x + k3 * kStep);
  return x + (k1 + 2 * k2 + 2 * k3 + k4) * (kStep / 6);
}

// States [T + 1, B, 2] from x [B, 2] on.
template <class F>
Tensor path(const F& f, Tensor x, int64_t steps) {
  std::vector<Tensor> states{x};
  for (int64_t t = 0; t < steps; ++t) states.push_back(x = runge_kutta(f, x));
  return stack(states, 0);
}

Tensor pendulum(const Tensor& x) {  // angle and speed
  const Tensor angle = x.index({Range{}, 0}), speed = x.index({Range{}, 1});
  return stack({speed, -sin(angle) * 4 - speed * 0.3}, 1);
}

struct Derivative : nn::Module {
  explicit Derivative(const nn::Scope& scope = {})
      : Module(scope), first(2, 64), second(64, 64), third(64, 2) {
    child("first", first), child("second", second), child("third", third);
  }
  Tensor operator()(const Tensor& x) const { return third(second(first(x).tanh()).tanh()); }
  nn::Linear first, second, third;
};

Tensor starts(int64_t count) { return uniform({count, 2}, -1, 1) * from_vector<float>({2, 3}, {2}); }

}  // namespace

int main() {
  set_num_threads(1);
  manual_seed(1);
  const Derivative net;
  nn::Adam adam(net.named_parameters());
  constexpr int64_t kUpdates = 2500;
  const nn::Schedule schedule(nn::ScheduleKind::cosine, /*base=*/0.01, /*warmup=*/0, /*total=*/kUpdates);
  for (int64_t update = 1; update <= kUpdates; ++update) {
    const Tensor x = starts(64);
    const Tensor loss = mse_loss(path(net, x, 8), path(pendulum, x, 8));
    loss.backward();
    adam.step(schedule(update));
    adam.zero_grad();
    if (update % 500 == 0)
      std::printf("update %lld  loss %.6f\n", static_cast<long long>(update), loss.item());
  }

  const NoGradGuard no_grad;
  const Tensor x = starts(200) * 0.5, truth = path(pendulum, x, 40), found = path(net, x, 40);
  const double error = (found - truth)[-1].square().mean().sqrt().item(), spread = truth[-1].stddev().item();
  std::printf(
      "after 4 s, five times as long as it was taught, an error of %.3f (the states' own spread: %.3f)\n",
      error, spread);
  return error < 0.18 * spread ? 0 : 1;
}
