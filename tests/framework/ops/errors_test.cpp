// Every op's refusals, word for word: `op: what is wrong: the facts`, one line, both shapes.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "framework/core/sanitizers.h"
#include "framework/framework.h"
#include "framework/ops/registry.h"
#include "tests/testing/throws.h"

namespace heed {
namespace {

const DType kF64 = DType::f64, kI64 = DType::i64;

TEST(OpErrors, Elementwise) {
  EXPECT_ERROR(ShapeError, "add: shapes do not broadcast: [2, 3] and [4]", zeros({2, 3}) + zeros({4}));
  EXPECT_ERROR(ShapeError, "div: shapes do not broadcast: [2] and [3]", zeros({2}) / zeros({3}));
  EXPECT_ERROR(ShapeError, "sub: shapes do not broadcast: [2] and [3]", zeros({2}, kI64) - zeros({3}, kF64));
  EXPECT_ERROR(DTypeError, "affine: takes f32 or f64, got i64", affine(zeros({2}, kI64), 2, 0));
}

TEST(OpErrors, Reductions) {
  EXPECT_ERROR(IndexError, "sum: dimension 2 is outside [-2, 2)", sum(zeros({2, 3}), {2}));
  EXPECT_ERROR(ValueError, "sum: dimension 1 is named twice", sum(zeros({2, 3}), {1, -1}));
  EXPECT_ERROR(ShapeError, "sum_to: shapes do not broadcast: [2, 3] and [6]", sum_to(zeros({6}), {2, 3}));
  EXPECT_ERROR(ShapeError, "sum_to: [3, 4] does not stretch to [4]", sum_to(zeros({4}), {3, 4}));
  EXPECT_ERROR(ShapeError, "argmax: nothing to choose from in [2, 0]", argmax(zeros({2, 0})));
}

TEST(OpErrors, Masks) {
  const Tensor mask = zeros({2}, DType::boolean);
  EXPECT_ERROR(ShapeError, "lt: shapes do not broadcast: [2] and [3]", lt(zeros({2}), zeros({3})));
  EXPECT_ERROR(DTypeError, "logical_and: takes a mask (bool), got f32[2]", logical_and(mask, zeros({2})));
  EXPECT_ERROR(DTypeError, "logical_not: takes a mask (bool), got i64[2]", logical_not(zeros({2}, kI64)));
  EXPECT_ERROR(DTypeError, "any: takes a mask (bool), got f32[2]", any(zeros({2})));
  EXPECT_ERROR(DTypeError, "where: takes a mask (bool), got f32[2]",
               where(zeros({2}), zeros({2}), zeros({2})));
  EXPECT_ERROR(ShapeError, "where: shapes do not broadcast: [2] and [3]",
               where(mask, zeros({3}), zeros({3})));
  EXPECT_ERROR(ShapeError, "masked_fill: the mask [2] does not stretch to [1]",
               masked_fill(zeros({1}), mask, 0));
}

TEST(OpErrors, Pointwise) {
  EXPECT_ERROR(ValueError, "clamp: 2 to 1 is no range", clamp(zeros({2}), 2, 1));
  EXPECT_ERROR(ShapeError, "amax: nothing to choose from in [0, 2]", amax(zeros({0, 2})));
  EXPECT_ERROR(ValueError, "prod: dimension 1 is named twice", prod(zeros({2, 3}), {1, -1}));
  const Tensor holds_zero = zeros({2}).set_requires_grad(true);
  EXPECT_ERROR(GradError, "prod: the gradient of the gradient is not known where an element is 0",
               grad(std::vector{prod(holds_zero)}, std::vector{holds_zero}, {}, {.create_graph = true}));
}

TEST(OpErrors, Rearranging) {
  const Tensor x = zeros({2, 3});
  EXPECT_ERROR(ValueError, "flip: dimension 1 is named twice", flip(x, {1, -1}));
  EXPECT_ERROR(ShapeError, "pad: 1 widths for shape [2, 3]", pad(x, {{1, 1}}));
  EXPECT_ERROR(ValueError, "pad: a width is negative: -1, 0", pad(x, {{-1, 0}, {}}));
  EXPECT_ERROR(ShapeError, "tril: takes matrices, got [3]", tril(zeros({3})));
  EXPECT_ERROR(ValueError, "split: parts of 4 do not make up dimension 1 of [2, 3]", split(x, {1, 3}, 1));
  EXPECT_ERROR(ValueError, "chunk: needs at least 1 part, got 0", chunk(x, 0, 1));
}

TEST(OpErrors, Indexing) {
  const Tensor x = zeros({2, 3});
  EXPECT_ERROR(DTypeError, "gather: the index must be i64, got f32[2, 1]", gather(x, 1, zeros({2, 1})));
  EXPECT_ERROR(ShapeError, "gather: the index [3, 1] does not fit [2, 3] along dimension 1",
               gather(x, 1, zeros({3, 1}, kI64)));
  EXPECT_ERROR(IndexError, "gather: index 3 is outside 0..2 of dimension 1 of [2, 3]",
               gather(x, 1, full({2, 1}, 3, kI64)));
  EXPECT_ERROR(ShapeError, "scatter_add: the index [2, 1] does not fit the source [2]",
               scatter_add(x, 1, zeros({2, 1}, kI64), zeros({2})));
  EXPECT_ERROR(ShapeError, "index_select: the ids must have one dimension, got [1, 1]",
               index_select(x, 0, zeros({1, 1}, kI64)));
  EXPECT_ERROR(IndexError, "one_hot: index 4 is outside 0..3 of dimension 0 of [4]",
               one_hot(full({2}, 4, kI64), 4));
  EXPECT_ERROR(IndexError, "topk: 4 of 3 along dimension 1 of [2, 3]", topk(x, 4));
  EXPECT_ERROR(ShapeError, "argmin: nothing to choose from in [0]", argmin(zeros({0})));
}

TEST(OpErrors, LossesAndProducts) {
  const Tensor x = zeros({2, 3});
  EXPECT_ERROR(ShapeError, "mse_loss: shapes differ: [2, 3] and [3]", mse_loss(x, zeros({3})));
  EXPECT_ERROR(ValueError, "smooth_l1_loss: beta must be positive, got 0", smooth_l1_loss(x, x, 0));
  EXPECT_ERROR(ShapeError, "nll_loss: [2, 3] with targets [3]", nll_loss(x, zeros({3}, kI64)));
  EXPECT_ERROR(ShapeError, "nll_loss: weights [2] for 3 classes", nll_loss(x, zeros({2}, kI64), zeros({2})));
  EXPECT_ERROR(ShapeError, "rms_norm: gain [2] for [2, 3]", rms_norm(x, zeros({2})));
  EXPECT_ERROR(ShapeError, "bmm: takes two batches of matrices: [2, 3] x [2, 3]", bmm(x, x));
  EXPECT_ERROR(ShapeError, "outer: takes two vectors: [2, 3] x [2, 3]", outer(x, x));
  EXPECT_ERROR(ValueError, "einsum: 'ij' names 1 operands, not 2, operands [2, 3] and [2, 3]",
               einsum("ij", x, x));
  EXPECT_ERROR(ValueError, "einsum: 'ijk,jk->i' has 3 letters for 2 dimensions, operands [2, 3] and [2, 3]",
               einsum("ijk,jk->i", x, x));
  EXPECT_ERROR(ValueError, "einsum: 'ij,jk->ik' has two extents for 'j', operands [2, 3] and [2, 3]",
               einsum("ij,jk->ik", x, x));
  EXPECT_ERROR(ValueError, "einsum: 'ii->i' has two extents for 'i', operand [2, 3]", einsum("ii->i", x));
  EXPECT_ERROR(ValueError,
               "einsum: 'ij,ij,ij->ii' has 'i' twice in the result, operands [2, 3] and [2, 3] "
               "and [2, 3]",
               einsum("ij,ij,ij->ii", {x, x, x}));
  EXPECT_ERROR(ValueError, "einsum: 'i.,ij->j' has '.' where a letter is wanted, operands [2, 3] and [2, 3]",
               einsum("i.,ij->j", x, x));
  EXPECT_ERROR(ValueError,
               "einsum: '...,...i->...' has ellipses that do not broadcast, operands [2, 3] and "
               "[3, 3, 1]",
               einsum("...,...i->...", x, zeros({3, 3, 1})));
  EXPECT_ERROR(ValueError, "einsum: no tensors given", einsum("", std::vector<Tensor>{}));
  EXPECT_ERROR(ValueError, "einsum: 'ij,ij->k' makes 'k' of nothing, operands [2, 3] and [2, 3]",
               einsum("ij,ij->k", x, x));
}

TEST(OpErrors, ShapeOps) {
  const Tensor x = zeros({2, 3});
  EXPECT_ERROR(ShapeError, "reshape: element counts differ: [2, 3] to [4, 2]", reshape(x, {4, 2}));
  EXPECT_ERROR(ShapeError, "reshape: element counts differ: [2, 3] to [4, -1]", reshape(x, {4, -1}));
  EXPECT_ERROR(ShapeError, "reshape: more than one -1 in [-1, -1]", reshape(x, {-1, -1}));
  EXPECT_ERROR(ShapeError, "reshape: element counts differ: [0, 3] to [0, -1]",
               reshape(zeros({0, 3}), {0, -1}));
  EXPECT_ERROR(ShapeError, "reshape: element counts differ: [2, 3] to [-2, -3]", reshape(x, {-2, -3}));
  EXPECT_ERROR(ShapeError, "permute: 1 dims for shape [2, 3]", permute(x, {0}));
  EXPECT_ERROR(ValueError, "permute: dimension 0 is named twice", permute(x, {0, 0}));
  EXPECT_ERROR(IndexError, "permute: dimension 5 is outside [-2, 2)", permute(x, {0, 5}));
  EXPECT_ERROR(IndexError, "transpose: dimension -2 is outside [-1, 1)", transpose(zeros({3})));
  EXPECT_ERROR(ShapeError, "expand: shapes do not broadcast: [2, 3] and [2, 4]", expand(x, {2, 4}));
  EXPECT_ERROR(ShapeError, "expand: [2, 3] does not stretch to [3]", expand(x, {3}));
  EXPECT_ERROR(IndexError, "slice: 1:5 is outside 0..3 of dimension 1 of [2, 3]", slice(x, 1, 1, 5));
  EXPECT_ERROR(IndexError, "slice: 2:1 is outside 0..3 of dimension 1 of [2, 3]", slice(x, 1, 2, 1));
  EXPECT_ERROR(IndexError, "select: index 3 is outside [-3, 3) of dimension 1 of [2, 3]", select(x, 1, 3));
  EXPECT_ERROR(IndexError, "select: index -3 is outside [-2, 2) of dimension 0 of [2, 3]", select(x, 0, -3));
  EXPECT_ERROR(ShapeError, "squeeze: dimension 0 of [2, 3] is not 1", squeeze(x, 0));
  EXPECT_ERROR(IndexError, "unsqueeze: dimension 4 is outside [-3, 3)", unsqueeze(x, 4));
  EXPECT_ERROR(ValueError, "concat: no tensors given", concat({}, 0));
  EXPECT_ERROR(ValueError, "stack: no tensors given", stack({}, 0));
  EXPECT_ERROR(DTypeError, "concat: dtypes differ: f32[2, 3] and f64[2, 3]",
               concat(std::vector{x, zeros({2, 3}, kF64)}, 0));
  EXPECT_ERROR(ShapeError, "concat: shapes differ outside dimension 0: [2, 3] and [2, 4]",
               concat(std::vector{x, zeros({2, 4})}, 0));
}

TEST(OpErrors, Products) {
  EXPECT_ERROR(ShapeError, "matmul: inner dimensions differ: [3, 4] x [5, 6]",
               matmul(zeros({3, 4}), zeros({5, 6})));
  EXPECT_ERROR(ShapeError, "matmul: batches do not broadcast: [5, 2, 3] x [4, 3, 2]",
               matmul(zeros({5, 2, 3}), zeros({4, 3, 2})));
  EXPECT_ERROR(ShapeError, "matmul: takes vectors, matrices and batches of matrices: [] x [4, 5]",
               matmul(zeros({}), zeros({4, 5})));
  EXPECT_ERROR(DTypeError, "matmul: dtypes differ: f32[3, 4] and f64[4, 5]",
               matmul(zeros({3, 4}), zeros({4, 5}, kF64)));
  EXPECT_ERROR(DTypeError, "matmul: takes f32 or f64, got i64",
               matmul(zeros({3, 4}, kI64), zeros({4, 5}, kI64)));
  EXPECT_ERROR(ShapeError, "linear: input [2, 3] does not fit weight [5, 4]",
               linear(zeros({2, 3}), zeros({5, 4})));
  EXPECT_ERROR(ShapeError, "linear: bias [4] does not fit weight [5, 3]",
               linear(zeros({2, 3}), zeros({5, 3}), zeros({4})));
  EXPECT_ERROR(DTypeError, "linear: takes f32 or f64, got i64",
               linear(zeros({2, 3}, kI64), zeros({5, 3}, kI64)));
  EXPECT_ERROR(DTypeError, "linear: dtypes differ: f32[2, 3] and f64[5, 3]",
               linear(zeros({2, 3}), zeros({5, 3}, kF64)));
  EXPECT_ERROR(DTypeError, "linear: dtypes differ: f32[2, 3] and f64[5]",
               linear(zeros({2, 3}), zeros({5, 3}), zeros({5}, kF64)));
}

TEST(OpErrors, LookupAndProbability) {
  const Tensor ids = from_vector(std::vector<int64_t>{1, 8041}, {2}),
               negative = from_vector(std::vector<int64_t>{-1}, {1});
  EXPECT_ERROR(IndexError, "embedding: index 8041 out of range for 8000 rows",
               embedding(zeros({8000, 2}), ids));
  EXPECT_ERROR(IndexError, "embedding: index -1 out of range for 5 rows", embedding(zeros({5, 2}), negative));
  EXPECT_ERROR(IndexError, "embedding: padding id 5 out of range for 5 rows",
               embedding(zeros({5, 2}), negative, 5));
  EXPECT_ERROR(ShapeError, "embedding: the table is not a matrix: [5]", embedding(zeros({5}), ids));
  EXPECT_ERROR(DTypeError, "embedding: ids must be i64, got f32[2]", embedding(zeros({5, 2}), zeros({2})));
  EXPECT_ERROR(IndexError, "softmax: dimension 1 is outside [-1, 1)", softmax(zeros({3}), 1));
  EXPECT_ERROR(IndexError, "log_softmax: dimension -2 is outside [-1, 1)", log_softmax(zeros({3}), -2));
  EXPECT_ERROR(ShapeError, "masked_softmax: lengths [3] for a batch of 2",
               masked_softmax(zeros({2, 4}), zeros({3}, kI64)));
  EXPECT_ERROR(IndexError, "masked_softmax: length 5 is outside 0..4",
               masked_softmax(zeros({1, 4}), from_vector(std::vector<int64_t>{5}, {1})));
}

TEST(OpErrors, Losses) {
  const Tensor logits = zeros({2, 4}), targets = zeros({2}, kI64),
               wrong = from_vector(std::vector<int64_t>{0, 4}, {2});
  EXPECT_ERROR(DTypeError, "cross_entropy: targets must be i64, got f32[2]",
               cross_entropy(logits, zeros({2})));
  EXPECT_ERROR(ShapeError, "cross_entropy: targets [3] do not fit logits [2, 4]",
               cross_entropy(logits, zeros({3}, kI64)));
  EXPECT_ERROR(ValueError, "cross_entropy: label smoothing 1 is outside [0, 1)",
               cross_entropy(logits, targets, {.label_smoothing = 1}));
  EXPECT_ERROR(IndexError, "cross_entropy: target 4 out of range for 4 classes",
               cross_entropy(logits, wrong));
  EXPECT_ERROR(ShapeError, "linear_cross_entropy: input [2, 3] does not fit weight [5, 4]",
               linear_cross_entropy(zeros({2, 3}), zeros({5, 4}), {}, targets));
  EXPECT_ERROR(ShapeError, "linear_cross_entropy: targets [2] do not fit logits [3, 5]",
               linear_cross_entropy(zeros({3, 4}), zeros({5, 4}), {}, targets));
}

TEST(OpErrors, Recurrent) {
  const Tensor x = zeros({2, 3, 4}), w_ih = zeros({20, 4}), w_hh = zeros({20, 5}), bias = zeros({20});
  const auto lengths = [](int64_t a, int64_t b) { return from_vector(std::vector<int64_t>{a, b}, {2}); };
  EXPECT_ERROR(ShapeError, "lstm: input [2, 4] does not fit weight_ih [20, 4]",
               lstm(zeros({2, 4}), {}, {}, {}, w_ih, w_hh, bias));
  EXPECT_ERROR(ShapeError, "lstm: weight_ih [20, 4], weight_hh [20, 4] and bias [20] do not fit together",
               lstm(x, {}, {}, {}, w_ih, zeros({20, 4}), bias));
  EXPECT_ERROR(ShapeError, "lstm: initial state [2, 4] for batch 2 and hidden size 5",
               lstm(x, {}, zeros({2, 4}), {}, w_ih, w_hh, bias));
  EXPECT_ERROR(IndexError, "lstm: length -1 is outside 0..3",
               lstm(x, lengths(-1, 3), {}, {}, w_ih, w_hh, bias));
  EXPECT_ERROR(IndexError, "lstm: length 4 is outside 0..3",
               lstm(x, lengths(1, 4), {}, {}, w_ih, w_hh, bias));
  EXPECT_ERROR(ShapeError, "lstm: lengths [3] for a batch of 2",
               lstm(x, zeros({3}, kI64), {}, {}, w_ih, w_hh, bias));
  EXPECT_ERROR(DTypeError, "lstm: dtypes differ: f32[2, 3, 4] and f64[20]",
               lstm(x, {}, {}, {}, w_ih, w_hh, zeros({20}, kF64)));
  EXPECT_ERROR(ShapeError, "additive_energy: query [2, 1, 3], keys [2, 4, 3] and v [2] do not fit together",
               additive_energy(zeros({2, 1, 3}), zeros({2, 4, 3}), zeros({2})));
  EXPECT_ERROR(DTypeError, "additive_energy: dtypes differ: f32[2, 1, 3] and f64[3]",
               additive_energy(zeros({2, 1, 3}), zeros({2, 4, 3}), zeros({3}, kF64)));

  // x, target lengths, memory, keys, source lengths, h0, c0, w_ih, w_hh, bias, w_q, v
  std::vector<Tensor> good = {zeros({2, 3, 4}), lengths(3, 1), zeros({2, 5, 6}), zeros({2, 5, 3}),
                              lengths(5, 2),    zeros({2, 4}), zeros({2, 4}),    zeros({16, 10}),
                              zeros({16, 4}),   zeros({16}),   zeros({3, 4}),    zeros({3})};
  const auto with = [&](size_t i, const Tensor& other) {
    std::vector<Tensor> a = good;
    a[i] = other;
    return attention_lstm(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11]);
  };
  EXPECT_NO_THROW(with(0, good[0]));
  EXPECT_ERROR(ShapeError, "attention_lstm: input [2, 4] does not fit the others", with(0, zeros({2, 4})));
  EXPECT_ERROR(ShapeError, "attention_lstm: memory [3, 5, 6] does not fit the others",
               with(2, zeros({3, 5, 6})));
  EXPECT_ERROR(ShapeError, "attention_lstm: keys [2, 4, 3] does not fit the others",
               with(3, zeros({2, 4, 3})));
  EXPECT_ERROR(ShapeError, "attention_lstm: weight_ih [16, 9] does not fit the others",
               with(7, zeros({16, 9})));
  EXPECT_ERROR(ShapeError, "attention_lstm: v [4] does not fit the others", with(11, zeros({4})));
  EXPECT_ERROR(IndexError, "attention_lstm: length 4 is outside 0..3", with(1, lengths(4, 1)));
  EXPECT_ERROR(IndexError, "attention_lstm: source length 6 is outside 0..5", with(4, lengths(6, 1)));
  EXPECT_ERROR(DTypeError, "attention_lstm: dtypes differ: f32[2, 3, 4] and f64[16]",
               with(9, zeros({16}, kF64)));

