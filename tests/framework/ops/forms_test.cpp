// Forms of ops that are written first: defaults, numbers in the place of lists, PyTorch's names. Each is
// compared with the op that it stands for, whose values are tested elsewhere.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "framework/framework.h"
#include "tests/testing/throws.h"

namespace heed {
namespace {

// The same dtype, shape and values, NaN beside NaN.
bool equals(const Tensor& a, const Tensor& b) {
  return a.dtype() == b.dtype() && a.shape() == b.shape() && a.str() == b.str() &&
         a.to(DType::f64).to_vector<double>() == b.to(DType::f64).to_vector<double>();
}
void expect_equals(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(equals(a[i], b[i])) << i;
}
Tensor counted(const Shape& shape) { return reshape(arange(shape.numel(), DType::f32), shape); }

TEST(Forms, NumbersInBracesAreATensor) {
  EXPECT_TRUE(equals(tensor({1.5, 2}), from_vector<float>({1.5F, 2}, {2})));
  EXPECT_TRUE(equals(tensor({{1, 2, 3}, {4, 5, 6}}), arange(1, 7).view({2, 3})));
  EXPECT_TRUE(equals(tensor({{{1}, {2}}}), arange(1, 3).view({1, 2, 1})));
  EXPECT_TRUE(equals(tensor({{1}}), ones({1, 1}, DType::i64)));
  EXPECT_TRUE(equals(tensor({{1}, {2}}), arange(1, 3).view({2, 1})));
  EXPECT_TRUE(equals(tensor({true, false}), from_vector<bool>({true, false})));
  EXPECT_TRUE(equals(tensor(2.5), full({}, 2.5)));
  EXPECT_TRUE(equals(tensor(7), full({}, 7, DType::i64)));
  EXPECT_TRUE(equals(tensor({}), zeros({0})));
  EXPECT_TRUE(equals(tensor({0.1, 1e300}, DType::f64), from_vector<double>({0.1, 1e300}, {2})));
  EXPECT_TRUE(equals(tensor({1, 2}, DType::f32), from_vector<float>({1, 2})));
  const int64_t odd = 9007199254740993;
  EXPECT_EQ(tensor({odd, odd + 1}).to_vector<int64_t>(), (std::vector<int64_t>{odd, odd + 1}));
  EXPECT_EQ(tensor(odd).item<int64_t>(), odd);
  EXPECT_ERROR(ShapeError, "tensor: parts of shapes [2] and [3]", tensor({{1, 2}, {3, 4, 5}}));
  EXPECT_ERROR(ShapeError, "tensor: parts of shapes [1] and []", tensor({{1}, 2}));
  EXPECT_THROW(tensor({{{{{{{1}}}}}}}), ShapeError);  // seven dimensions
}

TEST(Forms, AShapeOfOneDimensionIsANumber) {
  EXPECT_TRUE(equals(zeros(3), zeros({3})));
  EXPECT_TRUE(equals(full(2, 7.0), full({2}, 7.0)));
  EXPECT_TRUE(equals(counted({2, 3}).view(-1), counted({6})));
  EXPECT_TRUE(equals(counted({2, 3}).reshape(6), counted({6})));
  EXPECT_EQ(randn(4).shape(), (Shape{4}));
  EXPECT_EQ(Shape(size_t{5}), (Shape{5}));
  EXPECT_EQ(zeros({}).shape(), Shape());
  EXPECT_EQ(zeros({0}).shape(), (Shape{0}));
  static_assert(!std::is_convertible_v<double, Shape> && !std::is_convertible_v<bool, Shape>);
  EXPECT_THROW(zeros(-1), ShapeError);
}

TEST(Forms, ArangeOfWholeNumbersIsWhole) {
  EXPECT_TRUE(equals(arange(2, 5), tensor({2, 3, 4})));
  EXPECT_TRUE(equals(arange(0, 10, 4), tensor({0, 4, 8})));
  EXPECT_TRUE(equals(arange(5, 0, -2), tensor({5, 3, 1})));
  EXPECT_TRUE(equals(arange(4, 0, -2), tensor({4, 2})));
  EXPECT_TRUE(equals(arange(3, 3), zeros({0}, DType::i64)));
  EXPECT_TRUE(equals(arange(5, 2), zeros({0}, DType::i64)));
  EXPECT_TRUE(equals(arange(0, 3, 1, DType::f64), tensor({0.0, 1, 2}, DType::f64)));
  EXPECT_TRUE(equals(arange(0, 2, 0.5), tensor({0.0, 0.5, 1.0, 1.5})));
  EXPECT_TRUE(equals(arange(1.0, 3), tensor({1.0, 2.0})));
  const int64_t large = int64_t{1} << 62, last = std::numeric_limits<int64_t>::max(), first = -last - 1;
  EXPECT_TRUE(equals(arange(large, large + 3), tensor({large, large + 1, large + 2})));
  EXPECT_TRUE(equals(arange(first, last, last), tensor({first, int64_t{-1}, last - 1})));
  EXPECT_TRUE(equals(arange(last, first, first), tensor({last, int64_t{-1}})));
  EXPECT_ERROR(ValueError, "arange: from 0 to 3 in steps of 0", arange(0, 3, 0));
  EXPECT_THROW(arange(first, last), Error);  // more than memory holds
}

TEST(Forms, KeepDimIsABool) {
  const Tensor x = counted({2, 3});
  EXPECT_TRUE(equals(x.sum(1, true), x.sum(1, KeepDim::yes)));
  EXPECT_TRUE(equals(x.mean({0, 1}, false), x.mean()));
  EXPECT_TRUE(equals(x.max(1, true).indices, x.max(1, KeepDim::yes).indices));
  EXPECT_TRUE(equals(x.argmax(1, true), x.argmax(1).unsqueeze(1)));
  EXPECT_TRUE(equals(x.argmin(-2, KeepDim::yes), x.argmin(0).unsqueeze(0)));
  static_assert(KeepDim(true) == KeepDim::yes && KeepDim(false) == KeepDim::no);
  static_assert(!std::is_convertible_v<int, KeepDim>);
}

TEST(Forms, StandardDeviation) {
  const Tensor x = randn({3, 4}, DType::f64);
  EXPECT_TRUE(equals(x.std(0), x.stddev(0)));
  EXPECT_TRUE(equals(x.std(), stddev(x)));
  EXPECT_TRUE(equals(x.std(1, 0, true), x.stddev({1}, 0, KeepDim::yes)));
  EXPECT_TRUE(equals(x.std(0, false), x.stddev(0, 0)));  // PyTorch's unbiased=False
  EXPECT_NEAR(tensor({1.0, 2, 4}).std().item(), std::sqrt(7.0 / 3), 1e-6);
}

TEST(Forms, Reshaping) {
  const Tensor x = counted({2, 3}).set_requires_grad();
  EXPECT_TRUE(equals(x.t(), x.transpose()));
  EXPECT_TRUE(equals(x[0].t(), x[0]));
  EXPECT_ERROR(ShapeError, "t: takes a matrix, got [1, 2, 3]", x.unsqueeze(0).t());
  EXPECT_ERROR(ValueError, "t: the tensor is undefined, it was never given a value", Tensor().t());
  EXPECT_TRUE(equals(x.view({1, 2, 1, 3, 1}).squeeze(), x));
  EXPECT_EQ(zeros({1, 1}).squeeze().shape(), Shape());
  EXPECT_EQ(squeeze(x).body(), x.body());
  EXPECT_ERROR(ValueError, "squeeze: the tensor is undefined, it was never given a value", squeeze(Tensor()));
  sum(x.view({2, 1, 3}).squeeze() * counted({2, 3})).backward();
  EXPECT_TRUE(equals(x.grad(), counted({2, 3})));
  EXPECT_TRUE(equals(x.flip(0), flip(x, {0})));
  EXPECT_TRUE(equals(x.flip({0, -1}), flip(x, std::vector<int>{0, 1})));
  EXPECT_TRUE(equals(x.roll(1, 0), roll(x, {1}, {0})));
  EXPECT_TRUE(equals(x.roll(-1), roll(x, {-1})));
  EXPECT_TRUE(equals(x.roll({1, 2}, {0, 1}), x.roll(1, 0).roll(2, 1)));
  EXPECT_ERROR(ValueError, "roll: 1 shifts for 2 dimensions", x.roll(1, {0, 1}));
  EXPECT_TRUE(equals(stack({x, x}), stack({x, x}, 0)));
  EXPECT_TRUE(equals(stack(std::vector<Tensor>{x, x}), stack({x, x}, 0)));
  EXPECT_TRUE(equals(concat({x, x}), concat({x, x}, 0)));
  EXPECT_EQ(x.dim(), 2);
}

TEST(Forms, PartsOfOneSize) {
  const Tensor x = counted({5, 2});
  expect_equals(x.split(2), x.split({2, 2, 1}, 0));
  expect_equals(x.split(5), {x});
  expect_equals(x.split(9), {x});
  expect_equals(x.split(1, -1), x.split({1, 1}, 1));
  expect_equals(x.split({3, 2}), x.split({3, 2}, 0));
  expect_equals(x.chunk(2), x.split(3));
  expect_equals(x.chunk(2), x.chunk(2, 0));
  expect_equals(zeros({0, 3}).split(2), {zeros({0, 3})});
  expect_equals(x.split(std::numeric_limits<int64_t>::max()), {x});
  EXPECT_ERROR(ValueError, "split: parts of at least 1, got 0", x.split(0));
  EXPECT_ERROR(IndexError, "split: dimension 2 is outside [-2, 2)", x.split(1, 2));
}

TEST(Forms, ClampWithOneBound) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor x = tensor({-2.0, 0.5, 3.0, nan}).set_requires_grad();
  EXPECT_EQ(x.clamp(0).str(), tensor({0.0, 0.5, 3.0, nan}).str());
  EXPECT_EQ(clamp_min(x, 1).str(), tensor({1.0, 1.0, 3.0, nan}).str());
  EXPECT_EQ(x.clamp_max(0.5).str(), tensor({-2.0, 0.5, 0.5, nan}).str());
  EXPECT_TRUE(equals(tensor({-2, 7}).clamp(0), tensor({0, 7})));
  EXPECT_TRUE(equals(tensor({-2, 7}).clamp_max(1), tensor({-2, 1})));
  EXPECT_TRUE(equals(tensor({-2, 7}).clamp(0.5), tensor({0.5, 7.0})));
  sum(x.clamp(0) + x.clamp_max(0.5)).backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{1, 2, 1, 0}));
  EXPECT_THROW(x.clamp(nan), ValueError);
  EXPECT_ERROR(ValueError, "clamp_max: the tensor is undefined, it was never given a value",
               clamp_max(Tensor(), 1));
}

