// Optimisers against steps worked by hand, schedules at their corners, clipping.
#include <gtest/gtest.h>

#include "nn/nn.h"

namespace heed::nn {
namespace {

Tensor leaf(std::vector<float> values) {
  const auto n = static_cast<int64_t>(values.size());
  return from_vector(values, {n}).set_requires_grad(true);
}

TEST(Adam, TwoStepsByHand) {
  const Tensor p = leaf({1.0F, -2.0F});
  Adam adam({{"p", p}});
  double m = 0, v = 0, value = 1.0;
  for (const double g : {0.5, -0.25}) {
    p.set_grad(from_vector<float>({static_cast<float>(g), 0.0F}, {2}));
    adam.step(0.1);
    m = 0.9 * m + 0.1 * g;
    v = 0.999 * v + 0.001 * g * g;
    const double t = g == 0.5 ? 1 : 2;
    value -= 0.1 * (m / (1 - std::pow(0.9, t))) / (std::sqrt(v / (1 - std::pow(0.999, t))) + 1e-8);
    EXPECT_NEAR(p.to_vector<float>()[0], value, 1e-6);
    EXPECT_EQ(p.to_vector<float>()[1], -2.0F);  // no gradient, no step
  }
}

TEST(Adam, StateGoesOnWhereItStopped) {
  const auto run = [](bool stop_between) {
    const Tensor p = leaf({1.0F, 2.0F, 3.0F});
    auto adam = std::make_unique<Adam>(NamedTensors{{"p", p}});
    for (int i = 0; i < 6; ++i) {
      if (stop_between && i == 3) {
        const NamedTensors state = adam->state();
        std::map<std::string, Tensor> values;
        for (const auto& [name, x] : state) values.emplace(name, x.clone());
        adam = std::make_unique<Adam>(NamedTensors{{"p", p}});
        adam->load_state(values, "s");
      }
      sum(square(p)).backward();
      adam->step(0.05);
      adam->zero_grad();
    }
    return p.to_vector<float>();
  };
  EXPECT_EQ(run(false), run(true));
}

TEST(Adam, LoadStateNamesWhatIsMissing) {
  Adam adam({{"p", leaf({1.0F})}});
  EXPECT_THROW(adam.load_state({}, "s"), FormatError);
}

TEST(SGD, MomentumByHand) {
  const Tensor p = leaf({1.0F});
  SGD sgd({{"p", p}}, 0.9);
  p.set_grad(full({1}, 2.0));
  sgd.step(0.1);
  EXPECT_NEAR(p.item(), 0.8, 1e-6);
  sgd.step(0.1);  // velocity 0.9 * 2 + 2
  EXPECT_NEAR(p.item(), 0.8 - 0.38, 1e-6);
}

TEST(Clipping, BringsTheNormDownAndLeavesSmallOnesAlone) {
  const Tensor a = leaf({0.0F}), b = leaf({0.0F});
  a.set_grad(full({1}, 3.0));
  b.set_grad(full({1}, 4.0));
  EXPECT_NEAR(clip_gradient_norm({a, b}, 1.0), 5.0, 1e-6);
  EXPECT_NEAR(gradient_norm({a, b}), 1.0, 1e-6);
  EXPECT_NEAR(clip_gradient_norm({a, b}, 10.0), 1.0, 1e-6);
  EXPECT_NEAR(a.grad().item(), 0.6, 1e-6);
}

TEST(Schedule, Corners) {
  const Schedule warm("inverse_sqrt", 1.0, 100, 1000);
  EXPECT_DOUBLE_EQ(warm(50), 0.5);
  EXPECT_DOUBLE_EQ(warm(100), 1.0);
  EXPECT_DOUBLE_EQ(warm(400), 0.5);
  const Schedule cosine("cosine", 2.0, 0, 100, 0.1);
  EXPECT_DOUBLE_EQ(cosine(0), 2.0);
  EXPECT_NEAR(cosine(50), 2.0 * 0.55, 1e-12);
  EXPECT_NEAR(cosine(100), 0.2, 1e-12);
  const Schedule linear("linear", 1.0, 10, 110);
  EXPECT_DOUBLE_EQ(linear(5), 0.5);
  EXPECT_NEAR(linear(60), 0.5, 1e-12);
  EXPECT_NEAR(linear(500), 0.0, 1e-12);
  EXPECT_EQ(Schedule("constant", 0.3, 0, 1)(7), 0.3);
  EXPECT_THROW(Schedule("stairs", 1, 0, 1), ValueError);
}

TEST(CrossEntropyLoss, IgnoresPaddingAndSmoothes) {
  const Tensor logits = from_vector<float>({2, 0, 0, 5, 1, 1}, {2, 3}), targets = from_vector<int64_t>({0, 9}, {2});
  const double log_sum = std::log(std::exp(2.0) + 2);
  EXPECT_NEAR(CrossEntropyLoss(0, 9)(logits, targets).item(), log_sum - 2, 1e-6);
  EXPECT_NEAR(CrossEntropyLoss(0.3, 9)(logits, targets).item(), log_sum - 0.7 * 2 - 0.1 * 2, 1e-6);
}

TEST(Training, AnMlpLearnsXor) {  // a loss that no constant answer reaches: 0.693
  manual_seed(3);
  const Linear first(2, 8), second(8, 2);
  NamedTensors parameters;
  for (const Linear* layer : {&first, &second}) {
    for (const auto& [name, p] : layer->named_parameters()) parameters.emplace_back(name, p);
  }
  Adam adam(parameters);
  const Tensor x = from_vector<float>({0, 0, 0, 1, 1, 0, 1, 1}, {4, 2}), y = from_vector<int64_t>({0, 1, 1, 0}, {4});
  double loss = 0;
  for (int i = 0; i < 400; ++i) {
    const Tensor value = cross_entropy(second(tanh(first(x))), y);
    loss = value.item();
    value.backward();
    adam.step(0.03);
    adam.zero_grad();
  }
  EXPECT_LT(loss, 0.02);
}

}  // namespace
}  // namespace heed::nn