  const auto of_position = [&](const PredictedPosition& position, int64_t window = 0) {
    const std::vector<Tensor>& a = good;
    return attention_lstm(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11], window,
                          position);
  };
  EXPECT_NO_THROW(of_position({zeros({7, 4}), zeros({7}), 2, zeros({2, 3})}));
  EXPECT_ERROR(ValueError, "attention_lstm: the window is -1", of_position({}, -1));
  EXPECT_ERROR(ValueError, "attention_lstm: the tensor is undefined, it was never given a value",
               of_position({.weight = zeros({7, 4})}));
  EXPECT_ERROR(ShapeError, "attention_lstm: position's weight [7, 3] does not fit the others",
               of_position({zeros({7, 3}), zeros({7})}));
  EXPECT_ERROR(ShapeError, "attention_lstm: position's v [6] does not fit the others",
               of_position({zeros({7, 4}), zeros({6})}));
  EXPECT_ERROR(ShapeError, "attention_lstm: position's factor [3, 2] does not fit the others",
               of_position({zeros({7, 4}), zeros({7}), 2, zeros({3, 2})}));
  EXPECT_ERROR(ValueError, "attention_lstm: sigma 0 is outside (0, inf)",
               of_position({zeros({7, 4}), zeros({7}), 0}));
  EXPECT_ERROR(DTypeError, "attention_lstm: dtypes differ: f32[2, 3, 4] and f64[7]",
               of_position({zeros({7, 4}), zeros({7}, kF64)}));
  // energies of positions alone have a row of W_q for each
  good[3] = Tensor{};
  EXPECT_ERROR(ShapeError, "attention_lstm: weight_query [3, 4] does not fit the others", with(0, good[0]));
  good[10] = zeros({5, 4});
  EXPECT_ERROR(ShapeError, "attention_lstm: v [3] does not fit the others", with(0, good[0]));
  good[11] = Tensor{};
  EXPECT_NO_THROW(with(0, good[0]));
  EXPECT_ERROR(ValueError, "attention_lstm: the tensor is undefined, it was never given a value",
               with(10, Tensor{}));
}

