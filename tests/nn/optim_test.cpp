// Optimisers against steps worked by hand, schedules at their corners, clipping.
#include <gtest/gtest.h>

#include <functional>
#include <limits>

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

// PyTorch's rule (torch/optim/adam.py): a parameter's state["step"] grows when the parameter has a gradient.
// So one that gets a gradient in the first and in the fourth step alone does in the fourth what it would do
// in its second.
TEST(Adam, AParameterWithoutAGradientDoesNotCountTheStep) {
  for (const bool decoupled : {false, true}) {
    const Tensor always = full({1}, 1.0, DType::f64).set_requires_grad(true),
                 rarely = full({1}, 3.0, DType::f64).set_requires_grad(true);
    Adam adam({{"always", always}, {"rarely", rarely}}, {.weight_decay = 0.01, .decoupled = decoupled});
    double m = 0, v = 0, value = 3.0, t = 0;
    for (int k = 0; k < 5; ++k) {
      const double gradient = std::cos(k);
      always.set_grad(full({1}, gradient, DType::f64));
      rarely.set_grad(k == 0 || k == 3 ? full({1}, gradient, DType::f64) : Tensor{});
      adam.step(0.1);
      if (k == 0 || k == 3) {
        ++t;
        const double g = decoupled ? gradient : gradient + 0.01 * value;
        if (decoupled) value *= 1 - 0.1 * 0.01;
        m = 0.9 * m + 0.1 * g;
        v = 0.999 * v + 0.001 * g * g;
        value -= 0.1 * (m / (1 - std::pow(0.9, t))) / (std::sqrt(v / (1 - std::pow(0.999, t))) + 1e-8);
      }
      EXPECT_NEAR(rarely.item(), value, 1e-12) << "step " << k;
    }
  }
}

// Before, one counter stood for all parameters; such a state is still read, and training goes on as if it had
// the counters of now.
TEST(Adam, AStateWithOneCounterForAllIsRead) {
  const auto run = [](bool old_form) {
    const NamedTensors parameters{{"p", leaf({1.0F, 2.0F})}, {"q", leaf({3.0F})}};
    auto adam = std::make_unique<Adam>(parameters);
    for (int i = 0; i < 6; ++i) {
      if (i == 3) {
        std::map<std::string, Tensor> values;
        for (const auto& [name, x] : adam->state()) values.emplace(name, x.clone());
        if (old_form) {
          EXPECT_EQ(values.erase("adam.steps.p") + values.erase("adam.steps.q"), 2U);
          values.emplace("adam.steps", from_vector<int64_t>({3}, {1}));
        }
        adam = std::make_unique<Adam>(parameters);
        adam->load_state(values, "s");
      }
      (sum(square(parameters[0].second)) + sum(exp(parameters[1].second))).backward();
      adam->step(0.05);
      adam->zero_grad();
    }
    return std::pair{parameters[0].second.to_vector<float>(), parameters[1].second.to_vector<float>()};
  };
  EXPECT_EQ(run(false), run(true));
}

