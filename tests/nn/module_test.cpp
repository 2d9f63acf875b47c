// Names, counts, loading: what a module promises to a checkpoint.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "framework/framework.h"
#include "nn/kind.h"
#include "nn/nn.h"
#include "tests/testing/close.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/throws.h"

namespace heed::nn {
namespace {

struct Pair : Module {
  explicit Pair(const Scope& scope = {}) : Module(scope), first(3, 2), second(2, 2, /*with_bias=*/false) {
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
  EXPECT_THAT(
      [&] { pair.load(values, "m.st"); },
      testing::ThrowsMessage<FormatError>("load 'm.st': 'second.weight' is f32[4, 2] in the file, f32[2, 2] "
                                          "in the model; Loading::partial takes what fits"));
  EXPECT_EQ(pair.first.weight.to_vector<float>(), before);
  values = values_of(pair);
  values.erase("scale");
  EXPECT_THAT([&] { pair.load(values, "m.st"); },
              testing::ThrowsMessage<FormatError>(
                  "load 'm.st': 'scale' is missing; Loading::partial takes what fits"));
  values = values_of(pair);
  values.emplace("third", zeros({1}));
  EXPECT_THAT([&] { pair.load(values, "m.st"); },
              testing::ThrowsMessage<FormatError>(
                  "load 'm.st': 'third' is not in the model; Loading::partial takes what fits"));
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
  manual_seed(7);
  Dropout drop(0.5);
  const Tensor x = ones({1000}), dropped = drop(x);
  EXPECT_NEAR(sum(dropped).item(), 1000, 150);
  EXPECT_EQ(sum(eq(dropped, 0)).item() + sum(eq(dropped, 2)).item(), 1000);
  drop.train(false);
  EXPECT_EQ(sum(eq(drop(x), 1)).item(), 1000);
}

struct Open : Module {
  explicit Open(const Scope& scope = {}) : Module(scope) {}
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
  EXPECT_ERROR(ValueError, "module: '__metadata__' is the files' own name and no member's",
               inner.param("__metadata__", ones({2})));
  EXPECT_EQ(outer.named_modules().size(), 2U);
}

// Every way in which a class can hold a layer and not say so.
struct ForgetsMember : Module {
  explicit ForgetsMember(const Scope& scope = {}) : Module(scope), first(2, 2), second(2, 2) {
    child("first", first);
  }
  Linear first, second;
};
struct ForgetsAll : Module {
  explicit ForgetsAll(const Scope& scope = {}) : Module(scope) {}
  Dropout dropout{0.5};
  Linear layer{2, 2};
};
struct ForgetsPointer : Module {
  explicit ForgetsPointer(const Scope& scope = {}) : Module(scope), layer(std::make_unique<LSTM>(2, 2)) {}
  std::unique_ptr<LSTM> layer;
};
struct ForgetsOptional : Module {
  explicit ForgetsOptional(const Scope& scope = {}) : Module(scope) { layer.emplace(2, 2); }
  std::optional<Linear> layer;
};
struct ForgetsList : Module {
  explicit ForgetsList(const Scope& scope = {}) : Module(scope) { layers.emplace(2, 2); }
  ModuleList<Linear> layers;
};
struct ForgetsOneOfMany : Module {
  explicit ForgetsOneOfMany(const Scope& scope = {}) : Module(scope) {
    for (int i = 0; i < 3; ++i) layers.push_back(std::make_shared<Linear>(2, 2));
    child("0", *layers[0]);
    child("2", *layers[2]);
  }
  std::vector<std::shared_ptr<Linear>> layers;
};
struct ForgetsBehindABase : ForgetsMember {
  explicit ForgetsBehindABase(const Scope& scope = {}) : ForgetsMember(scope), third(2, 2) {
    child("second", second);
  }
  Linear third;
};

void expect_refused(Module& module, const std::string& text) {
  EXPECT_ERROR(ValueError, text, module.named_parameters());
  EXPECT_ERROR(ValueError, text, module.named_buffers());
  EXPECT_ERROR(ValueError, text, module.state_dict());
  EXPECT_ERROR(ValueError, text, module.named_modules());
  EXPECT_ERROR(ValueError, text, module.train(false));
  EXPECT_ERROR(ValueError, text, module.freeze());
  EXPECT_ERROR(ValueError, text, module.load({}, "m.st", Loading::partial));
  EXPECT_ERROR(ValueError, text, module.on_output([](const std::string&, const Tensor&) {}));
  Open parent;
  EXPECT_ERROR(ValueError, text, parent.child("inner", module));
}

TEST(Module, AForgottenLayerIsRefusedHoweverItIsHeld) {
  const auto refused = [](std::unique_ptr<Module> module, const std::string& text) {
    expect_refused(*module, "module: " + text);
  };
  const std::string how = " that it made: child(name, member)";
  refused(std::make_unique<ForgetsMember>(), "ForgetsMember does not announce a Linear" + how);
  refused(std::make_unique<ForgetsAll>(), "ForgetsAll does not announce a Dropout and 1 more" + how);
  refused(std::make_unique<ForgetsPointer>(), "ForgetsPointer does not announce a LSTM" + how);
  refused(std::make_unique<ForgetsOptional>(), "ForgetsOptional does not announce a Linear" + how);
  refused(std::make_unique<ForgetsList>(), "ForgetsList does not announce a ModuleList" + how);
  refused(std::make_unique<ForgetsOneOfMany>(), "ForgetsOneOfMany does not announce a Linear" + how);
  refused(std::make_unique<ForgetsBehindABase>(), "ForgetsBehindABase does not announce a Linear" + how);
  ForgetsMember local;  // and not only behind a pointer
  expect_refused(local, "module: ForgetsMember does not announce a Linear" + how);
}

TEST(Module, AForgottenLayerDeepInsideIsRefusedWhereItIsAnnounced) {
  struct Outer : Module {
    explicit Outer(const Scope& scope = {}) : Module(scope) { child("inner", inner); }
    ForgetsMember inner;
  };
  EXPECT_ERROR(ValueError,
               "module: ForgetsMember does not announce a Linear that it made: child(name, member)", Outer{});
}

TEST(Module, AScopeThatIsNotHandedOnIsRefused) {
  struct MakesItsOwn : Module {
    MakesItsOwn() : Module(Scope()), layer(2, 2) {}
    Linear layer;
  };
  struct KeepsIt : LSTMWeights {
    KeepsIt() : LSTMWeights(2, 3), more(2, 2) {}
    Linear more;
  };
  struct GivesItToAMember : Module {
    explicit GivesItToAMember(const Scope& scope = {}) : Module(scope), layer(2, 2, true, scope) {
      child("layer", layer);
    }
    Linear layer;
  };
  static_assert(!std::is_constructible_v<Module>);
  const auto text = [](const char* kind) {
    return std::string("module: ") + kind + " does not hand its own Scope to its base: " + kind +
           "(..., const nn::Scope& scope = {}) : Module(scope)";
  };
  MakesItsOwn makes;
  expect_refused(makes, text("MakesItsOwn"));
  KeepsIt keeps;
  expect_refused(keeps, text("KeepsIt"));
  EXPECT_ERROR(ValueError, text("Linear"), GivesItToAMember{});
}

TEST(Module, LayersOfTheirOwnAreNobodysMembers) {
  struct Reads : Module {  // makes use of layers that are no part of it
    explicit Reads(const Linear& given, const Scope& scope = {})
        : Module(scope), weight(param("weight", Linear(2, 2).weight)) {
      EXPECT_EQ(given.parameter_count(), 6);
    }
    Tensor weight;
  };
  const Pair one, two;
  const auto third = std::make_unique<Pair>();
  const Reads reads{Linear(2, 2)};
  std::vector<std::unique_ptr<Linear>> many;
  for (int i = 0; i < 3; ++i) many.push_back(std::make_unique<Linear>(2, 2));
  for (const Module* each : {static_cast<const Module*>(&one), static_cast<const Module*>(&two),
                             static_cast<const Module*>(third.get())})
    EXPECT_EQ(each->parameters().size(), 4U);
  EXPECT_EQ(reads.parameters().size(), 1U);
  EXPECT_EQ(many[2]->parameters().size(), 2U);
  EXPECT_EQ(Pair().parameters().size() + Pair().parameters().size(), 8U);
}

TEST(Module, ALayerThatAConstructorThrewAwayLeavesNothingBehind) {
  struct Throws : Module {
    explicit Throws(const Scope& scope = {}) : Module(scope), layer(2, 2) { throw ValueError("no"); }
    Linear layer;
  };
  EXPECT_ERROR(ValueError, "no", Throws{});
  EXPECT_EQ(Pair().parameters().size(), 4U);
  struct Holds : Module {
    explicit Holds(const Scope& scope = {}) : Module(scope), layer(2, 2) {
      EXPECT_ERROR(ValueError, "no", Throws{});
      child("layer", layer);
    }
    Linear layer;
  };
  EXPECT_EQ(Holds().parameters().size(), 2U);
}

struct Headed : Module {
  explicit Headed(const Scope& scope = {}) : Module(scope), body(2, 2), head(std::make_unique<Linear>(2, 2)) {
    child("head", *head);
    child("body", body);
  }
  using Module::child;
  using Module::remove_child;
  Linear body;
  std::unique_ptr<Linear> head;
};

TEST(Module, AChildThatIsGoneCannotBeReached) {
  Headed net;
  net.head = std::make_unique<Linear>(2, 5);  // as one does for another task
  expect_refused(net,
                 "module: Headed's child 'head' is gone: child() its successor, or remove_child('head')");
  net.child("head", *net.head);
  std::vector<std::string> names;
  for (const auto& [name, value] : net.named_parameters()) names.push_back(name);
  // in the place of the old one
  EXPECT_THAT(names, testing::ElementsAre("head.weight", "head.bias", "body.weight", "body.bias"));
  EXPECT_EQ(net.parameter_count(), 15 + 6);
  net.head.reset();
  net.remove_child("head");
  EXPECT_EQ(net.parameter_count(), 6);
  EXPECT_ERROR(ValueError, "module: Headed has no child 'head'", net.remove_child("head"));
  net.remove_child("body");  // one that lives
  EXPECT_EQ(net.parameter_count(), 0);
}

TEST(Module, AParentMayDieBeforeItsChild) {
  Open inner;
  const Tensor w = inner.param("w", ones({2}));
  {
    Open first, second;
    first.child("a", inner);
    first.child("b", inner);
    second.child("c", inner);
    EXPECT_EQ(second.parameters().size(), 1U);
  }
  inner.train(false);
  EXPECT_EQ(inner.parameters().size(), 1U);
}

// The layer in another place, and its old place gone.
template <class Layer>
std::unique_ptr<Layer> moved(std::unique_ptr<Layer> layer) {
  const NamedTensors before = layer->state_dict();
  std::vector<std::string> names;
  for (const auto& [name, module] : layer->named_modules()) names.push_back(name);
  auto there = std::make_unique<Layer>(std::move(*layer));
  EXPECT_TRUE(layer->state_dict().empty()) << kind_of(*there);
  layer.reset();
  const NamedTensors after = there->state_dict();
  EXPECT_EQ(after.size(), before.size()) << kind_of(*there);
  for (size_t i = 0; i < std::min(before.size(), after.size()); ++i) {
    EXPECT_EQ(after[i].first, before[i].first);
    EXPECT_EQ(after[i].second.body(), before[i].second.body());
  }
  std::vector<std::string> names_after;
  for (const auto& [name, module] : there->named_modules()) names_after.push_back(name);
  EXPECT_EQ(names_after, names) << kind_of(*there);
  return there;
}

// Parameters by walking the tree a second way: through named_modules, each layer's own.
TEST(Module, EveryLayerOfNnCanBeWalkedAndMoved) {
  std::vector<std::unique_ptr<Module>> all;
  const auto add = [&]<class Layer>(std::unique_ptr<Layer> layer) {
    if constexpr (std::is_same_v<Layer, Attention>) {
      all.push_back(std::move(layer));  // made behind its base class
    } else {
      all.push_back(moved(std::move(layer)));
    }
  };
  add(std::make_unique<Linear>(2, 3));
  add(std::make_unique<Embedding>(4, 2));
  add(std::make_unique<RMSNorm>(2));
  add(std::make_unique<Dropout>(0.5));
  add(std::make_unique<ReLU>());
  add(std::make_unique<GELU>());
  add(std::make_unique<LeakyReLU>());
  add(std::make_unique<ELU>());
  add(std::make_unique<Softmax>());
  add(std::make_unique<LogSoftmax>());
  add(std::make_unique<Flatten>());
  add(std::make_unique<Conv2d>(1, 2, Extent2d{3, 3}));
  add(std::make_unique<Conv1d>(1, 2, 3));
  add(std::make_unique<MaxPool2d>(Extent2d{2, 2}));
  add(std::make_unique<AvgPool2d>(Extent2d{2, 2}));
  add(std::make_unique<MaxPool1d>(2));
  add(std::make_unique<AvgPool1d>(2));
  add(std::make_unique<BatchNorm>(3));
  add(std::make_unique<LayerNorm>(3));
  add(std::make_unique<SinusoidalPositions>(4));
  add(std::make_unique<LearnedPositions>(5, 4));
  add(std::make_unique<LSTMLayer>(2, 3));
  add(std::make_unique<LSTMCell>(2, 3));
  add(std::make_unique<GRULayer>(2, 3));
  add(std::make_unique<GRUCell>(2, 3));
  add(std::make_unique<LSTM>(2, 3, LSTMOptions{.layers = 2, .bidirectional = true}));
  add(std::make_unique<GRU>(2, 3, GRUOptions{.layers = 2, .bidirectional = true}));
  add(std::make_unique<SelfAttention>(4, 2, true));
  add(std::make_unique<CrossAttention>(4, 2));
  add(std::make_unique<FeedForward>(4, 8));
  add(std::make_unique<TransformerEncoderLayer>(
      TransformerOptions{.size = 4, .feed_forward = 8, .heads = 2}));
  add(std::make_unique<TransformerDecoderLayer>(
      TransformerOptions{.size = 4, .feed_forward = 8, .heads = 2}));
  for (const auto& kind : attention_kinds())
    add(make_attention(kind, {.query = 4, .key = 6, .attention = 4, .heads = 2, .max_source = 7}));
  auto row = std::make_unique<Sequential>();
  row->emplace<Linear>(2, 3).emplace<Tanh>();
  add(std::move(row));
  for (const auto& module : all) {
    size_t parameters = 0;
    for (const auto& [name, value] : module->named_parameters())
      parameters += static_cast<size_t>(value.numel());
    EXPECT_EQ(static_cast<int64_t>(parameters), module->parameter_count());
    module->train(false);
    for (const auto& [name, below] : module->named_modules())
      EXPECT_FALSE(below->training()) << kind_of(*module) << " " << name;
  }
}

struct TwoLayers : Module {
  explicit TwoLayers(int64_t size, const Scope& scope = {})
      : Module(scope), first(size, size), second(first.weight.size(0), 1) {
    child("first", first);
    child("second", second);
  }
  Tensor operator()(const Tensor& x) const { return announce(second(tanh(first(x)))); }
  Linear first, second;
};

struct OverTwo : Module {
  explicit OverTwo(Module& pair, const Scope& scope = {}) : Module(scope) { child("pair", pair); }
};

TEST(Module, AMovedModuleComputesTheSameAndTakesThePlaceOfTheOldOne) {
  manual_seed(5);
  auto pair = std::make_unique<TwoLayers>(3);
  OverTwo above(*pair);
  int seen = 0;
  above.on_output([&](const std::string&, const Tensor&) { ++seen; });
  const Tensor x = randn({2, 3});
  const Tensor y = (*pair)(x);
  EXPECT_EQ(seen, 3);
  const TwoLayers there = std::move(*pair);
  pair.reset();
  EXPECT_TRUE(all_close(there(x), y, 0, 0));
  EXPECT_EQ(seen, 6);
  const auto below = above.named_modules();
  ASSERT_EQ(below.size(), 4U);
  EXPECT_EQ(below[1].second, &there);
  EXPECT_EQ(below[2].second, &there.first);
  EXPECT_EQ(above.named_parameters()[2].first, "pair.second.weight");
}

TwoLayers made_by_a_function(int64_t size) {
  TwoLayers pair(size);
  pair.train(false);
  return size > 2 ? std::move(pair) : TwoLayers(size);
}

struct Wrapped : Module {
  explicit Wrapped(Linear l, const Scope& scope = {}) : Module(scope), inner(std::move(l)) {
    child("inner", inner);
  }
  Tensor operator()(const Tensor& x) const { return announce(inner(x)); }
  Linear inner;
};

struct WrappedTwo : Module {
  WrappedTwo(Linear one, Wrapped two, const Scope& scope = {})
      : Module(scope), first(std::move(one)), second(std::move(two)) {
    child("first", first);
    child("second", second);
  }
  Linear first;
  Wrapped second;
};

TEST(Module, ALayerMayBePassedByValue) {
  const Wrapped one(Linear(2, 2));
  EXPECT_EQ(one.parameters().size(), 2U);
  const WrappedTwo two(Linear(2, 2), Wrapped(Linear(3, 3)));
  EXPECT_EQ(two.named_parameters()[2].first, "second.inner.weight");
  const Sequential net{Wrapped(Linear(2, 2)), ReLU(), Wrapped(Linear(2, 3))};
  EXPECT_EQ(net.parameters().size(), 4U);
  struct Net : Module {
    explicit Net(const Scope& scope = {}) : Module(scope), layer(Linear(2, 2)) {}
    Wrapped layer;
  };
  const Net net_of_one;
  EXPECT_ERROR(ValueError, "module: Net does not announce a Wrapped that it made: child(name, member)",
               net_of_one.parameters());
}

TEST(Module, AFunctionCanReturnAModule) {
  const TwoLayers pair = made_by_a_function(3);
  EXPECT_EQ(pair.named_parameters().size(), 4U);
  EXPECT_FALSE(pair.second.training());
  EXPECT_EQ(made_by_a_function(2).parameter_count(), 4 + 2 + 2 + 1);
}

TEST(Module, AMovedListOfForgottenLayersIsRefusedAsBefore) {
  struct Forgetful : Module {
    explicit Forgetful(const Scope& scope = {}) : Module(scope), layer(2, 2) {}
    Linear layer;
  };
  auto one = std::make_unique<Forgetful>();
  const Forgetful other = std::move(*one);
  one.reset();
  EXPECT_ERROR(ValueError, "module: Forgetful does not announce a Linear that it made: child(name, member)",
               other.parameters());
}

// A temporary stays until its expression ends: what is made meanwhile is not its member.
TEST(Module, WhatIsMadeBesideATemporaryIsNotItsOwn) {
  struct Net : Module {
    explicit Net(int64_t size = 2, const Scope& scope = {}) : Module(scope), layer(size, size) {
      child("layer", layer);
    }
    Linear layer;
  };
  struct Agent {
    explicit Agent(Net given) : target(std::make_unique<Net>()) {
      online = std::make_unique<Net>(std::move(given));
    }
    std::unique_ptr<Net> target, online;
  };
  const Agent agent(Net{});
  EXPECT_EQ(agent.online->parameters().size(), 2U);
  EXPECT_EQ(agent.target->parameters().size(), 2U);
  struct HeadFirst {
    explicit HeadFirst(Net given) : head(2, 3), net(std::move(given)) {}
    Linear head;
    Net net;
  };
  const HeadFirst two(Net{});
  EXPECT_EQ(two.net.parameters().size() + two.head.parameters().size(), 4U);
  const auto pair = std::make_pair(Linear(2, 3), Linear(3, 2));
  EXPECT_EQ(pair.first.parameters().size() + pair.second.parameters().size(), 4U);
  const auto nets = std::make_pair(Net(), Net());
  EXPECT_EQ(nets.first.parameters().size() + nets.second.parameters().size(), 4U);
  const std::tuple<Linear, ReLU, Net> row(Linear(2, 3), ReLU(), Net());
  EXPECT_EQ(std::get<0>(row).parameters().size() + std::get<2>(row).parameters().size(), 4U);
  std::vector<Net> kept;
  std::unique_ptr<Linear> other;
  [&](Net given) {
    other = std::make_unique<Linear>(2, 3);
    kept.push_back(std::move(given));
  }(Net{});
  kept.emplace_back();  // moves the first again
  EXPECT_EQ(kept[0].parameters().size() + other->parameters().size(), 4U);
}

struct ForgottenMember : Module {
  explicit ForgottenMember(const Scope& scope = {}) : Module(scope), layer(2, 2), more(2, 2) {
    child("layer", layer);
  }
  Tensor operator()(const Tensor& x) const { return more(layer(x)); }
  Linear layer, more;
};

// A member that was forgotten comes along with a temporary, and is missed wherever that one is put.
TEST(Module, AForgottenMemberOfATemporaryIsMissed) {
  const auto refused = [](auto make) {
    EXPECT_ERROR(ValueError,
                 "module: ForgottenMember does not announce a Linear that it made: child(name, member)",
                 make());
  };
  refused([] { Sequential(ForgottenMember(), ReLU()).parameters(); });
  refused([] { Sequential().emplace(ForgottenMember()).parameters(); });
  refused([] { std::make_pair(ForgottenMember(), 1).first.parameters(); });
  refused([] {
    const auto through = [](ForgottenMember m) { return m; };
    const ForgottenMember there = through(through(ForgottenMember()));
    there.parameters();
  });
  refused([] {
    std::vector<ForgottenMember> list;
    list.push_back(ForgottenMember());
    list.push_back(ForgottenMember());
    list.front().parameters();
  });
}

struct WrappedLinear : Linear {
  explicit WrappedLinear(Linear&& l) : Linear(std::move(l)) {}
};
struct NamedSequential : Sequential {
  explicit NamedSequential(const Scope& scope = {}) : Sequential(scope) { emplace<Linear>(2, 2); }
};

// A moved base is not asked for the derived class's Scope, in one expression or two.
TEST(Module, AClassMayDeriveFromAMovedLayer) {
  EXPECT_EQ(WrappedLinear(Linear(2, 3)).parameters().size(), 2U);
  Linear l(2, 3);
  const WrappedLinear w(std::move(l));
  EXPECT_EQ(w.parameters().size(), 2U);
  NamedSequential m;
  const Sequential one = NamedSequential(), two(std::move(m));
  EXPECT_EQ(one.named_parameters()[0].first, "0.weight");
  EXPECT_EQ(two.named_parameters()[0].first, "0.weight");
}

TEST(Module, AListKeepsNoLayerThatItRefused) {
  ModuleList<ForgottenMember> list;
  EXPECT_THROW(list.emplace(), ValueError);
  EXPECT_EQ(list.size(), 0U);
}

TEST(Module, AMovedRecurrentLayerSaysSo) {
  LSTM lstm(2, 3);
  GRU gru(2, 3);
  const LSTM lstm_there = std::move(lstm);
  const GRU gru_there = std::move(gru);
  EXPECT_ERROR(ValueError, "LSTM: has no layers: it was moved", lstm(randn({1, 2, 2}), {}));
  EXPECT_ERROR(ValueError, "GRU: has no layers: it was moved", gru(randn({1, 2, 2}), {}));
}

TEST(Module, AdoptsMappedValuesWithoutCopyingThem) {
  const TempDir dir;
  const Linear trained(40, 30);
  save_safetensors(dir / "m.st", trained.state_dict());
  const auto drawn = default_generator().state();
  std::optional<Linear> net;
  {
    const init::Skip skip;
    net.emplace(40, 30);
  }
  EXPECT_TRUE(drawn == default_generator().state());  // nothing was drawn
  {
    const SafetensorsFile file = map_safetensors(dir / "m.st");
    net->adopt(file.tensors, "m.st");
    EXPECT_EQ(net->weight.raw_data(), file.tensors.at("weight").raw_data());
  }
  for (const auto& [name, value] : net->named_parameters()) {
    EXPECT_EQ(value.to_vector<float>(),
              (name == "weight" ? trained.weight : trained.bias).to_vector<float>());
    EXPECT_TRUE(value.requires_grad());
  }
  const Tensor x = randn({2, 40});
  sum((*net)(x)).backward();  // and it trains
  EXPECT_EQ(net->weight.grad().shape(), net->weight.shape());
  net->weight.detach().fill_(2);
  EXPECT_EQ(net->weight.to_vector<float>()[5], 2);
  EXPECT_ERROR(FormatError, "load 'm.st': 'weight' is f32[30, 40] in the file, f32[30, 41] in the model",
               Linear(41, 30).adopt(map_safetensors(dir / "m.st").tensors, "m.st"));
}

// PyTorch registers what is assigned; here the module could not know of it.
TEST(Module, AParameterWhoseMemberIsAnotherTensorIsNoticed) {
  Linear layer(2, 2);
  const Tensor other = ones({2, 2});
  layer.weight = other;
  EXPECT_ERROR(ValueError,
               "module: 'weight' is in no member of Linear any more: copy_() or load() gives it new values, "
               "assignment another tensor in its place",
               layer.named_parameters());
  EXPECT_THROW(layer.state_dict(), ValueError);
  Pair pair;
  pair.first.bias = zeros({2});
  EXPECT_THROW(pair.parameters(), ValueError);
}

TEST(Module, LoadsNoNameTwiceAndNothingUndefined) {
  Linear layer(2, 2, /*with_bias=*/false);
  const Tensor w = ones({2, 2});
  EXPECT_ERROR(FormatError, "load 'state_dict': 'weight' is there twice",
               layer.load(NamedTensors{{"weight", w}, {"weight", w * 2}}));
  EXPECT_ERROR(FormatError, "load 'state_dict': 'weight' is undefined",
               layer.load(NamedTensors{{"weight", Tensor{}}}));
}

}  // namespace
}  // namespace heed::nn