TEST(LinearCrossEntropy, ABiasOfAnotherSizeIsRefused) {
  const Tensor x = zeros({2, 3}), weight = zeros({4, 3}), ids = zeros({2}, DType::i64);
  EXPECT_ERROR(ShapeError, "linear_cross_entropy: bias [3] does not fit weight [4, 3]",
               linear_cross_entropy(x, weight, zeros({3}), ids));
}

TEST(OpErrors, LayerNormAndScaledDotAttention) {
  EXPECT_ERROR(ShapeError, "layer_norm: gain [2] and bias [3] do not fit [2, 3]",
               layer_norm(zeros({2, 3}), ones({2}), zeros({3})));
  EXPECT_ERROR(DTypeError, "layer_norm: dtypes differ: f32[2, 3] and f64[3]",
               layer_norm(zeros({2, 3}), ones({3}, kF64), zeros({3}, kF64)));
  const Tensor q = zeros({2, 3, 4}), k = zeros({2, 5, 4});
  EXPECT_ERROR(
      ShapeError,
      "scaled_dot_attention: query, key and value do not fit together: [2, 3, 4], [2, 5, 4] and [2, 3, 4]",
      scaled_dot_attention(q, k, q, {}, 2));
  EXPECT_ERROR(ValueError, "scaled_dot_attention: 3 heads do not divide [2, 3, 4], [2, 5, 4] and [2, 5, 4]",
               scaled_dot_attention(q, k, k, {}, 3));
  EXPECT_ERROR(ShapeError, "scaled_dot_attention: lengths [1] for a batch of 2",
               scaled_dot_attention(q, k, k, from_vector(std::vector<int64_t>{5}, {1}), 2));
  EXPECT_ERROR(IndexError, "scaled_dot_attention: length 6 is outside 0..5",
               scaled_dot_attention(q, k, k, from_vector(std::vector<int64_t>{5, 6}, {2}), 2));
}

