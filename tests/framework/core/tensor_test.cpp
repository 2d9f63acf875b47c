// Tensors and views: strides, hidden copies, in-place writes, conversions, and the texts of what they refuse.
#include "framework/core/tensor.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "framework/core/sanitizers.h"
#include "framework/framework.h"
#include "tests/testing/close.h"
#include "tests/testing/throws.h"

namespace heed {
namespace {

Tensor counting(const Shape& shape) { return reshape(arange(shape.numel(), DType::f32), shape); }

TEST(Shape, HoldsUpToSixExtents) {
  EXPECT_EQ(Shape({3, 4}).str(), "[3, 4]");
  EXPECT_EQ(Shape().str(), "[]");
  EXPECT_EQ(Shape().numel(), 1);
  EXPECT_EQ(Shape({3, 0, 2}).numel(), 0);
  EXPECT_EQ(contiguous_strides({2, 3, 4}), (Shape{12, 4, 1}));
  EXPECT_EQ((Shape{2, 3, 4}).without(1), (Shape{2, 4}));
  EXPECT_EQ((Shape{2, 3, 4}).with(1, 7), (Shape{2, 7, 4}));
  EXPECT_ERROR(ShapeError, "shape: more than 6 dimensions", (Shape{1, 1, 1, 1, 1, 1, 1}));
}

TEST(Shape, BroadcastsAsNumPyDoes) {
  EXPECT_EQ(broadcast_shapes("op", {2, 1, 4}, {3, 1}), (Shape{2, 3, 4}));
  EXPECT_EQ(broadcast_shapes("op", {}, {2, 2}), (Shape{2, 2}));
  EXPECT_EQ(broadcast_shapes("op", {0, 4}, {1, 4}), (Shape{0, 4}));
  EXPECT_EQ(broadcast_shapes("op", {1}, {0}), (Shape{0}));
  EXPECT_ERROR(ShapeError, "op: shapes do not broadcast: [2, 3] and [2]",
               broadcast_shapes("op", {2, 3}, {2}));
  EXPECT_ERROR(ShapeError, "op: shapes do not broadcast: [0] and [2]", broadcast_shapes("op", {0}, {2}));
}

TEST(Shape, DimensionsCountFromBothEnds) {
  EXPECT_EQ(wrap_dim("op", -1, 3), 2);
  EXPECT_EQ(wrap_dim("op", 0, 3), 0);
  EXPECT_ERROR(IndexError, "op: dimension 3 is outside [-3, 3)", wrap_dim("op", 3, 3));
  EXPECT_ERROR(IndexError, "op: dimension -1 is outside [0, 0)", wrap_dim("op", -1, 0));
}

TEST(Tensor, CopiesOfTheHandleShareTheValues) {
  const Tensor a = zeros({2}), b = a, c = a.clone();
  a.fill_(3);
  EXPECT_EQ(b.to_vector<float>(), (std::vector<float>{3, 3}));
  EXPECT_EQ(c.to_vector<float>(), (std::vector<float>{0, 0}));
}

TEST(Tensor, ViewsAreViews) {
  const Tensor x = counting({2, 3, 4});
  const auto same = [&](const Tensor& y) { return y.body()->storage.get() == x.body()->storage.get(); };
  EXPECT_TRUE(same(transpose(x)) && same(slice(x, 1, 1, 3)) && same(select(x, 0, 1)) &&
              same(unsqueeze(x, 0)));
  EXPECT_TRUE(same(reshape(x, {6, 4})) && same(expand(unsqueeze(x, 0), {5, 2, 3, 4})) && same(x.detach()));
  EXPECT_EQ(transpose(x, 0, 2).strides(), (Shape{1, 4, 12}));
  EXPECT_EQ(transpose(x, 0, 2).to_vector<float>()[5], 20);  // [0, 2, 1] of the transpose is [1, 2, 0] of x
  EXPECT_EQ(slice(x, 1, 1, 2).to_vector<float>(), (std::vector<float>{4, 5, 6, 7, 16, 17, 18, 19}));
  EXPECT_EQ(select(select(x, 0, 1), 1, 2).to_vector<float>(), (std::vector<float>{14, 18, 22}));
  EXPECT_EQ(expand(counting({3, 1}), {2, 3, 2}).to_vector<float>(),
            (std::vector<float>{0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2}));
}

TEST(Tensor, ContiguousCopiesOnlyWhatIsNotAndCountsIt) {
  const Tensor x = counting({3, 4});
  const int64_t before = contiguous_copies();
  EXPECT_EQ(x.contiguous().body(), x.body());
  EXPECT_EQ(slice(x, 0, 1, 3).contiguous().raw_data(), x.data<float>() + 4);  // whole rows are dense
  EXPECT_EQ(contiguous_copies(), before);
  const Tensor y = transpose(x).contiguous();
  EXPECT_EQ(contiguous_copies(), before + 1);
  EXPECT_TRUE(y.is_contiguous());
  EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11}));
}

TEST(Tensor, ExtentsOfOneDoNotSpoilContiguity) {
  EXPECT_TRUE(transpose(counting({1, 4})).is_contiguous());
  EXPECT_TRUE(make_view(counting({4}), {4, 1}, {1, 77}, 0).is_contiguous());
  EXPECT_TRUE(make_view(counting({4}), {0, 2}, {9, 9}, 0).is_contiguous());
  EXPECT_FALSE(make_view(counting({4}), {2}, {2}, 0).is_contiguous());
}