TEST(Adam, ACounterThatIsNoneIsRefusedUnderItsNameInTheFile) {
  const auto load = [](const std::string& key, const Tensor& counter) {
    const Tensor p = leaf({1.0F});
    Adam adam({{"p", p}});
    std::map<std::string, Tensor> values;
    for (const auto& [name, x] : adam.state()) values.emplace(name, x);
    values.erase("adam.steps.p");
    values.emplace(key, counter);
    adam.load_state(values, "s");
  };
  EXPECT_ERROR(FormatError, "load 's': 'adam.steps.p' counts -5 steps",
               load("adam.steps.p", from_vector<int64_t>({-5}, {1})));
  EXPECT_ERROR(FormatError, "load 's': 'adam.steps' counts -5 steps",
               load("adam.steps", from_vector<int64_t>({-5}, {1})));
  EXPECT_ERROR(FormatError, "load 's': 'adam.steps' is f32[1] in the file, i64[1] in the model",
               load("adam.steps", ones({1})));
  EXPECT_ERROR(FormatError, "load 's': 'adam.steps.p' is i64[2] in the file, i64[1] in the model",
               load("adam.steps.p", from_vector<int64_t>({1, 1}, {2})));
  EXPECT_NO_THROW(load("adam.steps", from_vector<int64_t>({0}, {1})));
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

// Every optimiser on two parameters in f64 for six steps, against what torch.optim (1.13.1) gives for the
// same: from p = (1, -2, 0.5) and (3), the gradients of step k being cos(k + i) for element i of both
// together, at learning rate 0.1.
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
       [](NamedTensors p) {
         return std::make_unique<SGD>(std::move(p), SGDOptions{.momentum = 0.9, .weight_decay = 0.01});
       },
       {0.8026040201642, -1.679808442728, 0.9783361971833, 3.188531843999}},
      {"sgd_nesterov",
       [](NamedTensors p) {
         return std::make_unique<SGD>(std::move(p), SGDOptions{.momentum = 0.9, .nesterov = true});
       },
       {0.8592497084961, -1.715992980549, 0.947649586488, 3.19972518815}},
      {"adam",
       [](NamedTensors p) { return std::make_unique<Adam>(std::move(p), AdamOptions{.weight_decay = 0.01}); },
       {0.8031123280562, -1.940249292327, 0.8475616954348, 3.202620597634}},
      {"adamw",
       [](NamedTensors p) {
         return std::make_unique<Adam>(std::move(p), AdamOptions{.weight_decay = 0.01, .decoupled = true});
       },
       {0.8024765818988, -1.942058761404, 0.8460202121087, 3.1992030104}},
      {"adagrad",
       [](NamedTensors p) {
         return std::make_unique<Adagrad>(std::move(p), AdagradOptions{.weight_decay = 0.01});
       },
       {0.9692818181621, -1.978334963467, 0.6183014947309, 3.025140852228}},
      {"rmsprop",
       [](NamedTensors p) {
         return std::make_unique<RMSprop>(std::move(p),
                                          RMSpropOptions{.momentum = 0.5, .weight_decay = 0.01});
       },
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
                         [](const testing::TestParamInfo<OptimizerCase>& tested) {
                           return std::string(tested.param.name);
                         });

