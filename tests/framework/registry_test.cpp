// What the table of ops promises for every op without any code of its own, beside op_test.cpp: sizes of zero,
// stretched operands, gradients.
#include "framework/ops/registry.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "framework/autograd/gradcheck.h"
#include "framework/framework.h"
#include "tests/testing/close.h"
#include "tests/testing/layouts.h"

namespace heed {
namespace {

bool has_zero_size(const OpSample& sample) {
  for (const SampleInput& input : sample.inputs) {
    if (input.shape.numel() == 0) return true;
  }
  return false;
}

// Every other op has a sample without elements, which gradcheck, parity and the thread tests run like all
// others.
const std::map<std::string, std::string>& without_zero_size() {
  static const std::map<std::string, std::string> reasons = {
      {"batch_norm", "no elements have no mean: ShapeError, tested"},
  };
  return reasons;
}

TEST(Registry, EveryOpIsTriedOnNoElements) {
  for (const OpInfo& op : op_registry()) {
    const std::vector<OpSample> samples = op.make_samples();
    if (samples.front().inputs.empty()) continue;  // made from nothing
    const bool tried = std::any_of(samples.begin(), samples.end(), has_zero_size);
    EXPECT_NE(tried, without_zero_size().contains(op.name)) << op.name;
  }
}

TEST(Registry, StretchedOperandsGiveWhatCopiesGive) {
  const std::set<std::string> families = {"binary.cpp", "pairwise.cpp", "masks.cpp"};
  int tried = 0;
  for (const OpInfo& op : op_registry()) {
    if (!families.contains(op.file)) continue;
    for (const OpSample& sample : op.make_samples()) {
      const std::vector<Tensor> x = sample.make_inputs(DType::f64), y = sample.run(x);
      const bool stretches =
          std::any_of(x.begin(), x.end(), [&](const Tensor& input) { return input.shape() != y[0].shape(); });
      if (x.size() < 2 || !stretches) continue;
      std::vector<Tensor> copies;
      for (const Tensor& input : x) copies.push_back(expand(input, y[0].shape()).clone());
      EXPECT_TRUE(all_close(sample.run(copies)[0], y[0], 0, 0)) << sample.key;
      ++tried;
    }
  }
  EXPECT_GE(tried, 12);
}

TEST(Registry, ARowThatOffersLessThanSecondOrderSaysWhy) {
  for (const OpInfo& op : op_registry()) {
    for (const OpSample& sample : op.make_samples())
      EXPECT_TRUE(sample.max_order >= 2 || !sample.reason.empty()) << sample.key;
  }
}

std::vector<Tensor> first_gradients(const OpSample& sample, DType dtype) {
  std::vector<Tensor> x = sample.make_inputs(dtype), wanted;
  for (const Tensor& input : x) {
    if (is_floating(input.dtype())) wanted.push_back(input.set_requires_grad(true));
  }
  std::vector<Tensor> outputs, weights;
  for (const Tensor& y : sample.run(x)) {
    if (!y.requires_grad()) continue;
    outputs.push_back(y);
    weights.push_back(reshape(cos(arange(y.numel(), DType::f64) * 1.7) + 0.5, y.shape()).to(y.dtype()));
  }
  return grad(outputs, wanted, weights, {.allow_unused = true});
}

// The gradient of every op: in f64 against finite differences, on dense inputs to the order that the row
// offers and on inputs in every other layout that keeps their values to the first; in f32 against the one in
// f64.
TEST(Registry, EveryGradientInTwoDtypesAndEveryLayout) {
  int ops = 0, samples = 0, second_order = 0;
  std::string names = "dense";
  double largest = 0, largest_f32 = 0;
  for (const Layout& layout : layouts()) names += layout.same_values ? fmt::format(", {}", layout.name) : "";
  for (const OpInfo& op : op_registry()) {
    bool checked = false;
    for (const OpSample& sample : op.make_samples()) {
      if (sample.max_order == 0) continue;
      checked = true;
      ++samples;
      second_order += sample.max_order == 2 ? 1 : 0;
      const std::vector<Tensor> x = sample.make_inputs(DType::f64);
      const GradcheckResult dense = gradcheck(sample.run, x, {.order = sample.max_order, .max_elements = 40});
      EXPECT_TRUE(dense) << sample.key << ": " << dense.message;
      largest = std::max(largest, dense.largest_error);
      for (const Layout& layout : layouts()) {
        if (!layout.same_values) continue;
        const auto run_on_views = [&](const std::vector<Tensor>& in) {
          std::vector<Tensor> views;
          for (const Tensor& input : in) views.push_back(layout.view(layout.storage(input), input.shape()));
          return sample.run(views);
        };
        const GradcheckResult strided = gradcheck(run_on_views, x, {.order = 1, .max_elements = 40});
        EXPECT_TRUE(strided) << sample.key << ", " << layout.name << ": " << strided.message;
        largest = std::max(largest, strided.largest_error);
      }
      const std::vector<Tensor> f32 = first_gradients(sample, DType::f32),
                                f64 = first_gradients(sample, DType::f64);
      for (size_t i = 0; i < f64.size(); ++i) {
        if (!f64[i].defined() || f64[i].numel() == 0) continue;
        const double scale = 1 + amax(abs(f64[i])).item(),
                     error = amax(abs(f32[i].to(DType::f64) - f64[i])).item() / scale;
        EXPECT_LE(error, 1e-5) << sample.key << ", f32, input " << i;
        largest_f32 = std::max(largest_f32, error);
      }
    }
    ops += checked ? 1 : 0;
  }
  std::printf(
      "gradients of %d ops on %d samples (%d of them to second order), in f64 and f32, laid out %s: largest "
      "error %.1e of finite "
      "differences in f64, %.1e of f64 in f32 (relative to 1 + |value|)\n",
      ops, samples, second_order, names.c_str(), largest, largest_f32);
  EXPECT_GT(ops, 75);
}

}  // namespace
}  // namespace heed
