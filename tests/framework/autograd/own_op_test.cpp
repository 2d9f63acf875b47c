// Ops of a user's own that do what heed's do not: hand an input back, keep too much, take many inputs; runs
// inside runs; graphs without leaves.
#include <gtest/gtest.h>

#include <array>

#include "framework/framework.h"
#include "tests/testing/throws.h"

namespace heed {
namespace {

// Gradient reversal (Ganin & Lempitsky 2015): the input itself, its gradient with the sign turned.
struct Reversal {
  static constexpr const char* kName = "reversal";
  Tensor forward(const Tensor& x, Saved&) const { return x; }
  void vjp(Grads& d, const Tensor& g, const Saved&) const { d.add(0, -g); }
};

TEST(OwnOp, MayHandItsInputBack) {
  const Tensor leaf = from_vector<double>({1, 2}, {2}).set_requires_grad(true);
  for (const Tensor& x : {leaf, leaf * 1.0}) {
    leaf.zero_grad();
    (sum(apply(Reversal{}, x)) + sum(x) * 3.0).backward();
    EXPECT_EQ(leaf.grad().to_vector<double>(), (std::vector<double>{2, 2}));
  }
  EXPECT_TRUE(leaf.is_leaf());
}

struct TwoOfThree {
  static constexpr const char* kName = "two_of_three";
  Tensor forward(const Tensor& x, Saved& saved) const {
    for (int i = 0; i < 3; ++i) saved.input(x);
    return x.clone();
  }
  void vjp(Grads&, const Tensor&, const Saved&) const {}
};

TEST(OwnOp, ThatKeepsTooMuchIsToldHowToSaySo) {
  const Tensor x = ones({2}).set_requires_grad(true);
  EXPECT_ERROR(GradError, "two_of_three: keeps more than 2 tensors for backward: say so with kSaved",
               apply(TwoOfThree{}, x));
}

struct SumOfAll {
  static constexpr const char* kName = "sum_of_all";
  std::vector<bool>* wanted;
  Tensor forward(std::span<const Tensor> all, Saved& saved) const {
    Tensor total = all[0].clone();
    for (size_t i = 0; i < all.size(); ++i) {
      wanted->push_back(saved.wants(static_cast<int>(i)));
      if (i > 0) total = total + all[i];
    }
    return total;
  }
  void vjp(Grads& d, const Tensor& g, const Saved&) const {
    for (int i = 0; i < static_cast<int>(wanted->size()); ++i) d.add(i, g);
  }
};

TEST(OwnOp, OfAListKnowsWhichInputsWantAGradient) {
  std::vector<bool> wanted;
  const std::vector<Tensor> all{ones({2}), ones({2}).set_requires_grad(true), ones({2})};
  sum(apply_list(SumOfAll{&wanted}, all)).backward();
  EXPECT_EQ(wanted, (std::vector<bool>{false, true, false}));
  EXPECT_EQ(all[1].grad().to_vector<float>(), (std::vector<float>{1, 1}));
}

struct WrongShape {
  static constexpr const char* kName = "wrong_shape";
  Tensor forward(const Tensor& x, Saved&) const { return x.clone(); }
  void vjp(Grads& d, const Tensor& g, const Saved&) const { d.add(0, sum(g)); }
};
struct WrongInput {
  static constexpr const char* kName = "wrong_input";
  Tensor forward(const Tensor& x, Saved&) const { return x.clone(); }
  void vjp(Grads& d, const Tensor& g, const Saved&) const { d.add(5, g); }
};
struct WrongSaved {
  static constexpr const char* kName = "wrong_saved";
  Tensor forward(const Tensor& x, Saved&) const { return x.clone(); }
  void vjp(Grads& d, const Tensor&, const Saved& saved) const { d.add(0, saved[0]); }
};

struct WrongDType {
  static constexpr const char* kName = "wrong_dtype";
  Tensor forward(const Tensor& x, Saved&) const { return x.clone(); }
  void vjp(Grads& d, const Tensor& g, const Saved&) const { d.add(0, g.to(DType::f64)); }
};
struct WrongList {
  static constexpr const char* kName = "wrong_list";
  Tensor forward(std::span<const Tensor> all, Saved&) const { return all[0].clone(); }
  void vjp(Grads& d, const Tensor& g, const Saved&) const { d.add(1, sum(g)); }
};
struct WrongProduct {
  static constexpr const char* kName = "wrong_product";
  int64_t rows, columns;
  Tensor forward(const Tensor& x, Saved&) const { return x.clone(); }
  void vjp(Grads& d, const Tensor&, const Saved&) const {
    d.add_matmul(0, ones({rows, 4}), ones({4, columns}));
  }
};

// Where other gradients have arrived already, whose memory it would be added to.
TEST(OwnOp, WithAWrongVjpIsFoundBesideOtherGradients) {
  for (const bool leaf : {true, false}) {
    const Tensor start = ones({2, 3}).set_requires_grad(true), x = leaf ? start : sin(start);
    const auto beside = [&](const Tensor& y) { return [=] { (sum(y) + sum(square(x))).backward(); }; };
    const std::string arrived =
        " arrived where f32[2, 3] had: some vjp gives another shape or dtype than its input's";
    EXPECT_ERROR(ShapeError, "backward: a gradient f32[]" + arrived, beside(apply(WrongShape{}, x))());
    EXPECT_ERROR(ShapeError, "backward: a gradient f64[2, 3]" + arrived, beside(apply(WrongDType{}, x))());
    for (const WrongProduct& product : {WrongProduct{4000, 3}, WrongProduct{3, 2}, WrongProduct{2, 4}}) {
      const std::string shape = Shape{product.rows, product.columns}.str();
      EXPECT_ERROR(ShapeError, "backward: a gradient f32" + shape + arrived, beside(apply(product, x))());
    }
  }
  const Tensor row = ones({3}).set_requires_grad(true);  // of one dimension, to which no product is added
  const Tensor y = apply(WrongProduct{3, 3}, row);
  EXPECT_ERROR(ShapeError,
               "backward: a gradient f32[3, 3] arrived where f32[3] had: some vjp gives another shape or "
               "dtype than its input's",
               (sum(y) + sum(square(row))).backward());
}

// A name that is not known when compiling: a user's op of whatever file.
struct Named {
  static const char* const kName;
  Tensor forward(const Tensor& x, Saved&) const { return x * 2.0; }
  void vjp(Grads& d, const Tensor& g, const Saved&) const { d.add(0, g * 2.0); }
};
const char* const Named::kName = "named";

TEST(OwnOp, MayHaveItsNameElsewhere) {
  const Tensor x = ones({2}).set_requires_grad(true);
  sum(apply(Named{}, x)).backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{2, 2}));
}

