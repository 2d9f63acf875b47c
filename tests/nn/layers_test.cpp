// Convolution, pooling and normalisation layers, cells, losses as objects, partial loading, freezing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "nn/nn.h"
#include "tests/testing/close.h"
#include "tests/testing/throws.h"

namespace heed::nn {
namespace {

std::vector<std::string> names_of(const NamedTensors& named) {
  std::vector<std::string> names;
  for (const auto& [name, value] : named) names.push_back(name);
  return names;
}

std::map<std::string, Tensor> copied(const NamedTensors& named) {
  std::map<std::string, Tensor> values;
  for (const auto& [name, value] : named) values.emplace(name, value.detach().clone());
  return values;
}

TEST(Conv2d, ShapesOfANetworkInARow) {
  Sequential net;
  net.emplace<Conv2d>(1, 4, Extent2d(3), Conv2dOptions{.padding = 1})
      .emplace<BatchNorm2d>(4)
      .emplace<ReLU>()
      .emplace<MaxPool2d>(Extent2d(2));
  net.emplace<Conv2d>(4, 6, Extent2d(3), Conv2dOptions{.groups = 2})
      .emplace<AvgPool2d>(Extent2d(2))
      .emplace<Flatten>();
  net.emplace<Linear>(6 * 3 * 2, 5).emplace<LogSoftmax>();
  const Tensor y = net(randn({3, 1, 16, 12}));
  EXPECT_EQ(y.shape(), (Shape{3, 5}));
  EXPECT_EQ(net.parameter_count(), (4 * 9 + 4) + 8 + (6 * 2 * 9 + 6) + (36 * 5 + 5));
  EXPECT_THAT(names_of(net.named_buffers()), testing::ElementsAre("1.running_mean", "1.running_variance"));
}

TEST(Conv1d, IsConv2dOnARow) {
  manual_seed(1);
  const Conv1d conv(3, 4, 3, {.stride = 2, .padding = 1});
  const Tensor x = randn({2, 3, 9});
  EXPECT_EQ(conv(x).shape(), (Shape{2, 4, 5}));
  EXPECT_EQ(MaxPool1d(2)(x).shape(), (Shape{2, 3, 4}));
  EXPECT_EQ(AvgPool1d(3, 1, 1)(x).shape(), (Shape{2, 3, 9}));
}

TEST(BatchNorm, RunningStatisticsServeEvalMode) {
  BatchNorm norm(2, {.momentum = 0.5});
  const Tensor x = from_vector<float>({1, 10, 3, 30}, {2, 2});
  norm(x);  // mean 2 and 20; variance with Bessel's correction 2 and 200
  EXPECT_EQ(norm.running_mean.to_vector<float>(), (std::vector<float>{1, 10}));
  EXPECT_EQ(norm.running_variance.to_vector<float>(), (std::vector<float>{1.5F, 100.5F}));
  norm.train(false);
  const auto y = norm(x).to_vector<float>();
  EXPECT_NEAR(y[2], (3 - 1) / std::sqrt(1.5 + 1e-5), 1e-5);
  EXPECT_EQ(norm.running_mean.to_vector<float>(), (std::vector<float>{1, 10}));  // no more
  norm.train();
  EXPECT_ERROR(ShapeError, "batch_norm: one value a channel has no variance to train with: [1, 2]",
               norm(zeros({1, 2})));
}

TEST(BatchNorm, ItsBuffersTravelWithACheckpoint) {
  BatchNorm from(3), into(3);
  from(randn({8, 3}));
  into.load(copied(from.state_dict()), "m.st");
  EXPECT_EQ(into.running_mean.to_vector<float>(), from.running_mean.to_vector<float>());
  EXPECT_EQ(into.running_variance.to_vector<float>(), from.running_variance.to_vector<float>());
}

TEST(LSTMCell, StepByStepIsTheSequence) {
  manual_seed(2);
  const LSTMLayer layer(3, 4);
  LSTMCell cell(3, 4);
  cell.load(copied(layer.named_parameters()), "m.st");
  const Tensor x = randn({2, 5, 3});
  const LSTMResult all = layer(x, {});
  LSTMCell::State state;
  for (int64_t t = 0; t < 5; ++t) {
    state = cell(select(x, 1, t), state);
    EXPECT_TRUE(all_close(state.hidden, select(all.output, 1, t), 1e-5, 1e-6)) << t;
  }
  EXPECT_TRUE(all_close(state.cell, all.cell, 1e-5, 1e-6));
  EXPECT_ERROR(ShapeError, "lstm: input [2, 4] does not fit weight [16, 3]", cell(zeros({2, 4})));
  EXPECT_ERROR(ShapeError, "lstm: state [1, 4] does not fit input [2, 3] and hidden size 4",
               cell(zeros({2, 3}), {zeros({1, 4}), {}}));
}

TEST(GRUCell, StepByStepIsTheSequence) {
  manual_seed(3);
  const GRULayer layer(3, 4);
  GRUCell cell(3, 4);
  cell.load(copied(layer.named_parameters()), "m.st");
  const Tensor x = randn({2, 5, 3});
  const GRUResult all = layer(x, {});
  Tensor h;
  for (int64_t t = 0; t < 5; ++t) {
    h = cell(select(x, 1, t), h);
    EXPECT_TRUE(all_close(h, select(all.output, 1, t), 1e-5, 1e-6)) << t;
  }
  EXPECT_ERROR(ShapeError, "gru: input [2, 4] does not fit weight [12, 3]", cell(zeros({2, 4})));
}

TEST(Cells, HaveGradientsOfSecondOrder) {
  manual_seed(4);
  const LSTMCell lstm(2, 3);
  const GRUCell gru(2, 3);
  const auto f64 = [](const Module& module) {
    std::vector<Tensor> values;
    for (const Tensor& p : module.parameters()) values.push_back(p.detach().to(DType::f64));
    return values;
  };
  const Tensor x = randn({2, 2}, DType::f64), h = randn({2, 3}, DType::f64), c = randn({2, 3}, DType::f64);
  for (const Tensor& p : lstm.parameters()) EXPECT_EQ(p.dtype(), DType::f32);
  // the cell's equations on f64 leaves, through a cell that holds them
  const std::vector<Tensor> w = f64(lstm);
  const auto step = [](const std::vector<Tensor>& in) {
    LSTMCell cell(2, 3);
    cell.weight_ih = in[3];
    cell.weight_hh = in[4];
    cell.bias = in[5];
    const LSTMCell::State next = cell(in[0], {in[1], in[2]});
    return std::vector{next.hidden, next.cell};
  };
  const GradcheckResult lstm_result = gradcheck(step, {x, h, c, w[0], w[1], w[2]}, {.order = 2});
  EXPECT_TRUE(lstm_result) << lstm_result.message;
  const std::vector<Tensor> v = f64(gru);
  const auto gru_step = [](const std::vector<Tensor>& in) {
    GRUCell cell(2, 3);
    cell.weight_ih = in[2];
    cell.weight_hh = in[3];
    cell.bias_ih = in[4];
    cell.bias_hh = in[5];
    return std::vector{cell(in[0], in[1])};
  };
  const GradcheckResult gru_result = gradcheck(gru_step, {x, h, v[0], v[1], v[2], v[3]}, {.order = 2});
  EXPECT_TRUE(gru_result) << gru_result.message;
}

TEST(Losses, AreTheOpsWithTheirOptions) {
  manual_seed(5);
  const Tensor x = randn({3, 4}), t = uniform({3, 4}, 0.1, 0.9), ids = from_vector<int64_t>({1, 3, 0}, {3});
  const Tensor weights = from_vector<float>({1, 2, 0.5F, 3}, {4});
  EXPECT_EQ(MSELoss()(x, t).item(), mse_loss(x, t).item());
  EXPECT_EQ(L1Loss(Reduction::sum)(x, t).item(), l1_loss(x, t, Reduction::sum).item());
  EXPECT_EQ(SmoothL1Loss(0.5)(x, t).item(), smooth_l1_loss(x, t, 0.5).item());
  EXPECT_EQ(BCEWithLogitsLoss()(x, t).item(), bce_with_logits(x, t).item());
  EXPECT_EQ(KLDivLoss(Reduction::none)(x, t).shape(), (Shape{3, 4}));
  EXPECT_EQ(NLLLoss(weights, 3)(x, ids).item(), nll_loss(x, ids, weights, 3).item());
  EXPECT_NEAR(CrossEntropyLoss(0, -100, weights)(x, ids).item(),
              nll_loss(log_softmax(x), ids, weights).item(), 1e-6);
}

TEST(Activations, AreTheirFunctions) {
  const Tensor x = randn({2, 3});
  EXPECT_EQ(LeakyReLU(0.2)(x).to_vector<float>(), leaky_relu(x, 0.2).to_vector<float>());
  EXPECT_EQ(ELU(0.5)(x).to_vector<float>(), elu(x, 0.5).to_vector<float>());
  EXPECT_EQ(Softmax(0)(x).to_vector<float>(), softmax(x, 0).to_vector<float>());
  EXPECT_EQ(GELU(GeluForm::tanh)(x).to_vector<float>(), gelu(x, GeluForm::tanh).to_vector<float>());
}

TEST(Module, PartialLoadingReportsWhatDidNotFit) {
  Linear layer(3, 2);
  std::map<std::string, Tensor> values{
      {"weight", full({2, 3}, 7)}, {"bias", zeros({5})}, {"scale", zeros({1})}};
  const LoadReport report = layer.load(values, "m.st", Loading::partial);
  EXPECT_FALSE(report.complete());
  EXPECT_THAT(report.lines(), testing::ElementsAre("'bias' is f32[5] in the file, f32[2] in the model",
                                                   "'scale' is not in the model"));
  EXPECT_EQ(layer.weight.to_vector<float>()[0], 7);
  EXPECT_EQ(layer.bias.to_vector<float>()[0], 0);
  EXPECT_ERROR(FormatError,
               "load 'm.st': 'bias' is f32[5] in the file, f32[2] in the model; and 1 more; Loading::partial "
               "takes what fits",
               layer.load(values, "m.st"));
  values.erase("scale");
  values["bias"] = ones({2});
  EXPECT_TRUE(layer.load(values, "m.st").complete());
  values.erase("weight");
  EXPECT_THAT(layer.load(values, "m.st", Loading::partial).missing, testing::ElementsAre("weight"));
}

TEST(Module, AFrozenLayerLetsTheGradientThroughAndStays) {
  Linear frozen(2, 2), trained(2, 1);
  frozen.freeze();
  SGD sgd({{"frozen", frozen.weight}, {"trained", trained.weight}});
  const auto before = frozen.weight.to_vector<float>(), other = trained.weight.to_vector<float>();
  const Tensor x = ones({1, 2}).set_requires_grad(true);
  sum(trained(frozen(x))).backward();
  EXPECT_TRUE(x.grad().defined());
  EXPECT_FALSE(frozen.weight.grad().defined());
  sgd.step(0.1);
  EXPECT_EQ(frozen.weight.to_vector<float>(), before);
  EXPECT_NE(trained.weight.to_vector<float>(), other);
  frozen.freeze(false);
  sum(frozen(ones({1, 2}))).backward();
  EXPECT_TRUE(frozen.weight.grad().defined());
}

TEST(Module, ASharedParameterCountsOnceAndANameIsTakenOnce) {
  struct Shared : Module {
    explicit Shared(const Scope& scope = {}) : Module(scope), first(2, 2), second(first.weight) {
      child("first", first), child("second", second);
    }
    struct Alias : Module {
      explicit Alias(const Tensor& w, const Scope& scope = {}) : Module(scope), weight(param("weight", w)) {}
      Tensor weight;
    };
    Linear first;
    Alias second;
  };
  const Shared shared;
  EXPECT_THAT(names_of(shared.named_parameters()), testing::ElementsAre("first.weight", "first.bias"));
  EXPECT_EQ(shared.parameter_count(), 6);
  struct Twice : Module {
    explicit Twice(const Scope& scope = {}) : Module(scope) { param("w", ones({1})), param("w", ones({1})); }
  };
  EXPECT_ERROR(ValueError, "module: 'w' is announced twice", Twice{});
  struct Dotted : Module {
    explicit Dotted(const Scope& scope = {}) : Module(scope) { param("a.b", ones({1})); }
  };
  EXPECT_ERROR(ValueError, "module: 'a.b' is no name for a member", Dotted{});
}

TEST(GRULayer, WhatLiesPastALengthMayBeNaN) {
  manual_seed(6);
  const GRULayer layer(2, 3);
  const Tensor x = randn({2, 3, 2});
  select(select(x, 0, 1), 0, 2).fill_(std::nan(""));
  const GRUResult result = layer(x, from_vector<int64_t>({3, 2}, {2}));
  for (const float v : result.output.to_vector<float>()) EXPECT_TRUE(std::isfinite(v));
  for (const float v : result.hidden.to_vector<float>()) EXPECT_TRUE(std::isfinite(v));
}

TEST(Adam, AStateThatDoesNotFitChangesNothing) {
  const Tensor p = ones({2}).set_requires_grad(true);
  Adam adam({{"p", p}});
  p.set_grad(ones({2}));
  adam.step(0.1);
  std::map<std::string, Tensor> values = copied(adam.state());
  values["adam.steps.p"] = full({1}, 77, DType::i64);
  values.erase("adam.second.p");
  EXPECT_THROW(adam.load_state(values, "s"), FormatError);
  EXPECT_EQ(copied(adam.state()).at("adam.steps.p").item(), 1);
  EXPECT_ERROR(ValueError, "dropout: p = 1.5 is outside [0, 1)", Dropout(1.5));
}

TEST(Optimizer, AGroupHasItsOwnRateAndDecay) {
  const auto leaf = [] { return full({1}, 2.0, DType::f64).set_requires_grad(true); };
  const auto step = [&](auto make) {
    const NamedTensors p{{"a.weight", leaf()}, {"a.bias", leaf()}, {"b.weight", leaf()}};
    auto optimizer = make(p);
    EXPECT_EQ(optimizer.group([](const std::string& name) { return name.ends_with("bias"); },
                              {.weight_decay = 0.0}),
              1U);
    EXPECT_EQ(
        optimizer.group([](const std::string& name) { return name.starts_with("b."); }, {.lr_scale = 0.5}),
        1U);
    for (const auto& [name, value] : p) value.set_grad(full({1}, 1.0, DType::f64));
    optimizer.step(0.1);
    return std::vector{p[0].second.item(), p[1].second.item(), p[2].second.item()};
  };
  // weight decay 0.5 of 2 adds 1 to the gradient
  EXPECT_THAT(step([](const NamedTensors& p) { return SGD(p, {.weight_decay = 0.5}); }),
              testing::ElementsAre(testing::DoubleNear(1.8, 1e-12), testing::DoubleNear(1.9, 1e-12),
                                   testing::DoubleNear(1.9, 1e-12)));
  // AdamW: p (1 - rate decay) - rate
  EXPECT_THAT(step([](const NamedTensors& p) { return Adam(p, {.weight_decay = 0.5, .decoupled = true}); }),
              testing::ElementsAre(testing::DoubleNear(1.8, 1e-6), testing::DoubleNear(1.9, 1e-6),
                                   testing::DoubleNear(1.9, 1e-6)));
}

TEST(Schedule, StepOneCycleAndPlateau) {
  const Schedule step = Schedule::step(1.0, 10, 0.5, 4);
  EXPECT_DOUBLE_EQ(step(2), 0.5);
  EXPECT_DOUBLE_EQ(step(13), 1.0);
  EXPECT_DOUBLE_EQ(step(14), 0.5);
  EXPECT_DOUBLE_EQ(step(34), 0.125);
  const Schedule at_once = Schedule::step(1.0, 3, 0.1);
  EXPECT_EQ(at_once(3), 1.0);  // three updates at the base
  EXPECT_DOUBLE_EQ(at_once(4), 0.1);
  const Schedule cycle = Schedule::one_cycle(1.0, 100, 0.25);
  EXPECT_NEAR(cycle(0), 1.0 / 25, 1e-12);
  EXPECT_DOUBLE_EQ(cycle(25), 1.0);
  EXPECT_NEAR(cycle(100), 1.0 / 25e4, 1e-12);
  EXPECT_LT(cycle(80), cycle(60));

  PlateauSchedule plateau(1.0, {.factor = 0.5, .patience = 1, .floor = 0.2});
  for (const double score : {3.0, 2.0, 2.0}) plateau.report(score);
  EXPECT_EQ(plateau.lr(), 1.0);  // one bad score is borne
  plateau.report(2.5);
  EXPECT_EQ(plateau.lr(), 0.5);
  PlateauSchedule resumed(1.0, {.factor = 0.5, .patience = 1, .floor = 0.2});
  resumed.set_state(plateau.state());
  for (int i = 0; i < 4; ++i) resumed.report(9);
  EXPECT_EQ(resumed.lr(), 0.2);
  resumed.report(1.0);
  EXPECT_EQ(resumed.state().best, 1.0);
  const PlateauSchedule warm(1.0, {.warmup = 4});
  EXPECT_EQ(warm(1), 0.25);
  EXPECT_EQ(warm(9), 1.0);
  EXPECT_ERROR(ValueError, "schedule: plateau: the floor 2 lies above the rate 1",
               PlateauSchedule(1, {.floor = 2}));
  EXPECT_ERROR(ValueError, "schedule: plateau: factor 1 is outside (0, 1)",
               PlateauSchedule(1, {.factor = 1}));
}

TEST(Layers, NumbersOutsideTheirRangesAreRefused) {
  EXPECT_ERROR(ValueError, "Linear: in must be at least 1, got 0", Linear(0, 2));
  EXPECT_ERROR(ValueError, "Linear: out must be at least 1, got -1", Linear(2, -1));
  EXPECT_ERROR(ValueError, "Embedding: count must be at least 1, got 0", Embedding(0, 2));
  EXPECT_ERROR(ValueError, "Embedding: dim must be at least 1, got 0", Embedding(2, 0));
  EXPECT_ERROR(ValueError, "Embedding: std nan is outside [0, inf)", Embedding(2, 2, -1, NAN));
  EXPECT_ERROR(ValueError, "Embedding: factor inf is outside (-inf, inf)", Embedding(2, 2, -1, 1, INFINITY));
  EXPECT_ERROR(ValueError, "Embedding: padding must be at least -1, got -2", Embedding(2, 2, -2));
  EXPECT_ERROR(IndexError, "Embedding: padding 2 is outside 0..1", Embedding(2, 2, 2));
  EXPECT_ERROR(IndexError, "Embedding: padding 2 is outside 0..1", Embedding(ones({2, 3}), 2, 1.0));
  EXPECT_ERROR(ValueError, "dropout: p = nan is outside [0, 1)", Dropout(NAN));
  EXPECT_ERROR(ValueError, "RMSNorm: eps nan is outside [0, inf)", RMSNorm(2, NAN));
  EXPECT_ERROR(ValueError, "RMSNorm: size must be at least 1, got 0", RMSNorm(0));
  EXPECT_ERROR(ValueError, "LayerNorm: eps -1 is outside [0, inf)", LayerNorm(2, -1));
  EXPECT_ERROR(ValueError, "LayerNorm: size must be at least 1, got -2", LayerNorm(-2));
  EXPECT_ERROR(ValueError, "BatchNorm: channels must be at least 1, got 0", BatchNorm(0));
  EXPECT_ERROR(ValueError, "BatchNorm: eps nan is outside [0, inf)", BatchNorm(2, {.eps = NAN}));
  EXPECT_ERROR(ValueError, "BatchNorm: momentum 1.5 is outside [0, 1]", BatchNorm(2, {.momentum = 1.5}));
  EXPECT_ERROR(ValueError, "BatchNorm: momentum nan is outside [0, 1]", BatchNorm(2, {.momentum = NAN}));
  EXPECT_ERROR(ValueError, "learned positions: max_length must be at least 1, got 0", LearnedPositions(0, 2));
  EXPECT_ERROR(ValueError, "learned positions: std -1 is outside [0, inf)", LearnedPositions(2, 2, -1));
  EXPECT_ERROR(ValueError, "rotary: base nan is outside (0, inf)", rotary(ones({1, 2, 2}), 0, NAN));

  EXPECT_ERROR(ValueError, "Conv2d: in must be at least 1, got 0", Conv2d(0, 2, 3));
  EXPECT_ERROR(ValueError, "Conv2d: out must be at least 1, got -2", Conv2d(2, -2, 3));
  EXPECT_ERROR(ValueError, "Conv2d: kernel must be at least 1, got 0", Conv2d(2, 2, {3, 0}));
  EXPECT_ERROR(ValueError, "Conv2d: stride must be at least 1, got 0", Conv2d(2, 2, 3, {.stride = 0}));
  EXPECT_ERROR(ValueError, "Conv2d: padding must be at least 0, got -1", Conv2d(2, 2, 3, {.padding = -1}));
  EXPECT_ERROR(ValueError, "Conv2d: dilation must be at least 1, got 0", Conv2d(2, 2, 3, {.dilation = 0}));
  EXPECT_ERROR(ValueError, "Conv2d: groups must be at least 1, got 0", Conv2d(2, 2, 3, {.groups = 0}));
  EXPECT_ERROR(ValueError, "Conv2d: 3 groups do not divide 6 and 4 channels", Conv2d(6, 4, 3, {.groups = 3}));
  EXPECT_ERROR(ValueError, "Conv1d: kernel must be at least 1, got -3", Conv1d(2, 2, -3));
  EXPECT_ERROR(ValueError, "Conv1d: 2 groups do not divide 3 and 4 channels", Conv1d(3, 4, 3, {.groups = 2}));
  EXPECT_ERROR(ValueError, "MaxPool2d: window must be at least 1, got 0", MaxPool2d(0));
  EXPECT_ERROR(ValueError, "AvgPool2d: stride must be at least 0, got -1", AvgPool2d(2, {.stride = -1}));
  EXPECT_ERROR(ValueError, "MaxPool1d: padding must be at least 0, got -1", MaxPool1d(2, 1, -1));
  EXPECT_ERROR(ValueError, "AvgPool1d: padding 2, 2 is more than half of the window 3, 3",
               AvgPool1d(3, 1, 2));

  EXPECT_ERROR(ValueError, "CrossEntropyLoss: label_smoothing nan is outside [0, 1)", CrossEntropyLoss(NAN));
  EXPECT_ERROR(ValueError, "SmoothL1Loss: beta 0 is outside (0, inf)", SmoothL1Loss(0));

  EXPECT_ERROR(ValueError, "LSTM: in must be at least 1, got 0", LSTMLayer(0, 3));
  EXPECT_ERROR(ValueError, "LSTM: hidden must be at least 1, got 0", LSTMCell(2, 0));
  EXPECT_ERROR(ValueError, "LSTM: layers must be at least 1, got 0", LSTM(2, 3, {.layers = 0}));
  EXPECT_ERROR(ValueError, "GRU: in must be at least 1, got -1", GRUCell(-1, 3));
  EXPECT_ERROR(ValueError, "GRU: hidden must be at least 1, got 0", GRU(2, 0));
  EXPECT_ERROR(ValueError, "dropout: p = 1 is outside [0, 1)", GRU(2, 3, {.dropout = 1}));
}

TEST(Layers, PyTorchsFurtherNames) {
  manual_seed(4);
  const Tensor x = randn({3, 4}), y = rand({3, 4});
  EXPECT_TRUE(equal(Identity()(x), x));
  EXPECT_TRUE(equal(Hardswish()(x), hardswish(x)));
  EXPECT_TRUE(equal(Mish()(x), mish(x)));
  EXPECT_TRUE(equal(BCELoss()(sigmoid(x), y), binary_cross_entropy(sigmoid(x), y)));
  EXPECT_TRUE(equal(HuberLoss(0.3)(x, y), huber_loss(x, y, 0.3)));
  EXPECT_ERROR(ValueError, "HuberLoss: delta 0 is outside (0, inf)", HuberLoss(0));
  Sequential net{Linear(4, 4), Dropout(0.5), SELU()};
  net.eval();
  EXPECT_TRUE(equal(net(x), net(x)));
  EXPECT_FALSE(net.training());
  net(x).sum().backward();
  EXPECT_TRUE(net.parameters().front().grad().defined());
  net.zero_grad();
  EXPECT_FALSE(net.parameters().front().grad().defined());
  const LSTM lstm(4, 5);
  const GRU gru(4, 5);
  EXPECT_TRUE(equal(lstm(x.unsqueeze(0)).output, lstm(x.unsqueeze(0), {}).output));
  EXPECT_TRUE(equal(gru(x.unsqueeze(0)).output, gru(x.unsqueeze(0), {}).output));
}

}  // namespace
}  // namespace heed::nn