TEST(Forms, ProductsOfMatricesAndVectors) {
  const Tensor a = randn({2, 3}).set_requires_grad(), b = randn({3, 4}), v = randn({3});
  EXPECT_TRUE(equals(mm(a, b), matmul(a, b)));
  EXPECT_TRUE(equals(a.mm(b), matmul(a, b)));
  EXPECT_TRUE(equals(a.mv(v), matmul(a, v)));
  EXPECT_TRUE(v.dot(v).allclose(sum(v * v)));
  mm(a, b).sum().backward();
  EXPECT_TRUE(a.grad().allclose(b.sum(1).expand({2, 3}), 1e-5, 1e-6));
  EXPECT_ERROR(ShapeError, "mm: takes two matrices: [2, 3] x [3]", mm(a, v));
  EXPECT_ERROR(ShapeError, "mm: inner dimensions differ: [2, 3] x [2, 3]", mm(a, a));
  EXPECT_ERROR(ShapeError, "mv: takes a matrix and a vector: [3] x [3]", mv(v, v));
  EXPECT_ERROR(ShapeError, "dot: takes two vectors: [2, 3] x [3]", dot(a, v));
  EXPECT_THROW(dot(v, zeros(3, DType::f64)), DTypeError);
  EXPECT_THROW(dot(v, zeros(4)), ShapeError);
}