// Ops that are made of others: what is wrong is said under their own name, with the shapes of what they were
// given.
struct Refusal {
  const char* text;  // the beginning: the op, what is wrong, the facts
  std::function<void()> call;
};

TEST(OpErrors, CompositionsNameThemselves) {
  const Tensor x = zeros({2, 3}), y = zeros({2, 4}), ids = zeros({2}, kI64), whole = zeros({2, 3}, kI64),
               wide = zeros({2, 3}, kF64);
  const Tensor mask = zeros({2, 3}, DType::boolean), far = full({2}, 7, kI64), batch = zeros({2, 3, 4});
  const std::vector<Refusal> refusals = {
      // wrong dtype
      {"all: takes a mask (bool), got f32[2, 3]", [&] { all(x); }},
      {"any: takes a mask (bool), got f32[2, 3]", [&] { any(x); }},
      {"masked_fill: takes a mask (bool), got i64[2, 3]", [&] { masked_fill(x, whole, 0); }},
      {"index_select: the ids must be i64, got f32[3]", [&] { index_select(x, 0, zeros({3})); }},
      {"one_hot: the ids must be i64, got f32[2, 3]", [&] { one_hot(x, 4); }},
      {"stack: dtypes differ: f32[2, 3] and f64[2, 3]",
       [&] {
         stack({x, wide}, 0);
       }},
      {"einsum: dtypes differ: f32[2, 3] and f64[2, 3]", [&] { einsum("ij,kj->ik", x, wide); }},
      {"einsum: takes f32 or f64, got i64", [&] { einsum("ij,kj->ik", whole, whole); }},
      {"bmm: dtypes differ: f32[2, 3, 4] and f64[2, 4, 3]",
       [&] {
         bmm(batch, zeros({2, 4, 3}, kF64));
       }},
      {"outer: dtypes differ: f32[3] and f64[2]", [&] { outer(zeros({3}), zeros({2}, kF64)); }},
      {"masked_softmax: lengths must be i64, got f32[2]", [&] { masked_softmax(x, zeros({2})); }},
      {"rms_norm: dtypes differ: f32[2, 3] and f64[3]", [&] { rms_norm(x, zeros({3}, kF64)); }},
      {"rms_norm: takes f32 or f64, got i64", [&] { rms_norm(whole, zeros({3}, kI64)); }},
      {"batch_norm: takes f32 or f64, got i64",
       [&] { batch_norm(whole, zeros({3}, kI64), zeros({3}, kI64), zeros({3}, kI64), zeros({3}, kI64)); }},
      {"max_pool1d: takes f32 or f64, got i64",
       [&] {
         max_pool1d(zeros({1, 2, 4}, kI64), 2);
       }},
      {"avg_pool1d: takes f32 or f64, got i64",
       [&] {
         avg_pool1d(zeros({1, 2, 4}, kI64), 2);
       }},
      {"scaled_dot_attention: lengths must be i64, got f32[2]",
       [&] { scaled_dot_attention(batch, batch, batch, zeros({2}), 2); }},
      {"mse_loss: dtypes differ: f32[2, 3] and f64[2, 3]", [&] { mse_loss(x, wide); }},
      {"mse_loss: takes f32 or f64, got i64", [&] { mse_loss(whole, whole); }},
      {"l1_loss: dtypes differ: f32[2, 3] and f64[2, 3]", [&] { l1_loss(x, wide); }},
      {"l1_loss: takes f32 or f64, got i64", [&] { l1_loss(whole, whole); }},
      {"smooth_l1_loss: dtypes differ: f32[2, 3] and i64[2, 3]", [&] { smooth_l1_loss(x, whole); }},
      {"smooth_l1_loss: takes f32 or f64, got i64", [&] { smooth_l1_loss(whole, whole); }},
      {"bce_with_logits: dtypes differ: f32[2, 3] and i64[2, 3]", [&] { bce_with_logits(x, whole); }},
      {"bce_with_logits: takes f32 or f64, got i64", [&] { bce_with_logits(whole, whole); }},
      {"kl_div: dtypes differ: f32[2, 3] and f64[2, 3]", [&] { kl_div(x, wide); }},
      {"kl_div: takes f32 or f64, got i64", [&] { kl_div(whole, whole); }},
      {"nll_loss: targets must be i64, got f32[2]", [&] { nll_loss(x, zeros({2})); }},
      {"nll_loss: dtypes differ: f32[2, 3] and weights f64[3]", [&] { nll_loss(x, ids, zeros({3}, kF64)); }},
      {"nll_loss: takes f32 or f64, got i64", [&] { nll_loss(whole, ids); }},
      {"cross_entropy: dtypes differ: f32[2, 3] and weights f64[3]",
       [&] { cross_entropy(x, ids, {.class_weights = zeros({3}, kF64)}); }},
      {"cross_entropy: takes f32 or f64, got i64",
       [&] { cross_entropy(whole, ids, {.class_weights = zeros({3}, kI64)}); }},
      {"linear_cross_entropy: dtypes differ: ",
       [&] { linear_cross_entropy(x, x, {}, ids, {.class_weights = zeros({2}, kF64)}); }},
      // wrong shape
      {"stack: shapes differ: [2, 3] and [2, 4]",
       [&] {
         stack({x, y}, 0);
       }},
      {"masked_fill: the mask [2, 3] does not stretch to [3]", [&] { masked_fill(zeros({3}), mask, 0); }},
      {"sum_to: shapes do not broadcast: [2] and [2, 3]", [&] { sum_to(x, {2}); }},
      {"index_select: the ids must have one dimension, got [2, 3]", [&] { index_select(x, 0, whole); }},
      {"bmm: inner dimensions differ: [2, 3, 4] x [2, 3, 4]", [&] { bmm(batch, batch); }},
      {"bmm: batch sizes differ: [2, 3, 4] x [1, 4, 3]",
       [&] {
         bmm(batch, zeros({1, 4, 3}));
       }},
      {"rms_norm: gain [2] for [2, 3]", [&] { rms_norm(x, zeros({2})); }},
      {"batch_norm: [2] for the 3 channels of [2, 3]",
       [&] { batch_norm(x, zeros({2}), zeros({3}), zeros({3}), zeros({3})); }},
      {"max_pool1d: takes [B, C, L], got [2, 3]", [&] { max_pool1d(x, 2); }},
      {"mse_loss: shapes differ: [2, 3] and [2, 4]", [&] { mse_loss(x, y); }},
      {"l1_loss: shapes differ: [2, 3] and [2, 4]", [&] { l1_loss(x, y); }},
      {"smooth_l1_loss: shapes differ: [2, 3] and [2, 4]", [&] { smooth_l1_loss(x, y); }},
      {"bce_with_logits: shapes differ: [2, 3] and [2, 4]", [&] { bce_with_logits(x, y); }},
      {"kl_div: shapes differ: [2, 3] and [2, 4]", [&] { kl_div(x, y); }},
      // wrong dimension
      {"mean: dimension 2 is outside [-2, 2)", [&] { mean(x, {2}); }},
      {"mean: dimension 1 is named twice",
       [&] {
         mean(x, {1, -1});
       }},
      {"stddev: dimension 2 is outside [-2, 2)", [&] { stddev(x, {2}); }},
      {"any: dimension 2 is outside [-2, 2)", [&] { any(mask, {2}); }},
      {"all: dimension 1 is named twice",
       [&] {
         all(mask, {1, 1});
       }},
      {"index_select: dimension 2 is outside [-2, 2)", [&] { index_select(x, 2, ids); }},
      {"select: dimension 2 is outside [-2, 2)", [&] { select(x, 2, 0); }},
      {"squeeze: dimension 2 is outside [-2, 2)", [&] { squeeze(x, 2); }},
      {"stack: dimension 3 is outside [-3, 3)",
       [&] {
         stack({x, x}, 3);
       }},
      {"sort: dimension 2 is outside [-2, 2)", [&] { sort(x, 2); }},
      {"floor_divide: a whole number is divided by 0", [&] { floor_divide(arange(3), 0); }},
      {"remainder: a whole number is divided by 0", [&] { arange(3) % arange(3); }},
      {"isclose: a tolerance is at least 0, got -1 and 0", [&] { isclose(x, x, -1, 0); }},
      {"topk: dimension 2 is outside [-2, 2)", [&] { topk(x, 1, 2); }},
      {"split: dimension 2 is outside [-2, 2)", [&] { split(x, {2}, 2); }},
      {"chunk: dimension 2 is outside [-2, 2)", [&] { chunk(x, 2, 2); }},
      {"softmax: dimension 2 is outside [-2, 2)", [&] { softmax(x, 2); }},
      {"transpose: dimension 2 is outside [-2, 2)", [&] { transpose(x, 2); }},
      // wrong index or number
      {"index_select: index 7 is outside 0..2 of dimension 1 of [2, 3]", [&] { index_select(x, 1, far); }},
      {"one_hot: index 7 is outside 0..3 of dimension 0 of [4]", [&] { one_hot(far, 4); }},
      {"one_hot: classes must be at least 1, got -1", [&] { one_hot(ids, -1); }},
      {"select: index 2 is outside [-2, 2) of dimension 0 of [2, 3]", [&] { select(x, 0, 2); }},
      {"nll_loss: index 7 is outside 0..2 of dimension 1 of [2, 3]", [&] { nll_loss(x, far); }},
      {"cross_entropy: target 7 out of range for 3 classes",
       [&] { cross_entropy(x, far, {.class_weights = ones({3})}); }},
      {"linear_cross_entropy: target 7 out of range for 2 classes",
       [&] { linear_cross_entropy(x, x, {}, far, {.class_weights = ones({2})}); }},
      {"layer_norm: eps -1 is outside [0, inf)", [&] { layer_norm(x, ones({3}), ones({3}), -1); }},
      {"rms_norm: eps nan is outside [0, inf)", [&] { rms_norm(x, ones({3}), NAN); }},
      {"batch_norm: eps nan is outside [0, inf)", [&] { batch_norm(x, ones({3}), ones({3}), NAN); }},
  };
  for (const Refusal& refusal : refusals) {
    SCOPED_TRACE(refusal.text);
    EXPECT_THAT(refusal.call, testing::ThrowsMessage<Error>(testing::StartsWith(refusal.text)));
  }
}

