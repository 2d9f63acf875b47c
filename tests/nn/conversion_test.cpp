// Module::to, values from another module's state_dict, lambdas and options in a Sequential.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "framework/autograd/gradcheck.h"
#include "nn/nn.h"
#include "tests/testing/close.h"
#include "tests/testing/throws.h"

namespace heed::nn {
namespace {

struct Tied : Module {  // the second layer has the first one's table, turned round
  explicit Tied(const Scope& scope = {})
      : Module(scope), table(30, 20), norm(20), again(table.weight, -1, 2.0) {
    child("table", table);
    child("norm", norm);
    child("again", again);
    shared = param("shared", table.weight);
  }
  Tensor operator()(const Tensor& ids) const { return linear(norm(table(ids) + again(ids)), shared); }
  Embedding table;
  BatchNorm norm;
  Embedding again;
  Tensor shared;
};

TEST(Conversion, ToF64AndBackGivesTheSameBitsAndKeepsSharing) {
  manual_seed(1);
  Tied net;
  const Tensor ids = from_vector<int64_t>({3, 7, 11, 3}, {4});
  net.train(false);
  const Tensor before = net(ids), weight = net.table.weight.detach().clone();
  sum(before).backward();
  net.to(DType::f64);
  EXPECT_EQ(net.table.weight.dtype(), DType::f64);
  EXPECT_EQ(net.norm.running_mean.dtype(), DType::f64);
  EXPECT_EQ(net.shared.body(), net.table.weight.body());
  EXPECT_EQ(net.again.weight.dtype(), DType::f64);
  EXPECT_FALSE(net.table.weight.grad().defined());
  EXPECT_TRUE(net.table.weight.requires_grad());
  EXPECT_TRUE(all_close(net(ids).to(DType::f32), before, 1e-5, 1e-5));
  sum(net(ids)).backward();
  EXPECT_EQ(net.table.weight.grad().describe(), "f64[30, 20]");
  for (int i = 0; i < 3; ++i) {
    net.to(DType::f32);
    EXPECT_TRUE(all_close(net.table.weight, weight, 0, 0));
    EXPECT_TRUE(all_close(net(ids), before, 0, 0));
    net.to(DType::f64);
  }
  EXPECT_ERROR(DTypeError, "to: parameters are f32 or f64, not i64", net.to(DType::i64));
}

TEST(Conversion, GradientsOfALayerInF64) {
  manual_seed(1);
  Linear layer(3, 2);
  layer.to(DType::f64);
  const GradcheckResult result =
      gradcheck([&](const auto& x) { return std::vector{linear(x[0], x[1], layer.bias)}; },
                {randn({4, 3}, DType::f64), layer.weight}, {.order = 2});
  EXPECT_TRUE(result) << result.message;
}

TEST(Conversion, LeavesViewsAndRecordedGraphsAsTheyWere) {
  for (const int64_t size : {2, 40}) {  // in one block with its tensor, and not
    Linear layer(size, size, /*with_bias=*/false);
    const Tensor view = select(layer.weight.detach(), 0, 1), values = view.clone();
    const Tensor x = randn({1, size}).set_requires_grad(true), y = sum(layer(x));
    layer.to(DType::f64);
    EXPECT_TRUE(all_close(view, values, 0, 0));
    EXPECT_TRUE(all_close(select(layer.weight.detach(), 0, 1), values.to(DType::f64), 0, 0));
    EXPECT_THROW(y.backward(), GradError);
    Tensor kept = layer.weight.detach();
    layer.to(DType::f32);
    EXPECT_EQ(kept.dtype(), DType::f64);
    EXPECT_TRUE(all_close(select(kept, 0, 1), values.to(DType::f64), 0, 0));
  }
  const Tensor made = randn({2}).set_requires_grad(true) * 2.0;
  EXPECT_ERROR(GradError, "convert_in_place: only a leaf can be converted",
               convert_in_place(made, DType::f64));
  EXPECT_ERROR(DTypeError, "convert_in_place: between f32 and f64, got i64[2] into f64",
               convert_in_place(zeros({2}, DType::i64), DType::f64));
}

TEST(Conversion, OptimisersMadeAfterItTrainInF64) {
  manual_seed(1);
  Linear layer(2, 1);
  layer.to(DType::f64);
  Adam adam(layer.named_parameters());
  const Tensor x = randn({8, 2}, DType::f64), y = sum(x, {1}, KeepDim::yes);
  const double before = mse_loss(layer(x), y).item();
  for (int i = 0; i < 100; ++i) {
    mse_loss(layer(x), y).backward();
    adam.step(0.05);
    adam.zero_grad();
  }
  EXPECT_LT(mse_loss(layer(x), y).item(), 0.01 * before);
}

TEST(StateDict, LoadsIntoAnotherModule) {
  const BatchNorm from(3);
  {
    const NoGradGuard no_grad;
    from.gain.fill_(4);
    from.running_mean.fill_(2);
  }
  BatchNorm into(3);
  EXPECT_TRUE(into.load(from.state_dict()).complete());
  EXPECT_EQ(into.gain.to_vector<float>(), (std::vector<float>{4, 4, 4}));
  EXPECT_EQ(into.running_mean.to_vector<float>(), (std::vector<float>{2, 2, 2}));
  EXPECT_NE(into.gain.raw_data(), from.gain.raw_data());
  BatchNorm other(2);
  EXPECT_ERROR(FormatError,
               "load 'state_dict': 'gain' is f32[3] in the file, f32[2] in the model; and 3 more; "
               "Loading::partial takes what fits",
               other.load(from.state_dict()));
  EXPECT_EQ(other.load(from.state_dict(), Loading::partial).mismatched.size(), 4U);
}

Tensor flatten_images(const Tensor& x) { return flatten(x, 1); }

TEST(Sequential, TakesLambdasAndOptionsInBraces) {
  manual_seed(1);
  Sequential net;
  net.emplace<Conv2d>(1, 2, 3, {.padding = 1})
      .emplace<BatchNorm2d>(2, {.momentum = 0.5})
      .emplace([](const Tensor& x) { return relu(x) * 2.0; })
      .emplace<MaxPool2d>(2, {.stride = 1})
      .emplace<GroupNorm>(1, 2, {.affine = false})
      .emplace(flatten_images)
      .emplace<Linear>(2 * 3 * 3, 4);
  EXPECT_EQ(net.size(), 7U);
  EXPECT_EQ(net(randn({2, 1, 4, 4})).shape(), (Shape{2, 4}));
  EXPECT_EQ(dynamic_cast<Conv2d&>(net[0])(zeros({1, 1, 5, 5})).shape(), (Shape{1, 2, 5, 5}));
  std::vector<std::string> seen;
  net.on_output([&](const std::string& path, const Tensor&) { seen.push_back(path); });
  net(randn({2, 1, 4, 4}));
  EXPECT_THAT(seen, testing::ElementsAre("0", "1", "2", "3", "4", "5", "6", ""));
  EXPECT_ERROR(ValueError, "Function: there is no function", Function(nullptr));
}

}  // namespace
}  // namespace heed::nn
