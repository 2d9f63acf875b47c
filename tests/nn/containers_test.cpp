// Sequential and ModuleList, activations and RMSNorm as layers.
#include "nn/containers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/nn.h"
#include "tests/testing/close.h"
#include "tests/testing/throws.h"

namespace heed::nn {
namespace {

std::vector<std::string> names_of(const Module& module) {
  std::vector<std::string> names;
  for (const auto& [name, p] : module.named_parameters()) names.push_back(name);
  return names;
}

TEST(Sequential, CallsItsLayersInOrderAndNamesTheirParametersByPlace) {
  manual_seed(1);
  Sequential net;
  net.emplace<Linear>(2, 3).emplace<Tanh>().emplace<Linear>(3, 1, /*with_bias=*/false);
  EXPECT_EQ(net.size(), 3U);
  EXPECT_THAT(names_of(net), testing::ElementsAre("0.weight", "0.bias", "2.weight"));
  const Tensor x = randn({4, 2});
  const std::vector<Tensor> p = net.parameters();
  EXPECT_TRUE(all_close(net(x), linear(tanh(linear(x, p[0], p[1])), p[2]), 0, 0));
  sum(net(x)).backward();
  for (const Tensor& parameter : p) EXPECT_TRUE(parameter.grad().defined());
}

TEST(Sequential, TakesLayersThatExistAndFunctions) {
  manual_seed(2);
  Linear first(2, 3);
  const Tensor weight = first.weight;
  Sequential net(
      std::move(first), [](const Tensor& x) { return tanh(x); }, Linear(3, 1));
  net.emplace(Conv1d(1, 2, 3, {.padding = 1})).emplace(ReLU());
  EXPECT_THAT(names_of(net),
              testing::ElementsAre("0.weight", "0.bias", "2.weight", "2.bias", "3.weight", "3.bias"));
  const std::vector<Tensor> p = net.parameters();
  EXPECT_EQ(p[0].body(), weight.body());
  const Tensor x = randn({4, 2});
  Sequential dense(Linear(2, 3));
  dense.emplace(ReLU());
  EXPECT_EQ(dense.load(NamedTensors{{"0.weight", p[0]}, {"0.bias", p[1]}}).complete(), true);
  EXPECT_TRUE(all_close(dense(x), relu(linear(x, p[0], p[1])), 0, 0));
}

TEST(Sequential, OfLayersIsAMemberAmongOthers) {
  struct Net : Module {
    explicit Net(const Scope& scope = {})
        : Module(scope),
          body(Sequential(Linear(2, 4), Sequential(ReLU(), Linear(4, 4)), Tanh())),
          head(Linear(4, 3), [](const Tensor& x) { return x * 2.0; }) {
      blocks.emplace(Linear(3, 3));
      child("body", body);
      child("head", head);
      child("blocks", blocks);
    }
    Sequential body, head;
    ModuleList<Linear> blocks;
  };
  const Net net;
  EXPECT_THAT(names_of(net),
              testing::ElementsAre("body.0.weight", "body.0.bias", "body.1.1.weight", "body.1.1.bias",
                                   "head.0.weight", "head.0.bias", "blocks.0.weight", "blocks.0.bias"));
  EXPECT_EQ(net.head(net.body(ones({5, 2}))).shape(), (Shape{5, 3}));
}

TEST(Sequential, OfLayersThatIsForgottenIsRefused) {
  struct Net : Module {
    explicit Net(const Scope& scope = {}) : Module(scope), head(Linear(4, 3), Tanh()) {}
    Sequential head;
  };
  const Net net;
  EXPECT_ERROR(ValueError, "module: Net does not announce a Sequential that it made: child(name, member)",
               net.parameters());
}

TEST(Sequential, PassesTheTrainingModeOn) {
  Sequential net;
  net.emplace<Dropout>(0.5);
  const Tensor x = ones({100});
  EXPECT_FALSE(all_close(net(x), x, 0, 0));
  net.train(false);
  EXPECT_TRUE(all_close(net(x), x, 0, 0));
}

TEST(Sequential, WithoutALayerIsTheIdentity) {
  const Tensor x = ones({2});
  EXPECT_TRUE(all_close(Sequential()(x), x, 0, 0));
}

TEST(Sequential, CheckpointingChangesNoBit) {
  const auto gradients = [](const CheckpointPolicy& policy) {
    manual_seed(3);
    Sequential net;
    net.emplace<Linear>(4, 8).emplace<Dropout>(0.5).emplace<Linear>(8, 4).set_checkpointing(policy);
    net(randn({6, 4})).sum().backward();
    std::vector<std::vector<float>> result;
    for (const Tensor& p : net.parameters()) result.push_back(p.grad().to_vector<float>());
    return result;
  };
  EXPECT_EQ(gradients(CheckpointPolicy::every(2)), gradients({}));
  EXPECT_EQ(gradients(CheckpointPolicy::budget(1)), gradients({}));
}

TEST(Sequential, AGraphWithCheckpointsOutlivesItsLayers) {
  const Tensor x = ones({2, 3}).set_requires_grad(true);
  Tensor loss;
  {
    Sequential net;
    net.emplace<Linear>(3, 4).emplace([](const Tensor& y) { return tanh(y); });
    loss = net.set_checkpointing(CheckpointPolicy::every(1))(x).sum();
  }
  loss.backward();
  EXPECT_GT(amax(abs(x.grad())).item(), 0);
}

TEST(Sequential, LearnsXor) {
  manual_seed(1);
  Sequential net;
  net.emplace<Linear>(2, 8).emplace<Tanh>().emplace<Linear>(8, 2);
  const Tensor x = from_vector<float>({0, 0, 0, 1, 1, 0, 1, 1}, {4, 2}),
               y = from_vector<int64_t>({0, 1, 1, 0}, {4});
  SGD sgd(net.named_parameters(), {.momentum = 0.9, .nesterov = true});
  for (int update = 0; update < 300; ++update) {
    cross_entropy(net(x), y).backward();
    sgd.step(0.2);
    sgd.zero_grad();
  }
  EXPECT_LT(cross_entropy(net(x), y).item(), 0.05);
}

TEST(ModuleList, HoldsLayersByNumber) {
  ModuleList<Linear> layers;
  layers.emplace(2, 3);
  layers.emplace(3, 4);
  EXPECT_EQ(layers.size(), 2U);
  EXPECT_EQ(layers[1].weight.shape(), (Shape{4, 3}));
  EXPECT_THAT(names_of(layers), testing::ElementsAre("0.weight", "0.bias", "1.weight", "1.bias"));
  EXPECT_ERROR(IndexError, "ModuleList: layer 2 of 2", layers[2]);
  Sequential row;
  row.emplace<Linear>(2, 3).emplace<Tanh>();
  EXPECT_EQ(dynamic_cast<Linear&>(row[0]).weight.shape(), (Shape{3, 2}));
  EXPECT_ERROR(IndexError, "Sequential: layer 2 of 2", row[2]);
}

TEST(Activations, AreTheirFunctions) {
  const Tensor x = from_vector<float>({-2, 0, 3}, {3});
  EXPECT_TRUE(all_close(ReLU()(x), relu(x), 0, 0));
  EXPECT_TRUE(all_close(Sigmoid()(x), sigmoid(x), 0, 0));
  EXPECT_TRUE(all_close(SiLU()(x), silu(x), 0, 0));
  EXPECT_TRUE(all_close(Softplus()(x), softplus(x), 0, 0));
  EXPECT_TRUE(all_close(GELU()(x), gelu(x), 0, 0));
  EXPECT_TRUE(all_close(GELU(GeluForm::tanh)(x), gelu(x, GeluForm::tanh), 0, 0));
}

TEST(RMSNorm, ByHand) {  // mean of squares (9 + 16) / 2 = 12.5
  const RMSNorm norm(2, 0.0);
  const NoGradGuard no_grad;
  norm.gain.copy_(from_vector<float>({1, 2}, {2}));
  const float root = std::sqrt(12.5F);
  EXPECT_TRUE(all_close(norm(from_vector<float>({3, 4}, {1, 2})),
                        from_vector<float>({3 / root, 8 / root}, {1, 2}), 1e-6, 0));
}

}  // namespace
}  // namespace heed::nn
