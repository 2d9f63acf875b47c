// Tensors as text: Tensor::str(), operator<< and {fmt}.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>
#include <vector>

#include "framework/format.h"
#include "framework/framework.h"

namespace heed {
namespace {

Tensor floats(std::vector<float> values, const Shape& shape) { return from_vector(values, shape); }

TEST(Print, ValuesWithTheirTypeAndShape) {
  EXPECT_EQ(floats({1.5, -2}, {2}).str(), "[ 1.5000, -2.0000]  f32[2]");
  EXPECT_EQ(floats({1, -2, 30}, {3}).str(), "[ 1., -2., 30.]  f32[3]");
  EXPECT_EQ(full({}, 2.5, DType::f64).str(), "2.5000  f64[]");
  EXPECT_EQ(from_vector(std::vector<int64_t>{5, -17}, {2}).str(), "[  5, -17]  i64[2]");
  EXPECT_EQ(from_vector(std::vector<int64_t>{9007199254740993}, {1}).str(), "[9007199254740993]  i64[1]");
  EXPECT_EQ((floats({1, -1}, {2}) > 0).str(), "[ true, false]  bool[2]");
  EXPECT_EQ(Tensor().str(), "undefined");
  EXPECT_EQ(zeros({0, 3}).str(), "[]  f32[0, 3]");
  EXPECT_EQ(zeros({1'000'000'000, 0}).str(), "[]  f32[1000000000, 0]");
  EXPECT_EQ(floats({1, 2, 3, 4}, {2, 2}).str(), "[[1., 2.],\n [3., 4.]]\nf32[2, 2]");
  EXPECT_EQ(zeros({2, 1, 2}).str(), "[[[0., 0.]],\n\n [[0., 0.]]]\nf32[2, 1, 2]");
}

TEST(Print, NumbersThatNoFixedPointHolds) {
  EXPECT_EQ(floats({NAN, INFINITY, -INFINITY, 1}, {4}).str(), "[ nan,  inf, -inf,   1.]  f32[4]");
  EXPECT_EQ(full({1}, -NAN).str(), "[nan]  f32[1]");
  EXPECT_EQ(floats({1e-7F, 2}, {2}).str(), "[1.0000e-07, 2.0000e+00]  f32[2]");
  EXPECT_EQ(floats({3e9F}, {1}).str(), "[3.0000e+09]  f32[1]");
  EXPECT_EQ(floats({0, 0.25}, {2}).str(), "[0.0000, 0.2500]  f32[2]");
}

TEST(Print, LongOnesAreShortened) {
  EXPECT_EQ(arange(1001, DType::i64).str(), "[   0,    1,    2, ...,  998,  999, 1000]  i64[1001]");
  const std::string wide = zeros({40, 40}).str();
  EXPECT_EQ(wide.substr(0, wide.find('\n')), "[[0., 0., 0., ..., 0., 0., 0.],");
  EXPECT_NE(wide.find("\n ...,\n"), std::string::npos);
  EXPECT_EQ(std::count(wide.begin(), wide.end(), '\n'), 7);
}

TEST(Print, LongLinesAreWrapped) {
  const std::string text = zeros({30}).str();
  EXPECT_EQ(text.find('\n'), 76U);
  EXPECT_EQ(text.substr(text.rfind('\n')), "\nf32[30]");
}

TEST(Print, ViewsShowWhatTheyAre) {
  const Tensor x = floats({1, 2, 3, 4}, {2, 2}).set_requires_grad(true);
  EXPECT_EQ(transpose(x).str(), "[[1., 3.],\n [2., 4.]]\nf32[2, 2]");
}

TEST(Print, StreamsAndFormatters) {
  std::ostringstream out;
  out << floats({1}, {1}) << ' ' << Shape{2, 3} << ' ' << DType::i64;
  EXPECT_EQ(out.str(), "[1.]  f32[1] [2, 3] i64");
  EXPECT_EQ(fmt::format("{} {} {}", floats({1}, {1}), Shape{2, 3}, DType::boolean),
            "[1.]  f32[1] [2, 3] bool");
}

}  // namespace
}  // namespace heed
