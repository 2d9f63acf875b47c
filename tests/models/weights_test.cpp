// Weights in files: rounded, as int8 with scales, and whatever is wrong with such a file.
#include "models/run/weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <limits>

#include "framework/core/error.h"
#include "framework/core/random.h"
#include "framework/io/file.h"
#include "framework/ops/ops.h"
#include "tests/testing/throws.h"

namespace heed::models {
namespace {

class Weights : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(path_); }
  std::map<std::string, Tensor> there_and_back(const NamedTensors& weights, WeightType type) {
    save_weights(path_, weights, {{"format", "heed.model"}}, type);
    return map_weights(path_).tensors;
  }
  std::filesystem::path path_ = std::filesystem::temp_directory_path() /
                                ("heed-weights-" + std::to_string(::getpid()) + ".safetensors");
};

Tensor drawn(const Shape& shape, double size) {
  manual_seed(3);
  return uniform(shape, -size, size);
}

TEST_F(Weights, AreWhatTheyWereUpToTheirRounding) {
  const NamedTensors weights{
      {"matrix", drawn({7, 5}, 3)}, {"vector", drawn({6}, 1)}, {"cube", drawn({3, 4, 2}, 0.1)}};
  for (const auto& [type, relative] :
       {std::pair{WeightType::f32, 0.0}, std::pair{WeightType::f16, 1.0 / 2048},
        std::pair{WeightType::bf16, 1.0 / 256}}) {
    const auto found = there_and_back(weights, type);
    ASSERT_EQ(found.size(), 3U);
    for (const auto& [name, value] : weights) {
      const auto was = value.to_vector<float>(), now = found.at(name).to_vector<float>();
      EXPECT_EQ(found.at(name).shape(), value.shape());
      for (size_t i = 0; i < was.size(); ++i)
        EXPECT_LE(std::abs(was[i] - now[i]), relative * std::abs(was[i]))
            << name << " " << name_of_choice(type);
    }
  }
  const auto found = there_and_back(weights, WeightType::int8);
  EXPECT_EQ(found.at("vector").to_vector<float>(), weights[1].second.to_vector<float>());
  for (const char* name : {"matrix", "cube"}) {
    const Tensor& value = std::string(name) == "matrix" ? weights[0].second : weights[2].second;
    const auto was = value.to_vector<float>(), now = found.at(name).to_vector<float>();
    const size_t columns = was.size() / static_cast<size_t>(value.size(0));
    for (size_t row = 0; row < was.size() / columns; ++row) {
      float largest = 0;
      for (size_t i = row * columns; i < (row + 1) * columns; ++i)
        largest = std::max(largest, std::abs(was[i]));
      for (size_t i = row * columns; i < (row + 1) * columns; ++i)
        EXPECT_LE(std::abs(was[i] - now[i]), largest / 127 / 2 * 1.0001F) << name;
    }
  }
}

TEST_F(Weights, RowsOfZerosAndTheLargestStayWhatTheyAre) {
  const Tensor x = from_vector(std::vector<float>{0, 0, -2.54F, 2.54F, 1e-45F, 0}, {3, 2});
  const auto found = there_and_back({{"x", x}}, WeightType::int8).at("x").to_vector<float>();
  EXPECT_EQ(found[0], 0);
  EXPECT_FLOAT_EQ(found[2], -2.54F);
  EXPECT_FLOAT_EQ(found[3], 2.54F);
  EXPECT_EQ(found[4], 0);
  EXPECT_ERROR(
      ValueError, "weights: 'x' holds NaN or infinity",
      save_weights(path_, {{"x", from_vector(std::vector<float>{NAN}, {1, 1})}}, {}, WeightType::int8));
}

TEST_F(Weights, AnInt8TensorNeedsItsScaleAndAScaleItsTensor) {
  const auto error = [&](const NamedTensors& tensors) {
    write_file_atomically(path_, to_safetensors(tensors, {}, [](const std::string&, const Tensor& x) {
                            return x.dtype() == DType::i64 ? FileType::i8 : FileType::f32;
                          }));
    try {
      map_weights(path_);
    } catch (const FormatError& e) {
      return std::string(e.what()).substr(std::string("load '" + path_.string() + "': ").size());
    }
    return std::string("no error");
  };
  const Tensor x = from_vector(std::vector<int64_t>{1, -127}, {2, 1}),
               scale = from_vector(std::vector<float>{1, 2}, {2});
  EXPECT_EQ(error({{"x", x}, {"x:scale", scale}}), "no error");
  EXPECT_EQ(error({{"x", x}}), "'x' is stored as int8 without a scale");
  EXPECT_EQ(error({{"x:scale", scale}}), "'x:scale' is the scale of nothing");
  EXPECT_EQ(error({{"x", scale}, {"x:scale", scale}}), "'x:scale' is the scale of nothing");
  EXPECT_EQ(error({{"x", x}, {"x:scale", from_vector(std::vector<float>{1, 2, 3}, {3})}}),
            "'x' is I8[2, 1], its scale F32[3]");
  EXPECT_EQ(error({{"x", x}, {"x:scale", x}, {"x:scale:scale", scale}}),
            "'x' is I8[2, 1], its scale I8[2, 1]");
  const auto scaled = [&](float first, float second) {
    return error({{"x", x}, {"x:scale", from_vector(std::vector<float>{first, second}, {2})}});
  };
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(scaled(1, NAN), "'x:scale' is nan for row 1: a scale is finite and not negative");
  EXPECT_EQ(scaled(infinity, 1), "'x:scale' is inf for row 0: a scale is finite and not negative");
  EXPECT_EQ(scaled(1, -infinity), "'x:scale' is -inf for row 1: a scale is finite and not negative");
  EXPECT_EQ(scaled(-0.5F, 1), "'x:scale' is -0.5 for row 0: a scale is finite and not negative");
  EXPECT_EQ(scaled(1, 0), "'x:scale' is 0 for row 1, whose values are not");
  const Tensor zeros_below = from_vector(std::vector<int64_t>{1, 0}, {2, 1});
  EXPECT_EQ(error({{"x", zeros_below}, {"x:scale", from_vector(std::vector<float>{1, 0}, {2})}}), "no error");
}

}  // namespace
}  // namespace heed::models
