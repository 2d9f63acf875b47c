// REINFORCE with a baseline (Williams 1992): a policy learns to hold a pole upright on a cart (Barto, Sutton
// & Anderson 1983) by trying. Before that, the curvature of its loss: the largest eigenvalue of the Hessian,
// by products of the Hessian with a vector (Pearlmutter 1994), each a gradient of a gradient.
#include <heed/nn/nn.h>

#include <cmath>
#include <cstdio>

using namespace heed;

namespace {

constexpr int64_t kCarts = 32, kSteps = 200;

// Carts [B, 4]: position, speed, angle of the pole, its speed. All are moved at once.
struct Carts {
  Tensor state = uniform({kCarts, 4}, -0.05, 0.05);
  Tensor up = ones({kCarts}, DType::boolean);  // whose pole has not fallen yet

  void push(const Tensor& right) {  // a mask [B]: the direction of a force of 10 newtons
    const std::vector<Tensor> s = split(state, {1, 1, 1, 1}, 1);
    const Tensor force = (right * 20.0 - 10.0).unsqueeze(1), sine = sin(s[2]), cosine = cos(s[2]);
    const Tensor pushed = (force + s[3].square() * sine * 0.05) / 1.1;
    const Tensor turn = (sine * 9.8 - cosine * pushed) / (0.5 * (4.0 / 3 - cosine.square() * (0.1 / 1.1)));
    const Tensor speed_up = pushed - turn * cosine * (0.05 / 1.1);
    state = state + 0.02 * concat({s[1], speed_up, s[3], turn}, 1);
    up = up & (abs(state.index({Range{}, 0})) < 2.4) & (abs(state.index({Range{}, 2})) < 0.21);
  }
};

struct Policy : nn::Module {
  explicit Policy(const nn::Scope& scope = {}) : Module(scope), first(4, 32), second(32, 1) {
    child("first", first), child("second", second);
    second.weight.detach().fill_(0);  // both directions alike at first
    second.bias.detach().fill_(0);
  }
  Tensor operator()(const Tensor& state) const {
    return second(first(state * 5).tanh()).squeeze(1);
  }  // logit of right
  nn::Linear first, second;
};

struct Trial {
  Tensor states, right, up;  // [T, B, 4], [T, B], [T, B]
  double steps;              // that a pole stood, in the mean
};

Trial run(const Policy& policy) {
  const NoGradGuard no_grad;
  Carts carts;
  std::vector<Tensor> states, right, up;
  for (int64_t t = 0; t < kSteps; ++t) {
    states.push_back(carts.state), up.push_back(carts.up.to(DType::f32));
    right.push_back((uniform({kCarts}, 0, 1) < sigmoid(policy(carts.state))).to(DType::f32));
    carts.push(right.back() > 0);
  }
  const Tensor stood = stack(up, 0);
  return {stack(states, 0), stack(right, 0), stood, stood.sum(0).mean().item()};
}

// -sum log p(action) (return - baseline), for steps before the fall; the baseline is the mean of the carts at
// that step.
Tensor loss_of(const Policy& policy, const Trial& trial) {
  const Tensor to_come = flip(cumsum(flip(trial.up, {0}), 0), {0});
  const Tensor advantage = (to_come - to_come.mean({1}, KeepDim::yes)) / (to_come.stddev() + 1e-6) * trial.up;
  const Tensor logits = policy(trial.states.reshape({kSteps * kCarts, 4})).reshape({kSteps, kCarts});
  return (bce_with_logits(logits, trial.right, Reduction::none) * advantage).sum() / trial.up.sum();
}

double largest_curvature(const Policy& policy, const Trial& trial) {
  std::vector<Tensor> parameters = policy.parameters(), vector;
  for (const Tensor& p : parameters) vector.push_back(randn(p.shape()));
  double value = 0;
  for (int i = 0; i < 20; ++i) {  // power iteration
    double length = 0;
    for (const Tensor& v : vector) length += v.square().sum().item();
    for (Tensor& v : vector) v /= std::sqrt(length);
    const std::vector<Tensor> slope = grad({loss_of(policy, trial)}, parameters, {.create_graph = true});
    Tensor along = zeros({});
    for (size_t p = 0; p < slope.size(); ++p) along += (slope[p] * vector[p]).sum();
    const std::vector<Tensor> product = grad({along}, parameters);  // the Hessian times the vector
    value = 0;
    for (size_t p = 0; p < product.size(); ++p) value += (product[p] * vector[p]).sum().item();
    vector = product;
  }
  return value;
}

}  // namespace

int main() {
  set_num_threads(1);
  manual_seed(1);
  const Policy policy;
  nn::Adam adam(policy.named_parameters());
  const Trial first = run(policy);
  std::printf("the largest eigenvalue of the loss's Hessian: %.3f\n", largest_curvature(policy, first));
  for (int64_t update = 1; update <= 80; ++update) {
    const Trial trial = run(policy);
    loss_of(policy, trial).backward();
    adam.step(0.02);
    adam.zero_grad();
    if (update % 20 == 0)
      std::printf("update %lld  %.0f steps\n", static_cast<long long>(update), trial.steps);
  }
  const Trial last = run(policy);
  std::printf("a pole stands for %.0f of %d steps (before: %.0f)\n", last.steps, static_cast<int>(kSteps),
              first.steps);
  return last.steps > 3 * first.steps && last.steps > 0.95 * kSteps ? 0 : 1;
}
