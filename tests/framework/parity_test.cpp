// Every registered op against values that PyTorch gave (tests/parity/values.json), forward and gradients, in
// f64 and in f32.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "framework/framework.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

const nlohmann::json& stored() {
  static const nlohmann::json all =
      nlohmann::json::parse(read_file(HEED_SOURCE_DIR "/tests/parity/values.json"));
  return all["samples"];
}

Shape shape_of(const nlohmann::json& item) {
  return Shape(std::span<const int64_t>(item["shape"].get<std::vector<int64_t>>()));
}

struct Tally {
  int64_t values = 0;
  double largest = 0;  // |got - wanted| / (1 + |wanted|)
};

struct Tolerance {
  double rtol, atol;
};

// torch.testing.assert_close's tolerances.
Tolerance tolerance(DType dtype) {
  return dtype == DType::f64 ? Tolerance{1e-7, 1e-7} : Tolerance{1.3e-6, 1e-5};
}

void compare(const std::string& what, const Tensor& got, const nlohmann::json& wanted, Tolerance tolerance,
             Tally& tally) {
  ASSERT_EQ(got.shape(), shape_of(wanted)) << what;
  const auto x = got.to(DType::f64).to_vector<double>();
  const auto y = wanted["values"].get<std::vector<double>>();
  ASSERT_EQ(x.size(), y.size()) << what;
  for (size_t i = 0; i < x.size(); ++i) {
    const double error = std::abs(x[i] - y[i]);
    ++tally.values;
    tally.largest = std::max(tally.largest, error / (1 + std::abs(y[i])));
    EXPECT_LE(error, tolerance.atol + tolerance.rtol * std::abs(y[i]))
        << what << " element " << i << ": " << x[i] << ", PyTorch " << y[i];
  }
}

void check_sample(const OpSample& sample, DType dtype, Tally& tally) {
  ASSERT_TRUE(stored().contains(sample.key))
      << sample.key << " has no stored value: run tests/parity/make_values.py";
  const nlohmann::json& value = stored()[sample.key];
  ASSERT_EQ(value["torch"].get<std::string>(), sample.torch)
      << sample.key << ": run tests/parity/make_values.py again";
  const std::vector<Tensor> inputs = sample.make_inputs(dtype);
  ASSERT_EQ(inputs.size(), value["inputs"].size()) << sample.key;
  for (size_t i = 0; i < inputs.size(); ++i) {
    Tally ignored;
    compare(sample.key + " stored input " + std::to_string(i), inputs[i], value["inputs"][i], {2e-8, 0},
            ignored);  // nine digits
    if (is_floating(dtype) && is_floating(inputs[i].dtype())) inputs[i].set_requires_grad(true);
  }
  const std::vector<Tensor> outputs = sample.run(inputs);
  ASSERT_EQ(outputs.size(), value["outputs"].size()) << sample.key;
  const Tolerance close = tolerance(dtype);
  std::vector<Tensor> weights, weighed, wanted;
  double phase = 0.3;  // the weights of gradcheck's loss
  for (size_t i = 0; i < outputs.size(); ++i) {
    compare(sample.key + " output " + std::to_string(i), outputs[i], value["outputs"][i], close, tally);
    if (is_floating(dtype) && !outputs[i].requires_grad()) continue;
    const Tensor w = empty(outputs[i].shape(), DType::f64);
    for (int64_t k = 0; k < w.numel(); ++k)
      w.data<double>()[k] = 0.5 + std::cos(1.7 * static_cast<double>(k) + phase);
    weights.push_back(w.to(outputs[i].dtype()));
    weighed.push_back(outputs[i]);
    phase += 0.9;
  }
  for (const Tensor& x : inputs) {
    if (x.requires_grad() && !weighed.empty()) wanted.push_back(x);
  }
  const std::vector<Tensor> gradients =
      weighed.empty() ? std::vector<Tensor>{} : grad(weighed, wanted, weights);
  ASSERT_EQ(gradients.size(), value["gradients"].size()) << sample.key;
  for (size_t i = 0; i < gradients.size(); ++i) {
    compare(sample.key + " gradient " + std::to_string(i), gradients[i], value["gradients"][i], close, tally);
  }
}

void check_all(DType dtype) {
  Tally tally;
  int samples = 0;
  for (const OpInfo& op : op_registry()) {
    for (const OpSample& sample : op.make_samples()) {
      if (sample.torch.empty()) continue;
      ++samples;
      check_sample(sample, dtype, tally);
    }
  }
  testing::Test::RecordProperty("values_compared", std::to_string(tally.values));
  testing::Test::RecordProperty("largest_difference", fmt::format("{:.2g}", tally.largest));
  std::printf(
      "PyTorch parity, %s: %d samples, %lld values compared, largest difference %.2g (relative to 1 + "
      "|value|)\n",
      name_of(dtype), samples, static_cast<long long>(tally.values), tally.largest);
}

TEST(Parity, OutputsAndGradientsMatchPyTorchInF64) { check_all(DType::f64); }
TEST(Parity, OutputsAndGradientsMatchPyTorchInF32) { check_all(DType::f32); }

TEST(Parity, ASampleWithoutAnExpressionSaysWhy) {
  for (const OpInfo& op : op_registry()) {
    for (const OpSample& sample : op.make_samples()) {
      EXPECT_TRUE(!sample.torch.empty() || !sample.reason.empty()) << sample.key;
    }
  }
}

TEST(Parity, NoStoredValueIsLeftOver) {
  std::set<std::string> keys;
  for (const OpInfo& op : op_registry()) {
    for (const OpSample& sample : op.make_samples()) {
      if (!sample.torch.empty()) keys.insert(sample.key);
    }
  }
  for (const auto& [key, value] : stored().items())
    EXPECT_TRUE(keys.contains(key)) << key << " is stored and no sample any more";
}

}  // namespace
}  // namespace heed