// What is made of the two-dimensional forms speaks of sequences.
TEST(OpErrors, OpsOnSequencesShowTheirOwnShapes) {
  const Tensor x = zeros({1, 2, 2}), w = zeros({3, 2, 3});
  EXPECT_ERROR(DTypeError, "conv1d: takes f32 or f64, got i64",
               conv1d(zeros({1, 2, 4}, kI64), zeros({3, 2, 3}, kI64)));
  EXPECT_ERROR(DTypeError, "conv2d: takes f32 or f64, got i64",
               conv2d(zeros({1, 2, 4, 4}, kI64), zeros({3, 2, 3, 3}, kI64)));
  EXPECT_ERROR(DTypeError, "conv_transpose2d: takes f32 or f64, got i64",
               conv_transpose2d(zeros({1, 2, 4, 4}, kI64), zeros({2, 2, 3, 3}, kI64)));
  EXPECT_ERROR(DTypeError, "conv1d: dtypes differ: f32[1, 2, 2] and f64[3, 2, 3]",
               conv1d(x, zeros({3, 2, 3}, kF64)));
  EXPECT_ERROR(ShapeError, "conv1d: channels differ: [1, 2, 2] with a weight [3, 1, 3] in 1 groups",
               conv1d(x, zeros({3, 1, 3})));
  EXPECT_ERROR(ShapeError, "conv1d: a window of 3 does not fit length of [1, 2, 2] with padding 0",
               conv1d(x, w));
  EXPECT_ERROR(ShapeError, "conv1d: takes [B, C, L] and a weight of 3 dimensions, got [2, 2] and [3, 2, 3]",
               conv1d(zeros({2, 2}), w));
  EXPECT_ERROR(ShapeError, "conv2d: a window of 3 does not fit width of [1, 2, 4, 2] with padding 0",
               conv2d(zeros({1, 2, 4, 2}), zeros({3, 2, 3, 3})));
  EXPECT_ERROR(ShapeError, "max_pool1d: a window of 3 does not fit length of [1, 2, 2] with padding 0",
               max_pool1d(x, 3));
  EXPECT_ERROR(ShapeError, "avg_pool1d: a window of 3 does not fit length of [1, 2, 2] with padding 0",
               avg_pool1d(x, 3));
  EXPECT_ERROR(ValueError, "max_pool1d: padding 2 is more than half of the window 2", max_pool1d(x, 2, 1, 2));
  EXPECT_ERROR(ValueError, "max_pool2d: padding 0, 2 is more than half of the window 2, 2",
               max_pool2d(zeros({1, 2, 4, 4}), 2, {.padding = {0, 2}}));
}

