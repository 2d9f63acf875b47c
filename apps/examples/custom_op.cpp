// An op of one's own and a layer that uses it: snake(x, a) = x + sin(a x)^2 / a, an activation with a learned
// frequency that lets a small net continue a periodic function beyond its training data, where tanh goes flat
// (Ziyin, Hartwig & Ueda 2020).
#include <heed/nn/nn.h>

#include <cstdio>

using namespace heed;

namespace {

/// apply() takes a struct with a name, a forward, which computes and keeps what backward reads, and a vjp,
/// which adds the cotangent g of the result, times the derivative, to each input that wants it. Written in
/// ops, the vjp can be differentiated again.
struct SnakeOp {
  static constexpr const char* kName = "snake";
  Tensor forward(const Tensor& x, const Tensor& a, Saved& saved) const {
    saved.input(x);
    saved.input(a);
    return x + square(sin(a * x)) / a;
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const Tensor x = saved[0], a = saved[1];
    const Tensor slope = sin(2.0 * a * x);  // of sin(u)^2 at u = a x
    if (d.wants(0)) d.add(0, g * (slope + 1.0));
    // x [N, D] and a [D]: a was broadcast over the rows, so its gradient is the sum over them.
    if (d.wants(1)) d.add(1, sum_to(g * (x * slope - square(sin(a * x)) / a) / a, a.shape()));
  }
};

/// x [N, D], a [D], not 0 -> [N, D].
Tensor snake(const Tensor& x, const Tensor& a) {
  if (a.ndim() != 1 || a.size(0) != x.size(-1))
    throw ShapeError("snake", "a is " + a.describe() + " for x " + x.describe());
  return apply(SnakeOp{}, x, a);
}

/// A layer: parameters are members that param() makes and names; sublayers are announced with child(), and
/// one that is not is refused.
class SnakeNet : public nn::Module {
 public:
  explicit SnakeNet(int64_t hidden, const nn::Scope& scope = {})
      : Module(scope), in_(1, hidden), out_(hidden, 1), frequency_(param("frequency", full({hidden}, 5))) {
    child("in", in_);
    child("out", out_);
  }
  Tensor operator()(const Tensor& x) const { return out_(snake(in_(x), frequency_)); }

 private:
  nn::Linear in_, out_;
  Tensor frequency_;  // a [hidden]
};

/// The same net with tanh.
class TanhNet : public nn::Module {
 public:
  explicit TanhNet(int64_t hidden, const nn::Scope& scope = {})
      : Module(scope), in_(1, hidden), out_(hidden, 1) {
    child("in", in_);
    child("out", out_);
  }
  Tensor operator()(const Tensor& x) const { return out_(tanh(in_(x))); }

 private:
  nn::Linear in_, out_;
};

Tensor wave(const Tensor& x) { return sin(2.0 * x) + 0.3 * x; }

/// Fits `wave` on [-6, 6] and returns the mean squared error on 6 < x < 9, beyond the training data.
template <class Net>
double error_beyond(Net& net) {
  nn::Adam adam(net.named_parameters());
  const nn::Schedule schedule(nn::ScheduleKind::linear, /*base=*/0.01, /*warmup=*/0, /*total=*/3000);
  for (int64_t update = 1; update <= 3000; ++update) {
    const Tensor x = uniform({64, 1}, -6, 6);
    mse_loss(net(x), wave(x)).backward();
    adam.step(schedule(update));
    adam.zero_grad();
  }
  const NoGradGuard no_grad;
  const Tensor x = uniform({500, 1}, 6, 9);
  return mse_loss(net(x), wave(x)).item();
}

}  // namespace

int main() {
  manual_seed(1);
  const auto f = [](const std::vector<Tensor>& x) { return std::vector{snake(x[0], x[1])}; };
  const GradcheckResult check =
      gradcheck(f, {randn({4, 3}, DType::f64), uniform({3}, 0.5, 2, DType::f64)}, {.order = 2});
  std::printf("gradients of snake against finite differences, first and second order: %s\n",
              check ? "equal" : check.message.c_str());
  if (!check) return 1;

  SnakeNet snakes(32);
  TanhNet tanhs(32);
  const double with_snake = error_beyond(snakes), with_tanh = error_beyond(tanhs);
  const NoGradGuard no_grad;
  const double variance = var(wave(uniform({500, 1}, 6, 9))).item();
  std::printf(
      "mean squared error beyond the training data: snake %.3f, tanh %.3f; of a constant at best %.3f\n",
      with_snake, with_tanh, variance);
  return with_snake < variance / 4 && with_snake < with_tanh ? 0 : 1;
}