TEST(Optimizer, NumbersOutsideTheirRangesAreRefused) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN(),
                   kInf = std::numeric_limits<double>::infinity();
  const NamedTensors one = {{"p", leaf({1.0F})}};
  EXPECT_ERROR(ValueError, "adam: beta1 1.5 is outside [0, 1)", Adam(one, {.beta1 = 1.5}));
  EXPECT_ERROR(ValueError, "adam: beta2 nan is outside [0, 1)", Adam(one, {.beta2 = kNaN}));
  EXPECT_ERROR(ValueError, "adam: eps -1e-08 is outside [0, inf)", Adam(one, {.eps = -1e-8}));
  EXPECT_ERROR(ValueError, "adam: weight_decay -0.1 is outside [0, inf)", Adam(one, {.weight_decay = -0.1}));
  EXPECT_ERROR(ValueError, "sgd: momentum -1 is outside [0, 1)", SGD(one, {.momentum = -1}));
  EXPECT_ERROR(ValueError, "sgd: momentum nan is outside [0, 1)", SGD(one, {.momentum = kNaN}));
  EXPECT_ERROR(ValueError, "sgd: weight_decay nan is outside [0, inf)", SGD(one, {.weight_decay = kNaN}));
  EXPECT_ERROR(ValueError, "adagrad: eps nan is outside [0, inf)", Adagrad(one, {.eps = kNaN}));
  EXPECT_ERROR(ValueError, "adagrad: weight_decay -1 is outside [0, inf)",
               Adagrad(one, {.weight_decay = -1}));
  EXPECT_ERROR(ValueError, "rmsprop: alpha 1 is outside [0, 1)", RMSprop(one, {.alpha = 1}));
  EXPECT_ERROR(ValueError, "rmsprop: eps -1 is outside [0, inf)", RMSprop(one, {.eps = -1}));
  EXPECT_ERROR(ValueError, "rmsprop: momentum 1 is outside [0, 1)", RMSprop(one, {.momentum = 1}));
  EXPECT_ERROR(ValueError, "rmsprop: weight_decay inf is outside [0, inf)",
               RMSprop(one, {.weight_decay = kInf}));
  EXPECT_ERROR(ValueError, "moving average: decay nan is outside [0, 1)", ExponentialMovingAverage({}, kNaN));

  const Tensor p = leaf({1.0F});
  p.set_grad(full({1}, 2.0));
  Adam adam({{"p", p}});
  SGD sgd({{"p", p}});
  EXPECT_ERROR(ValueError, "adam: lr nan is outside [0, inf)", adam.step(kNaN));
  EXPECT_ERROR(ValueError, "adam: lr -0.1 is outside [0, inf)", adam.step(-0.1));
  EXPECT_ERROR(ValueError, "adam: grad_scale nan is outside (-inf, inf)", adam.step(0.1, kNaN));
  EXPECT_ERROR(ValueError, "sgd: lr inf is outside [0, inf)", sgd.step(kInf));
  EXPECT_ERROR(ValueError, "sgd: grad_scale inf is outside (-inf, inf)", sgd.step(0.1, kInf));
  EXPECT_EQ(p.item(), 1.0);
  EXPECT_EQ(adam.state().front().second.item(), 0);  // a step that was refused does not count
  const auto all = [](const std::string&) { return true; };
  EXPECT_ERROR(ValueError, "group: lr_scale -1 is outside [0, inf)", sgd.group(all, {.lr_scale = -1}));
  EXPECT_ERROR(ValueError, "group: weight_decay nan is outside [0, inf)",
               sgd.group(all, {.weight_decay = kNaN}));
  EXPECT_ERROR(ValueError, "clip_gradient_norm: max_norm is nan", clip_gradient_norm({p}, kNaN));
  EXPECT_ERROR(ValueError, "clip_factor: max_norm is nan", clip_factor(1, kNaN));
  EXPECT_ERROR(ValueError, "clip_gradient_value: the limit must be positive, got nan",
               clip_gradient_value({p}, kNaN));

  EXPECT_ERROR(ValueError, "schedule: base nan is outside [0, inf)",
               Schedule(ScheduleKind::constant, kNaN, 0, 1));
  EXPECT_ERROR(ValueError, "schedule: warmup must be at least 0, got -3",
               Schedule(ScheduleKind::cosine, 1, -3, 10));
  EXPECT_ERROR(ValueError, "schedule: total must be at least 0, got -1",
               Schedule(ScheduleKind::linear, 1, 0, -1));
  EXPECT_ERROR(ValueError, "schedule: floor -0.5 is outside [0, inf)",
               Schedule(ScheduleKind::linear, 1, 0, 10, -0.5));
  EXPECT_ERROR(ValueError, "schedule: step: base -1 is outside [0, inf)", Schedule::step(-1, 1, 0.5));
  EXPECT_ERROR(ValueError, "schedule: step: every must be at least 1, got 0", Schedule::step(1, 0, 0.5));
  EXPECT_ERROR(ValueError, "schedule: step: gamma nan is outside [0, inf)", Schedule::step(1, 1, kNaN));
  EXPECT_ERROR(ValueError, "schedule: step: warmup must be at least 0, got -1",
               Schedule::step(1, 1, 0.5, -1));
  EXPECT_ERROR(ValueError, "schedule: one_cycle: total must be at least 1, got 0", Schedule::one_cycle(1, 0));
  EXPECT_ERROR(ValueError, "schedule: one_cycle: rising 1 is outside (0, 1)", Schedule::one_cycle(1, 10, 1));
  EXPECT_ERROR(ValueError, "schedule: one_cycle: start_divisor 0 is outside (0, inf)",
               Schedule::one_cycle(1, 10, 0.5, 0));
  EXPECT_ERROR(ValueError, "schedule: one_cycle: end_divisor nan is outside (0, inf)",
               Schedule::one_cycle(1, 10, 0.5, 25, kNaN));
  EXPECT_ERROR(ValueError, "schedule: plateau: base inf is outside [0, inf)", PlateauSchedule(kInf));
  EXPECT_ERROR(ValueError, "schedule: plateau: factor nan is outside (0, 1)",
               PlateauSchedule(1, {.factor = kNaN}));
  EXPECT_ERROR(ValueError, "schedule: plateau: patience must be at least 0, got -1",
               PlateauSchedule(1, {.patience = -1}));
  EXPECT_ERROR(ValueError, "schedule: plateau: threshold -1 is outside [0, inf)",
               PlateauSchedule(1, {.threshold = -1}));
  EXPECT_ERROR(ValueError, "schedule: plateau: floor nan is outside [0, inf)",
               PlateauSchedule(1, {.floor = kNaN}));
  EXPECT_ERROR(ValueError, "schedule: plateau: warmup must be at least 0, got -1",
               PlateauSchedule(1, {.warmup = -1}));
  EXPECT_ERROR(ValueError, "schedule: plateau: lr nan is outside [0, inf)",
               PlateauSchedule(1).set_state({kNaN, 0}));
}