// A result that there is no memory for.
TEST(OpErrors, TooLargeAResultIsToldByTheOp) {
#if !HEED_ASAN && !HEED_TSAN  // whose own allocators end the program here
  const int64_t n = int64_t{1} << 50;
  const Tensor x = expand(ones({1}), {n}), leaf = expand(ones({1}), {n}),
               mask = expand(zeros({1}, DType::boolean), {n});
  const Tensor wanting = expand(ones({1}).set_requires_grad(true), {n});
  const std::vector<std::pair<std::string, std::function<void()>>> calls = {
      {"exp", [&] { exp(x); }},
      {"exp", [&] { exp(wanting); }},
      {"add", [&] { x + leaf; }},
      {"affine", [&] { x * 2.0; }},
      {"gelu", [&] { gelu(x, GeluForm::tanh); }},
      {"pow", [&] { pow(x, 2.5); }},
      {"softmax", [&] { softmax(x); }},
      {"sort", [&] { sort(x); }},
      {"topk", [&] { topk(x, 3); }},
      {"argmax",
       [&] {
         argmax(expand(x, {2, n}), 0);
       }},
      {"cumsum", [&] { cumsum(x, 0); }},
      {"concat",
       [&] {
         concat({x, x}, 0);
       }},
      {"stack",
       [&] {
         stack({x, x}, 0);
       }},
      {"clone", [&] { x.clone(); }},
      {"to", [&] { x.to(kF64); }},
      {"cast", [&] { cast(x, kF64); }},
      {"dropout", [&] { dropout(x, 0.5); }},
      {"outer", [&] { outer(x, ones({2})); }},
      {"eq", [&] { eq(x, x); }},
      {"logical_not", [&] { logical_not(mask); }},
      {"where", [&] { where(mask, x, x); }},
      {"masked_fill", [&] { masked_fill(x, mask, 0); }},
      {"any", [&] { any(mask); }},
      {"pad",
       [&] {
         pad(ones({1}), {{0, n}});
       }},
      {"tril",
       [&] {
         tril(expand(x, {1, n}));
       }},
      {"bernoulli", [&] { bernoulli({n}, 0.5); }},
  };
  for (const auto& [op, call] : calls) {
    SCOPED_TRACE(op);
    EXPECT_THAT(call, testing::ThrowsMessage<MemoryError>(
                          testing::AllOf(testing::StartsWith(op + ": "), testing::HasSubstr(" needs "),
                                         testing::EndsWith("than the system gives"))));
  }
#endif
  const Tensor tall = expand(ones({1}), {int64_t{1} << 40, 1}), flat = expand(ones({1}), {int64_t{1} << 40});
  EXPECT_ERROR(ShapeError, "add: too many elements in [1099511627776, 1099511627776]", tall + flat);
  EXPECT_ERROR(ShapeError, "outer: too many elements in [1099511627776, 1099511627776]", outer(flat, flat));
  EXPECT_ERROR(ShapeError, "bernoulli: too many elements in [1099511627776, 1099511627776]",
               bernoulli({int64_t{1} << 40, int64_t{1} << 40}, 0.5));
}