TEST(Forms, RandomNumbersAndOrders) {
  const Tensor x = zeros({40, 50}, DType::f64);
  manual_seed(3);
  const Tensor u = rand_like(x), n = randint(6, {500});
  manual_seed(3);
  EXPECT_TRUE(equals(u, uniform_like(x)));
  EXPECT_TRUE(equals(n, randint(0, 6, {500})));
  EXPECT_EQ(n.max().item(), 5);
  EXPECT_THROW(randint(0, {2}), ValueError);
  const Tensor y = randn({3, 4});
  EXPECT_TRUE(equals(argsort(y), sort(y).indices));
  EXPECT_TRUE(equals(y.argsort(0, true), y.sort(0, true).indices));
  manual_seed(3);
  const Tensor half = dropout(ones(1000));
  manual_seed(3);
  EXPECT_TRUE(equals(half, dropout(ones(1000), 0.5)));
}

TEST(Forms, MethodsOfIdsAndLogits) {
  const Tensor ids = tensor({2, 0}), table = randn({3, 4}), logits = randn({2, 3});
  EXPECT_TRUE(equals(ids.one_hot(3), one_hot(ids, 3)));
  EXPECT_TRUE(equals(table.embedding(ids), table[ids]));
  EXPECT_TRUE(equals(logits.cross_entropy(ids), cross_entropy(logits, ids)));
  EXPECT_TRUE(equals(logits.cross_entropy(ids, {.label_smoothing = 0.1}),
                     cross_entropy(logits, ids, {.label_smoothing = 0.1})));
  EXPECT_TRUE(
      equals(logits.mse_loss(logits * 2, Reduction::sum), mse_loss(logits, logits * 2, Reduction::sum)));
  EXPECT_TRUE(equals(ids.zeros_like(), zeros({2}, DType::i64)));
  EXPECT_EQ(logits.exp().multinomial(2).shape(), (Shape{2, 2}));
  EXPECT_TRUE(logits.allclose(logits));
}