TEST(SGD, NesterovNeedsAMomentum) {
  EXPECT_ERROR(ValueError, "sgd: nesterov needs a momentum", SGD({{"p", leaf({1.0F})}}, {.nesterov = true}));
}

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
  EXPECT_ERROR(ValueError, "clip_gradient_value: the limit must be positive, got 0",
               clip_gradient_value({a}, 0));
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

// Of two parameters with one gradient tensor both count; of one parameter that is listed twice, one.
TEST(Clipping, CountsParametersAndNotGradients) {
  const Tensor a = leaf({0.0F}), b = leaf({0.0F}), g = full({1}, 3.0);
  a.set_grad(g);
  b.set_grad(g);
  EXPECT_NEAR(gradient_norm({a, b, a}), std::sqrt(18.0), 1e-6);
  EXPECT_NEAR(clip_gradient_norm({a, b}, 1.0), std::sqrt(18.0), 1e-6);
  EXPECT_NEAR(a.grad().item(), std::sqrt(0.5), 1e-6);
  EXPECT_NEAR(b.grad().item(), std::sqrt(0.5), 1e-6);
}

TEST(Schedule, Corners) {
  const Schedule warm(ScheduleKind::inverse_sqrt, 1.0, 100, 1000);
  EXPECT_DOUBLE_EQ(warm(50), 0.5);
  EXPECT_DOUBLE_EQ(warm(100), 1.0);
  EXPECT_DOUBLE_EQ(warm(400), 0.5);
  const Schedule cosine(ScheduleKind::cosine, 2.0, 0, 100, 0.1);
  EXPECT_DOUBLE_EQ(cosine(0), 2.0);
  EXPECT_NEAR(cosine(50), 2.0 * 0.55, 1e-12);
  EXPECT_NEAR(cosine(100), 0.2, 1e-12);
  const Schedule linear(ScheduleKind::linear, 1.0, 10, 110);
  EXPECT_DOUBLE_EQ(linear(5), 0.5);
  EXPECT_NEAR(linear(60), 0.5, 1e-12);
  EXPECT_NEAR(linear(500), 0.0, 1e-12);
  EXPECT_EQ(Schedule(ScheduleKind::constant, 0.3, 0, 1)(7), 0.3);
}

TEST(CrossEntropyLoss, IgnoresPaddingAndSmoothes) {
  const Tensor logits = from_vector<float>({2, 0, 0, 5, 1, 1}, {2, 3}),
               targets = from_vector<int64_t>({0, 9}, {2});
  const double log_sum = std::log(std::exp(2.0) + 2);
  EXPECT_NEAR(CrossEntropyLoss(0, 9)(logits, targets).item(), log_sum - 2, 1e-6);
  EXPECT_NEAR(CrossEntropyLoss(0.3, 9)(logits, targets).item(), log_sum - 0.7 * 2 - 0.1 * 2, 1e-6);
}

