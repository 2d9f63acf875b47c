// An error's fields, and tensors in {fmt}.
#include <gtest/gtest.h>

#include "framework/format.h"
#include "framework/framework.h"
#include "framework/ops/naming.h"

namespace heed {
namespace {

template <class E, class F>
E thrown_by(const F& f) {
  try {
    f();
  } catch (const E& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return E("");
}

TEST(Error, CarriesOpAndDetail) {
  const auto error = thrown_by<ShapeError>([] { matmul(zeros({3, 4}), zeros({5, 6})); });
  EXPECT_EQ(error.op(), "matmul");
  EXPECT_EQ(error.detail(), "inner dimensions differ: [3, 4] x [5, 6]");
  EXPECT_STREQ(error.what(), "matmul: inner dimensions differ: [3, 4] x [5, 6]");
  const Error copy = error;
  EXPECT_EQ(copy.op(), "matmul");
  EXPECT_EQ(copy.detail(), error.detail());
}

TEST(Error, OfACompositionNamesTheComposition) {
  const auto error =
      thrown_by<IndexError>([] { detail::composed("mine", [] { return sum(zeros({2}), {3}); }); });
  EXPECT_EQ(error.op(), "mine");
  EXPECT_EQ(error.detail(), "dimension 3 is outside [-1, 1)");
}

TEST(Error, ATextWithAColonNamesNoOp) {
  const ValueError error("matmul: looks like one");
  EXPECT_EQ(error.op(), "");
  EXPECT_EQ(error.detail(), "matmul: looks like one");
  // a hook's, not an op's
  const auto same =
      thrown_by<ValueError>([&] { detail::composed("mine", [&]() -> Tensor { throw error; }); });
  EXPECT_STREQ(same.what(), "matmul: looks like one");
}

TEST(Format, TensorsShapesAndTypes) {
  EXPECT_EQ(fmt::format("{} of {} and {}", zeros({2}, DType::f64), Shape{2, 3}, DType::i64),
            "[0., 0.]  f64[2] of [2, 3] and i64");
  EXPECT_EQ(fmt::format("{:>12}|{}", Shape{4}, Tensor{}), "         [4]|undefined");
}

}  // namespace
}  // namespace heed
