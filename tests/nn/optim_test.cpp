// Optimisers against steps worked by hand, schedules at their corners, clipping.
#include <gtest/gtest.h>

#include <functional>

#include "nn/nn.h"
#include "tests/testing/throws.h"

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
  SGD sgd({{"p", p}}, {.momentum = 0.9});
  p.set_grad(full({1}, 2.0));
  sgd.step(0.1);
  EXPECT_NEAR(p.item(), 0.8, 1e-6);
  sgd.step(0.1);  // velocity 0.9 * 2 + 2
  EXPECT_NEAR(p.item(), 0.8 - 0.38, 1e-6);
}

// Every optimiser on two parameters in f64 for six steps, against what torch.optim (1.13.1) gives for the same: from p = (1, -2, 0.5) and
// (3), the gradients of step k being cos(k + i) for element i of both together, at learning rate 0.1.
struct OptimizerCase {
  const char* name;
  std::function<std::unique_ptr<Optimizer>(NamedTensors)> make;
  std::vector<double> expected;
};
const std::vector<OptimizerCase>& optimizer_cases() {
  static const std::vector<OptimizerCase> cases = {
      {"sgd",
       [](NamedTensors p) { return std::make_unique<SGD>(std::move(p)); },
       {1.023581846268, -1.972435182397, 0.5062048227554, 2.979140142482}},
      {"sgd_decay",
       [](NamedTensors p) { return std::make_unique<SGD>(std::move(p), SGDOptions{.momentum = 0.9, .weight_decay = 0.01}); },
       {0.8026040201642, -1.679808442728, 0.9783361971833, 3.188531843999}},
      {"sgd_nesterov",
       [](NamedTensors p) { return std::make_unique<SGD>(std::move(p), SGDOptions{.momentum = 0.9, .nesterov = true}); },
       {0.8592497084961, -1.715992980549, 0.947649586488, 3.19972518815}},
      {"adam",
       [](NamedTensors p) { return std::make_unique<Adam>(std::move(p), AdamOptions{.weight_decay = 0.01}); },
       {0.8031123280562, -1.940249292327, 0.8475616954348, 3.202620597634}},
      {"adamw",
       [](NamedTensors p) { return std::make_unique<Adam>(std::move(p), AdamOptions{.weight_decay = 0.01, .decoupled = true}); },
       {0.8024765818988, -1.942058761404, 0.8460202121087, 3.1992030104}},
      {"adagrad",
       [](NamedTensors p) { return std::make_unique<Adagrad>(std::move(p), AdagradOptions{.weight_decay = 0.01}); },
       {0.9692818181621, -1.978334963467, 0.6183014947309, 3.025140852228}},
      {"rmsprop",
       [](NamedTensors p) { return std::make_unique<RMSprop>(std::move(p), RMSpropOptions{.momentum = 0.5, .weight_decay = 0.01}); },
       {0.3068176152927, -1.150524435668, 3.377520428858, 3.708914400754}}};
  return cases;
}

class EveryOptimizer : public testing::TestWithParam<OptimizerCase> {
 protected:
  NamedTensors parameters_{{"a", from_vector<double>({1, -2, 0.5}, {3}).set_requires_grad(true)},
                           {"b", from_vector<double>({3}, {1}).set_requires_grad(true)}};
  void step(Optimizer& optimizer, int k, double grad_scale = 1) {
    int i = 0;
    for (const auto& [name, p] : parameters_) {
      std::vector<double> g;
      for (int64_t n = 0; n < p.numel(); ++n) g.push_back(std::cos(k + i++) / grad_scale);
      p.set_grad(from_vector(g, p.shape()));
    }
    optimizer.step(0.1, grad_scale);
  }
  void expect_end() const {
    size_t i = 0;
    for (const auto& [name, p] : parameters_) {
      for (const double v : p.to_vector<double>()) {
        EXPECT_NEAR(v, GetParam().expected[i], 1e-9) << "element " << i;
        ++i;
      }
    }
  }
};

TEST_P(EveryOptimizer, StepsAsPyTorchDoes) {
  const auto optimizer = GetParam().make(parameters_);
  for (int k = 0; k < 6; ++k) step(*optimizer, k);
  expect_end();
}

TEST_P(EveryOptimizer, GoesOnFromItsStateAndScalesGradients) {
  auto optimizer = GetParam().make(parameters_);
  for (int k = 0; k < 6; ++k) {
    if (k == 3) {
      std::map<std::string, Tensor> values;
      for (const auto& [name, x] : optimizer->state()) values.emplace(name, x.clone());
      optimizer = GetParam().make(parameters_);
      optimizer->load_state(values, "s");
      values.erase(values.begin());
      EXPECT_THROW(GetParam().make(parameters_)->load_state(values, "s"), FormatError);
    }
    step(*optimizer, k, 0.25);
  }
  expect_end();
}

INSTANTIATE_TEST_SUITE_P(Optim, EveryOptimizer, testing::ValuesIn(optimizer_cases()),
                         [](const testing::TestParamInfo<OptimizerCase>& tested) { return std::string(tested.param.name); });

TEST(SGD, NesterovNeedsAMomentum) { EXPECT_ERROR(ValueError, "sgd: nesterov needs a momentum", SGD({}, {.nesterov = true})); }

TEST(ExponentialMovingAverage, ByHandAndExchanged) {
  const Tensor p = leaf({1.0F});
  ExponentialMovingAverage average({{"p", p}}, 0.75);
  {
    const NoGradGuard no_grad;
    p.fill_(5);
  }
  average.update();  // 0.75 + 1.25
  EXPECT_EQ(average.averages()[0].second.item(), 2);
  average.swap();
  EXPECT_EQ(p.item(), 2);
  average.swap();
  EXPECT_EQ(p.item(), 5);
  average.update();
  EXPECT_EQ(average.averages()[0].second.item(), 2.75);
  EXPECT_ERROR(ValueError, "moving average: decay 1 is outside [0, 1)", ExponentialMovingAverage({}, 1));
}

TEST(Clipping, BringsEveryValueIntoTheLimit) {
  const Tensor a = leaf({0, 0, 0}), none = leaf({0});
  a.set_grad(from_vector<float>({-3, 0.5F, 2}, {3}));
  clip_gradient_value({a, none}, 1);
  EXPECT_EQ(a.grad().to_vector<float>(), (std::vector<float>{-1, 0.5F, 1}));
  EXPECT_FALSE(none.grad().defined());
  EXPECT_ERROR(ValueError, "clip_gradient_value: the limit must be positive, got 0", clip_gradient_value({a}, 0));
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