TEST(Training, AnMlpLearnsXor) {  // a loss that no constant answer reaches: 0.693
  manual_seed(3);
  const Linear first(2, 8), second(8, 2);
  NamedTensors parameters;
  for (const auto& [name, p] : first.named_parameters()) parameters.emplace_back("first." + name, p);
  for (const auto& [name, p] : second.named_parameters()) parameters.emplace_back("second." + name, p);
  Adam adam(parameters);
  const Tensor x = from_vector<float>({0, 0, 0, 1, 1, 0, 1, 1}, {4, 2}),
               y = from_vector<int64_t>({0, 1, 1, 0}, {4});
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

TEST(GradientNorm, SquaresNeitherOverflowNorVanish) {
  for (const double size : {1e-30, 1e-23, 1e20, 1e30}) {
    const Tensor p = zeros({100});
    p.set_grad(full({100}, size));
    EXPECT_NEAR(gradient_norm({p}) / (10 * size), 1, 1e-6);
    EXPECT_NEAR(clip_gradient_norm({p}, 5 * size) / (10 * size), 1, 1e-6);
    EXPECT_NEAR(p.grad().to_vector<float>()[99] / (0.5 * size), 1, 1e-6);
  }
}

TEST(GradientNorm, NaNAndInfinityAreRefusedAndNotClipped) {
  for (const double bad : {static_cast<double>(NAN), static_cast<double>(INFINITY)}) {
    EXPECT_THROW(clip_factor(bad, 1), ValueError);
    const Tensor p = zeros({3});
    p.set_grad(full({3}, bad));
    EXPECT_FALSE(std::isfinite(gradient_norm({p})));
    EXPECT_THROW(clip_gradient_norm({p}, 1), ValueError);
  }
}

TEST(Optimizer, RefusesWhatWouldBeSteppedTwiceOrNotAtAll) {
  const Tensor p = zeros({2}), q = zeros({2});
  EXPECT_THROW(Adam(NamedTensors{{"a", p}, {"b", p}}), ValueError);
  EXPECT_THROW(SGD(NamedTensors{{"a", p}, {"a", q}}), ValueError);
  EXPECT_THROW(Adam(NamedTensors{}), ValueError);
  const Tensor whole = zeros({4, 2});  // views that share a value, and such that share none
  EXPECT_THROW(Adam(NamedTensors{{"a", whole}, {"b", slice(whole, 0, 1, 3)}}), ValueError);
  EXPECT_THROW(Adam(NamedTensors{{"a", slice(whole, 0, 1, 3)}, {"b", whole}}), ValueError);
  EXPECT_THROW(Adam(NamedTensors{{"a", slice(whole, 0, 0, 3)}, {"b", slice(whole, 0, 2, 4)}}), ValueError);
  EXPECT_NO_THROW(Adam(NamedTensors{{"a", slice(whole, 0, 0, 2)}, {"b", slice(whole, 0, 2, 4)}, {"c", p}}));
  // side by side in memory
  EXPECT_NO_THROW(Adam(NamedTensors{{"left", slice(whole, 1, 0, 1)}, {"right", slice(whole, 1, 1, 2)}}));
  EXPECT_THROW(Adam(NamedTensors{{"row", slice(whole, 0, 1, 2)}, {"column", slice(whole, 1, 1, 2)}}),
               ValueError);
  EXPECT_THROW(ExponentialMovingAverage(NamedTensors{{"a", p}, {"b", p}}, 0.9), ValueError);
  EXPECT_THROW(ExponentialMovingAverage(NamedTensors{{"a", p}, {"a", q}}, 0.9), ValueError);
  EXPECT_THROW(ExponentialMovingAverage(NamedTensors{}, 0.9), ValueError);
}

TEST(GradientNorm, CountsAndClipsAParameterThatIsListedTwiceOnce) {
  const Tensor p = zeros({2});
  p.set_grad(from_vector<float>({3, 4}, {2}));
  EXPECT_EQ(gradient_norm({p, p}), 5);
  EXPECT_EQ(clip_gradient_norm({p, p}, 1), 5);
  EXPECT_FLOAT_EQ(p.grad().to_vector<float>()[1], 0.8F);
}

// A view with gaps is stepped where its values are, and what lies between them stays.
TEST(Adam, StepsAViewWithGaps) {
  const Tensor whole = full({3, 4}, 2.0), view = slice(whole, 1, 1, 3);
  view.set_grad(ones({3, 2}));
  Adam adam(NamedTensors{{"view", view}});
  adam.step(0.5);
  EXPECT_EQ(view.contiguous().to_vector<float>(), std::vector<float>(6, 1.5F));
  EXPECT_EQ(slice(whole, 1, 3, 4).contiguous().to_vector<float>(), std::vector<float>(3, 2.0F));
  EXPECT_EQ(slice(whole, 1, 0, 1).contiguous().to_vector<float>(), std::vector<float>(3, 2.0F));
}

TEST(ClipGradientValue, RefusesWhatIsNoNumberAndChangesNothing) {
  const Tensor large = zeros({1}, DType::f64);  // whose square is no number
  large.set_grad(full({1}, 1e200, DType::f64));
  clip_gradient_value({large}, 1);
  EXPECT_EQ(large.grad().item(), 1);
  for (const float bad : {INFINITY, -INFINITY, NAN}) {
    const Tensor p = zeros({2}), q = zeros({1});
    p.set_grad(full({2}, 5.0));
    q.set_grad(full({1}, bad));
    EXPECT_THROW(clip_gradient_value({p, q}, 1), ValueError);
    EXPECT_EQ(p.grad().to_vector<float>(), (std::vector<float>{5, 5}));
  }
}

TEST(Optimizer, ItsStateIsOfTheTypeThatItsParametersHad) {
  Linear layer(2, 2);
  Adam adam(layer.named_parameters());
  SGD sgd(layer.named_parameters(), {.momentum = 0.9});
  layer.to(DType::f64);
  layer(ones({1, 2}, DType::f64)).sum().backward();
  EXPECT_ERROR(DTypeError,
               "adam: 'weight' is f64 now, and its state f32: make a new optimiser after Module::to",
               adam.step(0.1));
  EXPECT_ERROR(DTypeError,
               "sgd: 'weight' is f64 now, and its state f32: make a new optimiser after Module::to",
               sgd.step(0.1));
  const Tensor p = leaf({1}), q = leaf({1});  // nothing is stepped where only the second has another type
  Adam both({{"p", p}, {"q", q}});
  convert_in_place(q, DType::f64);
  p.set_grad(ones({1}));
  q.set_grad(ones({1}, DType::f64));
  EXPECT_THROW(both.step(0.1), DTypeError);
  EXPECT_EQ(p.item(), 1);
}

TEST(AdamW, IsAdamWithDecoupledDecay) {
  const auto trained = [](const auto& make) {
    manual_seed(3);
    Linear layer(3, 2);
    const auto optimizer = make(layer);
    for (int i = 0; i < 3; ++i) {
      optimizer->zero_grad();
      layer(ones({4, 3})).square().sum().backward();
      optimizer->step(0.1);
    }
    return layer.weight.template to_vector<float>();
  };
  const auto adam = trained([](const Linear& l) {
    return std::make_unique<Adam>(l.named_parameters(), AdamOptions{.weight_decay = 0.01, .decoupled = true});
  });
  EXPECT_EQ(trained([](const Linear& l) { return std::make_unique<AdamW>(l.named_parameters()); }), adam);
  EXPECT_EQ(trained([](const Linear& l) { return std::make_unique<AdamW>(l.parameters()); }), adam);
}

TEST(Optimizers, NumberParametersWithoutNames) {
  Linear layer(3, 2);
  const auto names = [](const NamedTensors& tensors) {
    std::vector<std::string> all;
    for (const auto& [name, tensor] : tensors) all.push_back(name);
    return all;
  };
  EXPECT_EQ(names(numbered(layer.parameters())), (std::vector<std::string>{"0", "1"}));
  layer(ones({4, 3})).sum().backward();
  Adam adam(layer.parameters());
  adam.step(0.1);
  EXPECT_FALSE(names(adam.state()).empty());
  SGD(layer.parameters(), {.momentum = 0.9}).step(0.1);
  EXPECT_ERROR(ValueError, "optimizer: there are no parameters", Adam(std::vector<Tensor>{}));
}

}  // namespace
}  // namespace heed::nn