TEST(Forms, TheValueOfOneElementAsAType) {
  static_assert(std::is_same_v<decltype(tensor(1).item<float>()), float>);
  EXPECT_EQ(tensor(2.75).item<float>(), 2.75F);
  EXPECT_EQ(tensor(-2.75).item<int>(), -2);
  EXPECT_EQ(tensor({{7}}).item<size_t>(), 7U);
  EXPECT_TRUE(tensor(true).item<bool>());
  EXPECT_TRUE(tensor(0.5).item<bool>());
  EXPECT_EQ(tensor(std::nan("")).item<int64_t>(), 0);  // what no integer holds
  EXPECT_ERROR(ShapeError, "item: needs one element, got [2]", tensor({1, 2}).item<float>());
  EXPECT_ERROR(ShapeError, "item: needs one element, got [2]", tensor({1, 2}).item());
}

TEST(Forms, ALeafIsMarked) {
  const Tensor x = zeros(2);
  EXPECT_TRUE(x.requires_grad_().requires_grad());
  EXPECT_FALSE(x.requires_grad_(false).requires_grad());
  EXPECT_TRUE(x.set_requires_grad().requires_grad());
}

// The call throws E, whose text begins with the op's name.
template <class E, class F>
void expect_error(const F& call, const std::string& op) {
  try {
    call();
    ADD_FAILURE() << op << ": nothing was thrown";
  } catch (const E& error) {
    EXPECT_TRUE(std::string(error.what()).starts_with(op + ": ")) << error.what();
  }
}

TEST(Forms, NamesOfPyTorchStandForTheirOps) {
  manual_seed(9);
  const Tensor x = randn({3, 4}), y = randn({3, 4}), mask = x > 0;
  EXPECT_TRUE(equals(clip(x, -0.5, 1), clamp(x, -0.5, 1)));
  EXPECT_TRUE(equals(take_along_dim(x, x.argmax(1, true), 1), gather(x, 1, x.argmax(1, true))));
  EXPECT_TRUE(equals(x.t().ravel(), flatten(x.t())));
  EXPECT_TRUE(equals(x.swapaxes(0, 1), x.t()));
  EXPECT_TRUE(equals(x[0].expand_as(x), expand(x[0], {3, 4})));
  EXPECT_TRUE(equals(x.reshape_as(ones({2, 6})), reshape(x, {2, 6})));
  EXPECT_TRUE(equals(x.view_as(ones({12})), x.view(-1)));
  EXPECT_THROW(x.t().view_as(ones({12})), ShapeError);
  EXPECT_EQ(x.type_as(mask).dtype(), DType::boolean);
  EXPECT_TRUE(equals(!mask, ~mask));
  EXPECT_TRUE(equals(x.repeat_interleave(2), repeat_interleave(x.flatten(), 2, 0)));
  EXPECT_TRUE(equals(x.scatter(1, x.argmax(1, true), 7), where(x == x.amax(1, true), 7, x)));
}

TEST(Forms, EqualIsOfShapesAndElements) {
  EXPECT_TRUE(equal(tensor({1, 2}), tensor({1, 2})));
  EXPECT_TRUE(tensor({1, 2}).equal(tensor({1.0, 2.0})));
  EXPECT_FALSE(equal(tensor({1, 2}), tensor({1, 3})));
  EXPECT_FALSE(equal(tensor({1, 2}), tensor({{1, 2}})));
  EXPECT_TRUE(equal(zeros({0}), zeros({0})));
  const Tensor nan = full({2}, std::numeric_limits<double>::quiet_NaN());
  EXPECT_FALSE(equal(nan, nan));
}

