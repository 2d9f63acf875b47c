// Taylor's remainders of whole models in f64. With g the gradient and H the Hessian at x, and any
// direction d,
//   |f(x + h d) - f(x)| = O(h),   |f(x + h d) - f(x) - h g.d| = O(h^2),
//   |f(x + h d) - f(x) - h g.d - h^2/2 d.Hd| = O(h^3):
// halving h divides them by 2, 4 and 8. A wrong gradient turns the second into O(h), a wrong Hessian-vector
// product the third into O(h^2).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "nn/nn.h"
#include "tests/testing/parameters.h"

namespace heed::nn {
namespace {

double dot(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  double total = 0;
  for (size_t i = 0; i < a.size(); ++i) total += sum(a[i] * b[i]).item();
  return total;
}

// Checks the rates of `loss` in the module's parameters along a random direction of length 1. f: a graph that
// reads the parameters.
void expect_rates(const Module& module, const std::function<Tensor()>& loss, int order) {
  const std::vector<Tensor> start = randomise_parameters(module, 0.5);
  std::vector<Tensor> direction;
  for (const Tensor& p : start) direction.push_back(randn(p.shape(), DType::f64));
  const double length = std::sqrt(dot(direction, direction));
  for (Tensor& d : direction) d = d * (1 / length);
  const auto at = [&](double h) {
    const NoGradGuard no_grad;
    std::vector<Tensor> moved;
    for (size_t i = 0; i < start.size(); ++i) moved.push_back(start[i] + direction[i] * h);
    substitute_parameters(module, moved);
    return loss().item();
  };
  const double value = at(0);

  std::vector<Tensor> leaves;
  for (const Tensor& p : start) leaves.push_back(p.clone().set_requires_grad(true));
  substitute_parameters(module, leaves);
  const std::vector<Tensor> gradient = grad(std::vector{loss()}, leaves, {}, {.create_graph = order == 2});
  const double slope = dot(gradient, direction);
  double curvature = 0;
  if (order == 2) {
    std::vector<Tensor> outputs(gradient), cotangents(direction);
    curvature = dot(grad(outputs, leaves, cotangents), direction);  // Hd . d
    EXPECT_GT(std::abs(curvature), 1e-3);
  }
  EXPECT_GT(std::abs(slope), 1e-3);

  double before[3] = {};
  for (const double h : {0.04, 0.02, 0.01, 0.005}) {
    const double difference = at(h) - value;
    const double rest[3] = {std::abs(difference), std::abs(difference - h * slope),
                            std::abs(difference - h * slope - h * h / 2 * curvature)};
    for (int k = 0; k <= order && before[k] > 0; ++k) {
      const double expected = std::exp2(k + 1), ratio = before[k] / rest[k];
      EXPECT_NEAR(ratio, expected, 0.05 * expected)
          << "remainder of order " << k << " at h = " << h << ": " << before[k] << " to " << rest[k];
    }
    std::copy(rest, rest + 3, before);
  }
}

TEST(Taylor, MultilayerPerceptronToSecondOrder) {
  manual_seed(21);
  Sequential net;
  net.emplace<Linear>(4, 9).emplace<Tanh>().emplace<Linear>(9, 7).emplace<GELU>().emplace<Linear>(7, 3);
  const Tensor x = randn({6, 4}, DType::f64), classes = from_vector<int64_t>({0, 2, 1, 1, 0, 2}, {6});
  expect_rates(
      net, [&] { return cross_entropy(net(x), classes, {.label_smoothing = 0.1}); }, 2);
}

class Reader : public Module {
 public:
  explicit Reader(const Scope& scope = {})
      : Module(scope),
        encoder(3, 4, {.layers = 2, .bidirectional = true}),
        decoder(3, 5),
        attention(5, 8, 6),
        readout(13, 7) {
    child("encoder", encoder);
    child("decoder", decoder);
    child("attention", attention);
    child("readout", readout);
  }
  LSTM encoder, decoder;
  AdditiveAttention attention;
  Linear readout;
};

TEST(Taylor, LstmWithAttention) {
  manual_seed(22);
  Reader model;
  const Tensor source = randn({2, 4, 3}, DType::f64), target = randn({2, 3, 3}, DType::f64),
               lengths = from_vector<int64_t>({4, 2}, {2});
  const Tensor words = from_vector<int64_t>({0, 5, 2, 6, 1, 1}, {6});
  expect_rates(
      model,
      [&] {
        const Attention::Memory memory =
            model.attention.prepare(model.encoder(source, lengths).output, lengths);
        const Tensor hidden = model.decoder(target, {}).output;
        const Tensor joint = concat(std::vector{hidden, model.attention.attend(hidden, memory).context}, 2);
        return cross_entropy(reshape(model.readout(joint), {6, 7}), words);
      },
      1);
}

}  // namespace
}  // namespace heed::nn