// Every op that takes a number of elements, a position or a width, given one beyond all memory or below 0: an
// answer or an Error that names the op, at once.
TEST(OpErrors, NumbersBeyondMemory) {
#if !HEED_ASAN && !HEED_TSAN  // whose own allocators end the program here
  const Tensor x = ones({4}), matrix = ones({2, 3}), image = ones({1, 1, 2, 2}), weight = ones({1, 1, 1, 1}),
               one = from_vector(std::vector<int64_t>{0}, {1}), none = ones({0});
  using Call = std::function<void(int64_t)>;
  const std::vector<std::pair<std::string, Call>> calls = {
      {"zeros", [&](int64_t n) { zeros({n}); }},
      {"ones",
       [&](int64_t n) {
         ones({n, n});
       }},
      {"full",
       [&](int64_t n) {
         full({0, n, n}, 1);
       }},
      {"uniform", [&](int64_t n) { uniform({n}, 0, 1); }},
      {"randn",
       [&](int64_t n) {
         randn({2, n});
       }},
      {"eye", [&](int64_t n) { eye(n); }},
      {"arange", [&](int64_t n) { arange(n); }},
      {"linspace", [&](int64_t n) { linspace(0, 1, n); }},
      {"randint", [&](int64_t n) { randint(0, 5, {n}); }},
      {"randperm", [&](int64_t n) { randperm(n); }},
      {"multinomial", [&](int64_t n) { multinomial(x, n, true); }},
      {"one_hot", [&](int64_t n) { one_hot(one, n); }},
      {"expand",
       [&](int64_t n) {
         expand(ones({1, 1, 1}), {n, n, n}).clone();
       }},
      {"expand",
       [&](int64_t n) {
         expand(ones({1}), {0, n, n});
       }},
      {"reshape",
       [&](int64_t n) {
         reshape(x, {n, n, -1});
       }},
      {"reshape",
       [&](int64_t n) {
         reshape(none, {0, n, n});
       }},
      {"unflatten",
       [&](int64_t n) {
         unflatten(x, 0, {n, n});
       }},
      {"repeat",
       [&](int64_t n) {
         repeat(x, {n, n});
       }},
      {"tile",
       [&](int64_t n) {
         tile(matrix, {n, 2});
       }},
      {"repeat_interleave", [&](int64_t n) { repeat_interleave(x, n, 0); }},
      {"repeat_interleave",
       [&](int64_t n) {
         repeat_interleave(ones({2}), from_vector(std::vector<int64_t>{n, n}, {2}), 0);
       }},
      {"roll", [&](int64_t n) { roll(x, {n}, {0}); }},
      {"diagonal", [&](int64_t n) { diagonal(matrix, n); }},
      {"diag", [&](int64_t n) { diag(x, n); }},
      {"tril", [&](int64_t n) { tril(matrix, n); }},
      {"triu", [&](int64_t n) { triu(matrix, n); }},
      {"pad",
       [&](int64_t n) {
         pad(x, {{n, n}});
       }},
      {"slice", [&](int64_t n) { slice(x, 0, n, n); }},
      {"slice", [&](int64_t n) { slice(x, 0, 0, 4, n); }},
      {"select", [&](int64_t n) { select(x, 0, n); }},
      {"split",
       [&](int64_t n) {
         split(x, {n, n, n, n}, 0);
       }},
      {"chunk", [&](int64_t n) { chunk(x, n, 0); }},
      {"topk", [&](int64_t n) { topk(x, n); }},
      {"embedding", [&](int64_t n) { embedding(matrix, one, n); }},
      {"interpolate",
       [&](int64_t n) {
         interpolate(image, {n, 1});
       }},
      {"interpolate",
       [&](int64_t n) {
         interpolate(image, {1, n}, Interpolation::bilinear);
       }},
      {"adaptive_avg_pool2d",
       [&](int64_t n) {
         adaptive_avg_pool2d(ones({0, 1, 2, 2}), {n, 1});
       }},
      {"adaptive_max_pool2d",
       [&](int64_t n) {
         adaptive_max_pool2d(image, {n, n});
       }},
      {"max_pool2d", [&](int64_t n) { max_pool2d(image, n); }},
      {"avg_pool2d", [&](int64_t n) { avg_pool2d(image, 1, {.stride = n, .padding = n}); }},
      {"conv2d", [&](int64_t n) { conv2d(image, weight, {}, {.padding = n}); }},
      {"conv2d", [&](int64_t n) { conv2d(image, weight, {}, {.dilation = n}); }},
      {"group_norm", [&](int64_t n) { group_norm(image, n); }},
  };
  for (const auto& [op, call] : calls) {
    for (const int64_t n : {int64_t{1} << 50, int64_t{1} << 61, INT64_MAX, int64_t{-1}, INT64_MIN}) {
      SCOPED_TRACE(fmt::format("{}, {}", op, n));
      try {
        call(n);
      } catch (const Error& e) {
        EXPECT_EQ(e.op(), op);
      }
    }
  }
#endif
}