TEST(OwnOp, WithAWrongVjpIsFound) {
  const Tensor x = ones({2, 3}).set_requires_grad(true);
  const std::string wrong = "backward: the vjp of 'wrong_shape' gives f32[] for input 0, which is f32[2, 3]";
  EXPECT_ERROR(ShapeError, wrong, sum(apply(WrongShape{}, x)).backward());
  EXPECT_ERROR(ShapeError, wrong, sum(apply(WrongShape{}, sin(x))).backward());  // behind another op
  EXPECT_ERROR(ShapeError,
               "backward: the vjp of 'wrong_dtype' gives f64[2, 3] for input 0, which is f32[2, 3]",
               sum(apply(WrongDType{}, sin(x))).backward());
  EXPECT_ERROR(ShapeError, "backward: the vjp of 'wrong_list' gives f32[] for input 1, which is f32[2, 3]",
               sum(apply_list(WrongList{}, std::vector{ones({2, 3}), x})).backward());
  EXPECT_ERROR(GradError, "backward: the vjp of 'wrong_input' names input 5 of 1",
               sum(apply(WrongInput{}, x)).backward());
  EXPECT_ERROR(GradError, "backward: the vjp of 'wrong_saved' reads saved 0 of 0",
               sum(apply(WrongSaved{}, x)).backward());
  EXPECT_ERROR(ShapeError, "set_grad: f32[9] for a tensor f32[2, 3]", x.set_grad(ones({9})));
}

TEST(Views, OfADimensionMoreOrLessShareStorageWhateverTheStrides) {
  const Tensor x = zeros({3, 4});
  select(x, 1, 1).fill_(1);
  unsqueeze(transpose(x), 0).fill_(2);
  EXPECT_EQ(x.to_vector<float>(), std::vector<float>(12, 2));
  squeeze(slice(x, 1, 0, 1), 1).fill_(3);
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{3, 2, 2, 2, 3, 2, 2, 2, 3, 2, 2, 2}));
  EXPECT_EQ(concat({x, x}, 0).shape(), (Shape{6, 4}));
  EXPECT_EQ(stack({x, x}, 0).shape(), (Shape{2, 3, 4}));
}

TEST(Engine, ARunInsideARunIsRefused) {
  const Tensor w = ones({1}).set_requires_grad(true), y = w * 2.0;
  const HookHandle hook = register_hook(y, [&](const Tensor&) {
    (void)grad(std::vector{w * 5.0}, std::vector{w});
    return Tensor{};
  });
  EXPECT_ERROR(GradError, "grad: called inside a backward, by a hook or a vjp", y.backward());
  w.zero_grad();
  (w * 3.0).backward();  // nothing is left behind
  EXPECT_EQ(w.grad().item(), 3);
}

// Under AddressSanitizer: a second collector would leave the graph with one that nobody tells of the leaf's
// death.
TEST(Engine, ALeafThatIsMarkedAgainKeepsItsCollector) {
  Tensor x = ones({1}).set_requires_grad(true);
  int calls = 0;
  const HookHandle hook = register_accumulation_hook(x, [&](const Tensor&) { ++calls; });
  const Tensor y = x * 3.0, w = ones({1}).set_requires_grad(true), z = y * w;
  x.set_requires_grad(true);
  z.backward({}, /*retain_graph=*/true);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(x.grad().item(), 3);
  x = Tensor{};
  z.backward();  // collects for w alone
  EXPECT_EQ(w.grad().item(), 6);
}

TEST(Engine, ACheckpointWithoutInputsIsNoLeaf) {
  const Tensor w = full({1}, 2).set_requires_grad(true);
  const Tensor y =
      checkpoint([&](const std::vector<Tensor>&) { return std::vector{w * w}; }, std::vector<Tensor>{})[0];
  EXPECT_EQ(grad(std::vector{y}, std::vector{w}, {}, {.retain_graph = true})[0].item(), 4);
  y.backward();
  EXPECT_EQ(w.grad().item(), 4);
  EXPECT_THROW(y.backward(), GradError);
}

TEST(Tensor, AnUndefinedOneSaysSo) {
  const Tensor none;
  EXPECT_ERROR(ValueError, "grad: the tensor is undefined, it was never given a value", none.grad());
  EXPECT_ERROR(ValueError, "is_leaf: the tensor is undefined, it was never given a value", none.is_leaf());
  EXPECT_ERROR(ValueError, "set_grad: the tensor is undefined, it was never given a value", none.zero_grad());
  EXPECT_ERROR(ValueError, "register_hook: the function is empty", register_hook(ones({1}), {}));
}

}  // namespace
}  // namespace heed
