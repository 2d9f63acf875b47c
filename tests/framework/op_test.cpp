// Every registered op, with no code of its own: gradients in f64 by finite differences, strided = contiguous,
// one thread = several.
#include <gtest/gtest.h>

#include "framework/autograd/gradcheck.h"
#include "framework/core/parallel.h"
#include "framework/framework.h"
#include "framework/ops/registry.h"
#include "tests/testing/close.h"
#include "tests/testing/layouts.h"

namespace heed {
namespace {

std::vector<OpSample> all_samples() {
  std::vector<OpSample> samples;
  for (const OpInfo& op : op_registry()) {
    for (OpSample& sample : op.make_samples()) samples.push_back(std::move(sample));
  }
  return samples;
}

class OpTest : public testing::TestWithParam<OpSample> {};

TEST_P(OpTest, GradientsMatchFiniteDifferences) {
  const OpSample& sample = GetParam();
  if (sample.max_order == 0) GTEST_SKIP() << sample.reason;
  const GradcheckResult result =
      gradcheck(sample.run, sample.make_inputs(DType::f64), {.order = sample.max_order, .max_elements = 300});
  EXPECT_TRUE(result) << result.message;
}

// A call's results, and the gradients that they and fixed cotangents give the leaves.
std::vector<Tensor> results_and_gradients(const OpSample& sample, const std::vector<Tensor>& inputs,
                                          const std::vector<Tensor>& leaves) {
  const std::vector<Tensor> y = sample.run(inputs);
  std::vector<Tensor> outputs, cotangents, wanted;
  for (const Tensor& output : y) {
    if (!output.requires_grad()) continue;
    outputs.push_back(output);
    cotangents.push_back(
        reshape(cos(arange(output.numel(), DType::f64) * 1.7) + 0.5, output.shape()).to(output.dtype()));
  }
  for (const Tensor& leaf : leaves) {
    if (leaf.requires_grad()) wanted.push_back(leaf);
  }
  std::vector<Tensor> all =
      outputs.empty() ? std::vector<Tensor>{} : grad(outputs, wanted, cotangents, {.allow_unused = true});
  for (const Tensor& output : y) all.push_back(output.detach());
  return all;
}

// All inputs, and each by itself, as views of a leaf against dense copies of these views: results, and
// gradients of the leaf.
void check_layout(const OpSample& sample, const Layout& layout, DType dtype) {
  const std::vector<Tensor> x = sample.make_inputs(dtype);
  for (size_t only = 0; only <= (x.size() > 1 ? x.size() : 0); ++only) {
    std::vector<Tensor> leaves, views, copies;
    for (size_t i = 0; i < x.size(); ++i) {
      const bool plain = only > 0 && i != only - 1;
      const Tensor leaf = plain ? x[i] : layout.storage(x[i]).detach();
      leaves.push_back(is_floating(leaf.dtype()) ? leaf.set_requires_grad(true) : leaf);
      views.push_back(plain ? leaf : layout.view(leaf, x[i].shape()));
      copies.push_back(plain ? leaf : views.back().clone());
    }
    const auto expected = results_and_gradients(sample, copies, leaves),
               got = results_and_gradients(sample, views, leaves);
    ASSERT_EQ(got.size(), expected.size());
    const double eps = dtype == DType::f64 ? 1e-15 : 5e-7;
    for (size_t i = 0; i < expected.size(); ++i) {
      ASSERT_EQ(got[i].defined(), expected[i].defined());
      if (!got[i].defined()) continue;
      double largest = 0;  // GEMM sums other strides in another order: its rounding goes by the largest terms
      for (const double v : expected[i].to(DType::f64).to_vector<double>())
        largest = std::max(largest, std::abs(v));
      EXPECT_TRUE(all_close(got[i], expected[i], 2 * eps, 2 * eps * (1 + largest)))
          << layout.name << ", " << name_of(dtype) << (only > 0 ? ", input " + std::to_string(only - 1) : "")
          << ": result " << i;
    }
  }
}

TEST_P(OpTest, StridedInputsGiveWhatContiguousOnesGive) {
  for (const Layout& layout : layouts()) {
    for (const DType dtype : {DType::f32, DType::f64}) check_layout(GetParam(), layout, dtype);
  }
}

// The results and the gradients of a loss whose weights differ: under a plain sum of squares the gradient of
// a normalised result is nothing but rounding.
std::vector<Tensor> results_with(const OpSample& sample, int threads) {
  const int before = num_threads();
  set_num_threads(threads);
  std::vector<Tensor> x = sample.make_inputs(DType::f32);
  for (const Tensor& input : x) {
    if (is_floating(input.dtype())) input.set_requires_grad(true);
  }
  std::vector<Tensor> y = sample.run(x), results;
  Tensor loss;
  for (const Tensor& output : y) {
    results.push_back(output.detach().to(DType::f32));
    if (!output.requires_grad()) continue;
    const Tensor weights =
        reshape(cos(arange(output.numel(), DType::f64) * 1.7) + 0.5, output.shape()).to(output.dtype());
    const Tensor term = sum(square(output) * weights).to(DType::f64);
    loss = loss.defined() ? loss + term : term;
  }
  if (loss.defined()) loss.backward();
  for (const Tensor& input : x) {
    if (input.grad().defined()) results.push_back(input.grad());
  }
  set_num_threads(before);
  return results;
}

TEST_P(OpTest, OneThreadGivesWhatSeveralGive) {
  const auto one = results_with(GetParam(), 1), several = results_with(GetParam(), 4);
  ASSERT_EQ(one.size(), several.size());
  // GEMM splits sum in another order: its rounding goes by the largest terms, not by the sum
  for (size_t i = 0; i < one.size(); ++i) {
    double largest = 0;
    for (const float v : one[i].to_vector<float>())
      largest = std::max(largest, std::abs(static_cast<double>(v)));
    EXPECT_TRUE(all_close(several[i], one[i], 1e-5, 1e-6 * (1 + largest)));
  }
}

TEST_P(OpTest, OneThreadGivesTheBitsOfSeveralInDeterministicMode) {
  set_deterministic(true);
  const auto one = results_with(GetParam(), 1), several = results_with(GetParam(), 4);
  set_deterministic(false);
  ASSERT_EQ(one.size(), several.size());
  for (size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(all_close(several[i], one[i], 0, 0));
}

std::string test_name(const testing::TestParamInfo<OpSample>& info) {
  std::string name = info.param.key;
  std::replace(name.begin(), name.end(), '/', '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(Registry, OpTest, testing::ValuesIn(all_samples()), test_name);

TEST(Registry, EveryOpHasSamples) {
  for (const OpInfo& op : op_registry()) EXPECT_FALSE(op.make_samples().empty()) << op.name;
}

}  // namespace

// Shown by GoogleTest when a parametrised test fails.
void PrintTo(const OpSample& sample, std::ostream* out) { *out << sample.key << ": " << sample.torch; }

}  // namespace heed