TEST(Forms, NanToNumTakesTheDTypesLimits) {
  const double inf = std::numeric_limits<double>::infinity();
  const Tensor x = tensor({std::nan(""), inf, -inf, 2.0});
  EXPECT_EQ(nan_to_num(x).to_vector<float>(), (std::vector<float>{0, std::numeric_limits<float>::max(),
                                                                  std::numeric_limits<float>::lowest(), 2}));
  EXPECT_EQ(
      nan_to_num(x.to(DType::f64), 3).to_vector<double>(),
      (std::vector<double>{3, std::numeric_limits<double>::max(), std::numeric_limits<double>::lowest(), 2}));
  EXPECT_EQ(nan_to_num(x, 1, 5, inf).to_vector<float>(),
            (std::vector<float>{1, 5, std::numeric_limits<float>::infinity(), 2}));
}

TEST(Forms, QuantileInterpolatesAndKeepsNaN) {
  const Tensor x = tensor({{4.0, 1, 3, 2}, {1, 1, std::nan(""), 1}, {7, 7, 7, 7}});
  EXPECT_TRUE(allclose(quantile(x, 0.5)[0], tensor(2.5)));
  EXPECT_TRUE(std::isnan(quantile(x, 0)[1].item()));
  EXPECT_EQ(quantile(x, 0.3, -1, KeepDim::yes).shape(), (Shape{3, 1}));
  EXPECT_EQ(quantile(x, 1, 0)[0].item(), 7);
}

TEST(Forms, CombinedFunctionsNameTheirErrors) {
  const Tensor x = ones({3, 4}), ids = tensor({0, 2});
  expect_error<ShapeError>([&] { glu(ones({3})); }, "glu");
  expect_error<ShapeError>([&] { prelu(x, ones({3})); }, "prelu");
  expect_error<ShapeError>([&] { addmm(ones({5}), x, x.t()); }, "addmm");
  expect_error<ShapeError>([&] { baddbmm(x, x, x); }, "baddbmm");
  expect_error<IndexError>([&] { narrow(x, 0, 2, 2); }, "narrow");
  expect_error<IndexError>([&] { narrow(x, 0, -4, 1); }, "narrow");
  expect_error<IndexError>([&] { narrow(x, 0, 0, -1); }, "narrow");
  expect_error<IndexError>([&] { narrow(x, 1, 1, INT64_MAX); }, "narrow");
  expect_error<ShapeError>([&] { index_add(x, 0, ids, x); }, "index_add");
  expect_error<DTypeError>([&] { index_add(x, 0, x, x); }, "index_add");
  expect_error<IndexError>([&] { index_fill(x, 1, tensor({4}), 0); }, "index_fill");
  expect_error<ShapeError>([&] { diff(zeros({0})); }, "diff");
  expect_error<ValueError>([&] { quantile(x, 1.5); }, "quantile");
  expect_error<ShapeError>([&] { quantile(zeros({2, 0}), 0.5); }, "quantile");
  expect_error<DTypeError>([&] { quantile(ids, 0.5); }, "quantile");
  expect_error<ValueError>([&] { bincount(tensor({1, -1})); }, "bincount");
  expect_error<DTypeError>([&] { bincount(x); }, "bincount");
  expect_error<ValueError>([&] { normalize(x, 0); }, "normalize");
  expect_error<ShapeError>([&] { hstack({x, ones({2, 4})}); }, "hstack");
  expect_error<ShapeError>([&] { vstack({x, ones({3})}); }, "vstack");
  expect_error<ValueError>([&] { binary_cross_entropy(x * 2, x); }, "binary_cross_entropy");
  expect_error<ValueError>([&] { huber_loss(x, x, 0); }, "huber_loss");
  expect_error<ShapeError>([&] { triplet_margin_loss(x, x, ones({3})); }, "triplet_margin_loss");
  expect_error<ShapeError>([&] { cosine_embedding_loss(x, x, x); }, "cosine_embedding_loss");
  expect_error<ValueError>([&] { mish(Tensor{}); }, "mish");
}

}  // namespace
}  // namespace heed