TEST(Tensor, CopyWritesThroughAView) {
  const Tensor x = zeros({2, 3});
  transpose(x).copy_(counting({3, 2}));
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{0, 2, 4, 1, 3, 5}));
  slice(x, 1, 1, 2).fill_(9);
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{0, 9, 4, 1, 9, 5}));
  EXPECT_ERROR(ShapeError, "copy_: f32[2] into f32[2, 3]", x.copy_(zeros({2})));
  EXPECT_ERROR(ShapeError, "copy_: f64[2, 3] into f32[2, 3]", x.copy_(zeros({2, 3}, DType::f64)));
}

TEST(Tensor, ToConvertsValues) {
  const Tensor x = from_vector(std::vector<double>{1.75, -2.5, 1e10}, {3});
  EXPECT_EQ(x.to(DType::f32).to_vector<float>(), (std::vector<float>{1.75F, -2.5F, 1e10F}));
  EXPECT_EQ(x.to(DType::i64).to_vector<int64_t>(), (std::vector<int64_t>{1, -2, 10'000'000'000}));
  EXPECT_EQ(x.to(DType::f64).body(), x.body());
  EXPECT_EQ(transpose(counting({2, 2})).to(DType::f64).to_vector<double>(),
            (std::vector<double>{0, 2, 1, 3}));
}

TEST(Tensor, EmptyOnesAreOrdinary) {
  const Tensor x = zeros({0, 3});
  EXPECT_EQ(x.numel(), 0);
  EXPECT_TRUE(x.to_vector<float>().empty());
  EXPECT_EQ(sum(x, {0}).to_vector<float>(), (std::vector<float>{0, 0, 0}));
  EXPECT_EQ(concat(std::vector{x, counting({1, 3})}, 0).shape(), (Shape{1, 3}));
}

TEST(Tensor, MoreThanThereIsSaysSo) {
#if !HEED_ASAN && !HEED_TSAN  // whose own allocators end the program here
  const int64_t n = int64_t{1} << 50;
  const MemoryStats before = memory_stats();
  EXPECT_ERROR(MemoryError,
               "empty: f32[1125899906842624] needs 4503599627370496 bytes, more than the system gives",
               empty({n}));
  EXPECT_ERROR(MemoryError,
               "zeros: f64[2, 1125899906842624] needs 18014398509481984 bytes, more than the system gives",
               zeros({2, n}, DType::f64));
  EXPECT_ERROR(MemoryError,
               "ones: bool[1125899906842624] needs 1125899906842624 bytes, more than the system gives",
               ones({n}, DType::boolean));
  EXPECT_ERROR(MemoryError,
               "full: i64[1125899906842624] needs 9007199254740992 bytes, more than the system gives",
               full({n}, 3, DType::i64));
  EXPECT_ERROR(MemoryError,
               "arange: i64[1125899906842624] needs 9007199254740992 bytes, more than the system gives",
               arange(n));
  EXPECT_ERROR(MemoryError,
               "eye: f32[1125899906842624, 1] needs 4503599627370496 bytes, more than the system gives",
               eye(n, 1));
  EXPECT_ERROR(MemoryError,
               "affine: f32[1125899906842624] needs 4503599627370496 bytes, more than the system gives",
               expand(ones({1}), {n}) * 2.0);
  EXPECT_ERROR(MemoryError, "memory: 1125899906842624 bytes wanted, more than the system gives",
               pool_allocate(size_t{1} << 50));
  EXPECT_EQ(memory_stats().active_bytes, before.active_bytes);  // nothing is lost on the way
#endif
  EXPECT_ERROR(MemoryError, fmt::format("memory: {} bytes wanted, more than the system gives", SIZE_MAX),
               pool_allocate(SIZE_MAX));
  EXPECT_ERROR(ShapeError, "zeros: too many elements in [2305843009213693952]", zeros({int64_t{1} << 61}));
  EXPECT_ERROR(ShapeError, "empty: too many elements in [1099511627776, 1099511627776]",
               empty({int64_t{1} << 40, int64_t{1} << 40}));
  EXPECT_ERROR(ShapeError, "empty: too many elements in [0, 1099511627776, 1099511627776]",
               empty({0, int64_t{1} << 40, int64_t{1} << 40}));
}

TEST(Tensor, WhatItRefuses) {
  const Tensor x = zeros({2, 3});
  EXPECT_ERROR(ShapeError, "item: needs one element, got [2, 3]", x.item());
  EXPECT_ERROR(DTypeError, "data: asked for f64, the tensor is f32[2, 3]", x.data<double>());
  EXPECT_ERROR(DTypeError, "data: the tensor is undefined", Tensor{}.data<float>());
  EXPECT_ERROR(ValueError, "linear: the tensor is undefined, it was never given a value",
               linear(Tensor{}, x));
  EXPECT_ERROR(ValueError, "dtype: the tensor is undefined, it was never given a value", Tensor{}.dtype());
  EXPECT_ERROR(IndexError, "size: dimension 2 is outside [-2, 2)", x.size(2));
  EXPECT_ERROR(ShapeError, "from_vector: 2 values for shape [3]", from_vector(std::vector<float>{1, 2}, {3}));
  EXPECT_ERROR(ShapeError, "empty: negative extent in [2, -1]", empty({2, -1}));
  EXPECT_ERROR(DTypeError, "uniform: takes f32 or f64, got i64", uniform({2}, 0, 1, DType::i64));
  EXPECT_ERROR(DTypeError, "randn: takes f32 or f64, got i64", randn({2}, DType::i64));
}

}  // namespace
}  // namespace heed