TEST(OpErrors, AHooksOwnTypeIsNotSliced) {
  struct Mine : ShapeError {
    using ShapeError::ShapeError;
  };
  struct Watch : BackwardHook {
    void computed(const Node&, std::span<const Tensor>, std::span<const Tensor>) override {
      throw Mine("sum: mine");
    }
  };
  const Watch watch;
  const Tensor x = ones({2, 3}).set_requires_grad(true);
  EXPECT_ERROR(Mine, "sum: mine", mean(x));
}

TEST(OpErrors, AHooksOwnErrorKeepsItsText) {
  struct Watch : BackwardHook {
    void computed(const Node&, std::span<const Tensor>, std::span<const Tensor>) override {
      throw ValueError("watch: enough");
    }
  };
  const Watch watch;
  const Tensor x = ones({2, 3}).set_requires_grad(true);
  EXPECT_ERROR(ValueError, "watch: enough", mean(x));
}

// Every op of the registry, handed an undefined tensor in the place of each of its inputs in turn: it names
// itself, or it takes none there (an optional bias). Some samples call another op first, which then names
// itself. Those of cast and dropout do not call the public function, and those of weighted cross-entropy ask
// for a dtype themselves.
TEST(OpErrors, AnUndefinedTensorIsRefusedByTheOpsName) {
  const std::string rest = ": the tensor is undefined, it was never given a value";
  EXPECT_ERROR(ValueError, "cast" + rest, cast(Tensor{}, kF64));
  EXPECT_ERROR(ValueError, "dropout" + rest, dropout(Tensor{}, 0.5));
  EXPECT_ERROR(ValueError, "dropout" + rest, dropout(Tensor{}, 0.5, /*training=*/false));
  EXPECT_ERROR(ValueError, "cross_entropy" + rest,
               cross_entropy(Tensor{}, zeros({2}, kI64), {.class_weights = ones({3})}));
  std::set<std::string> names, asked;
  for (const OpInfo& op : op_registry()) {
    const std::string row = op.name;
    names.insert(row == "pow_scalar" ? "pow" : row == "gelu_tanh" ? "gelu" : row);
  }
  std::set<std::string> named_themselves;
  for (const OpInfo& op : op_registry()) {
    const std::string row = op.name;
    if (row == "cast" || row == "dropout") continue;
    for (const OpSample& sample : op.make_samples()) {
      if (row == "cross_entropy" && sample.torch.find("torch.tensor") != std::string::npos) continue;
      const std::vector<Tensor> inputs = sample.make_inputs(DType::f32);
      for (size_t i = 0; i < inputs.size(); ++i) {
        if (row != "clone") asked.insert(row);
        std::vector<Tensor> given = inputs;
        given[i] = Tensor{};
        SCOPED_TRACE(fmt::format("{}, input {}", sample.key, i));
        try {
          sample.run(given);
        } catch (const ValueError& error) {
          const std::string text = error.what();
          ASSERT_TRUE(text.ends_with(rest)) << text;
          const std::string by = text.substr(0, text.size() - rest.size());
          if (text == "shape" + rest && row == "clone") continue;  // Tensor::contiguous()
          EXPECT_TRUE(names.contains(by)) << text;
          if (by == row || (row == "pow_scalar" && by == "pow") || (row == "gelu_tanh" && by == "gelu"))
            named_themselves.insert(row);
        } catch (const ShapeError& error) {  // it may be left out, and then another one does not fit
          EXPECT_TRUE(std::string(error.what()).starts_with(row + ": ")) << error.what();
        }
      }
    }
  }
  EXPECT_GT(asked.size(), 90U);
  for (const std::string& row : asked) EXPECT_TRUE(named_themselves.contains(row)) << row;
}

}  // namespace
}  // namespace heed
