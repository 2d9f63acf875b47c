// Names, counts, loading: what a module promises to a checkpoint.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/nn.h"
#include "tests/testing/throws.h"

namespace heed::nn {
namespace {

struct Pair : Module {
  Pair() : first(3, 2), second(2, 2, /*with_bias=*/false) {
    child("first", first);
    child("second", second);
    scale = param("scale", ones({2}));
  }
  Linear first, second;
  Tensor scale;
};

std::map<std::string, Tensor> values_of(const Module& module) {
  std::map<std::string, Tensor> values;
  for (const auto& [name, value] : module.named_parameters()) values.emplace(name, value.detach().clone());
  return values;
}

TEST(Module, NamesAreDottedAndInOrder) {
  const Pair pair;
  std::vector<std::string> names;
  for (const auto& [name, value] : pair.named_parameters()) names.push_back(name);
  EXPECT_THAT(names, testing::ElementsAre("scale", "first.weight", "first.bias", "second.weight"));
  EXPECT_EQ(pair.parameter_count(), 2 + 6 + 2 + 4);
}

TEST(Module, TrainAndEvalReachEveryChild) {
  LSTM lstm(2, 3, {.layers = 2, .dropout = 0.5});
  lstm.train(false);
  EXPECT_FALSE(lstm.training());
  const Tensor x = randn({2, 4, 2});
  EXPECT_EQ(lstm(x, {}).output.to_vector<float>(), lstm(x, {}).output.to_vector<float>());  // no dropout now
}

TEST(Module, LoadNamesWhatDoesNotFitAndThenCopiesNothing) {
  Pair pair;
  const auto before = pair.first.weight.to_vector<float>();
  auto values = values_of(pair);
  values["first.weight"] = zeros({2, 3});
  values["second.weight"] = zeros({4, 2});
  EXPECT_THAT([&] { pair.load(values, "m.st"); },
              testing::ThrowsMessage<FormatError>(
                  "load 'm.st': 'second.weight' is f32[4, 2] in the file, f32[2, 2] in the model; Loading::partial takes what fits"));
  EXPECT_EQ(pair.first.weight.to_vector<float>(), before);
  values = values_of(pair);
  values.erase("scale");
  EXPECT_THAT([&] { pair.load(values, "m.st"); },
              testing::ThrowsMessage<FormatError>("load 'm.st': 'scale' is missing; Loading::partial takes what fits"));
  values = values_of(pair);
  values.emplace("third", zeros({1}));
  EXPECT_THAT([&] { pair.load(values, "m.st"); },
              testing::ThrowsMessage<FormatError>("load 'm.st': 'third' is not in the model; Loading::partial takes what fits"));
}

TEST(Embedding, PaddingRowIsZeroAndStaysSo) {
  const Embedding table(5, 3, /*padding=*/0);
  const Tensor ids = from_vector<int64_t>({0, 2}, {2});
  sum(square(table(ids)) + table(ids)).backward();
  const auto gradient = table.weight.grad().to_vector<float>(), values = table.weight.to_vector<float>();
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(values[i], 0);
    EXPECT_EQ(gradient[i], 0);
  }
  EXPECT_NE(gradient[6], 0);
}

TEST(Dropout, ActsOnlyWhileTraining) {
  Dropout drop(0.5);
  const Tensor x = ones({1000});
  const double kept = sum(drop(x)).item();
  EXPECT_NEAR(kept, 1000, 150);
  EXPECT_NE(kept, 1000);
  drop.train(false);
  EXPECT_EQ(sum(drop(x)).item(), 1000);
}

struct Open : Module {
  using Module::buffer;
  using Module::child;
  using Module::param;
};

TEST(Module, RefusesWhatCouldNotBeWalkedOrSaved) {
  Open outer, inner;
  outer.child("inner", inner);
  EXPECT_ERROR(ValueError, "module: the child 'me' contains its parent", outer.child("me", outer));
  EXPECT_ERROR(ValueError, "module: the child 'up' contains its parent", inner.child("up", outer));
  EXPECT_ERROR(ValueError, "module: the buffer 'b' is undefined", inner.buffer("b", Tensor{}));
  EXPECT_ERROR(ValueError, "module: '__metadata__' is the files' own name and no member's", inner.param("__metadata__", ones({2})));
  EXPECT_EQ(outer.named_modules().size(), 2U);
}

}  // namespace
}  // namespace heed::nn
