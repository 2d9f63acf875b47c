// What the table of ops promises for every op without any code of its own, beside op_test.cpp: sizes of zero, stretched operands, and what
// bf16 products may change.
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

// Every other op has a sample without elements, which gradcheck, parity and the thread tests run like all others.
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
      const bool stretches = std::any_of(x.begin(), x.end(), [&](const Tensor& input) { return input.shape() != y[0].shape(); });
      if (x.size() < 2 || !stretches) continue;
      std::vector<Tensor> copies;
      for (const Tensor& input : x) copies.push_back(expand(input, y[0].shape()).clone());
      EXPECT_TRUE(all_close(sample.run(copies)[0], y[0], 0, 0)) << sample.key;
      ++tried;
    }
  }
  EXPECT_GE(tried, 12);
}

// The autocast policy of the table: a row that is not `gemm` gives the same bits under bf16 products.
TEST(Registry, Bf16ProductsChangeGemmRowsAlone) {
  for (const OpInfo& op : op_registry()) {
    if (std::string_view(op.policy) == "gemm") continue;
    for (const OpSample& sample : op.make_samples()) {
      const std::vector<Tensor> x = sample.make_inputs(DType::f32), plain = sample.run(x);
      const MatmulPrecisionGuard bf16(MatmulPrecision::bf16);
      const std::vector<Tensor> got = sample.run(x);
      for (size_t i = 0; i < plain.size(); ++i) EXPECT_TRUE(all_close(got[i], plain[i], 0, 0)) << sample.key;
    }
  }
}

// The same where products are large enough for bf16: rows that are no gemm and have products inside.
TEST(Registry, Bf16ProductsStayOutOfLargeCallsOfOtherRows) {
  manual_seed(22);
  const Tensor x = randn({8, 32, 20, 20}), w = randn({64, 32, 3, 3}), logits = randn({300, 500}), weights = uniform({500}, 0.5, 2);
  const Tensor targets = from_vector(std::vector<int64_t>(300, 7), {300}), a = randn({1200}), b = randn({1300}), v = randn({320});
  const auto all = [&] {
    return std::vector{
        conv2d(x, w), cross_entropy(logits, targets, {.class_weights = weights}), outer(a, b),
        batch_norm(x, ones({32}), zeros({32})).output,
        additive_energy(reshape(slice(logits, 0, 0, 64), {2, 50, 320}), reshape(slice(logits, 0, 64, 128), {2, 50, 320}), v)};
  };
  const std::vector<Tensor> plain = all();
  const MatmulPrecisionGuard bf16(MatmulPrecision::bf16);
  const std::vector<Tensor> got = all();
  for (size_t i = 0; i < plain.size(); ++i) EXPECT_TRUE(all_close(got[i], plain[i], 0, 0)) << i;
}

TEST(Registry, ARowThatOffersLessThanSecondOrderSaysWhy) {
  for (const OpInfo& op : op_registry()) {
    for (const OpSample& sample : op.make_samples()) EXPECT_TRUE(sample.max_order >= 2 || !sample.reason.empty()) << sample.key;
  }
}

// Calls of the gemm rows large enough for bf16. Products of operands rounded to 8 bits: each factor is off by 2^-9 at most, relatively, so
// a sum of products by 2^-8 of the sum of their magnitudes, for which the root of the depth times the largest result stands here; what
// follows a product (gates, softmax) hands errors on without making them larger.
struct GemmCase {
  std::vector<Shape> shapes;
  std::function<Tensor(const std::vector<Tensor>&)> run;
};
const std::map<std::string, GemmCase>& gemm_cases() {
  static const std::map<std::string, GemmCase> cases = {
      {"matmul", {{{160, 128}, {128, 192}}, [](const auto& x) { return matmul(x[0], x[1]); }}},
      {"bmm", {{{3, 128, 128}, {3, 128, 128}}, [](const auto& x) { return bmm(x[0], x[1]); }}},
      {"einsum", {{{160, 128}, {192, 128}}, [](const auto& x) { return einsum("ik,jk->ij", x[0], x[1]); }}},
      {"linear", {{{160, 128}, {192, 128}, {192}}, [](const auto& x) { return linear(x[0], x[1], x[2]); }}},
      {"linear_cross_entropy",
       {{{160, 128}, {300, 128}, {300}},
        [](const auto& x) { return linear_cross_entropy(x[0], x[1], x[2], from_vector(std::vector<int64_t>(160, 7), {160})); }}},
      {"lstm",
       {{{16, 12, 128}, {16, 128}, {16, 128}, {512, 128}, {512, 128}, {512}},
        [](const auto& x) { return lstm(x[0], {}, x[1], x[2], x[3] * 0.1, x[4] * 0.1, x[5]).output; }}},
      {"attention_lstm",
       {{{8, 10, 64}, {8, 12, 128}, {8, 12, 128}, {8, 128}, {8, 128}, {512, 192}, {512, 128}, {512}, {128, 128}, {128}},
        [](const auto& x) {
          const Tensor target = full({8}, 10, DType::i64), source = full({8}, 12, DType::i64);
          return attention_lstm(x[0], target, x[1], x[2], source, x[3], x[4], x[5] * 0.1, x[6] * 0.1, x[7], x[8] * 0.1, x[9] * 0.1).context;
        }}},
      {"scaled_dot_attention",
       {{{2, 128, 256}, {2, 128, 256}, {2, 128, 256}},
        [](const auto& x) { return scaled_dot_attention(x[0] * 0.3, x[1] * 0.3, x[2], {}, 2).context; }}},
  };
  return cases;
}

TEST(Registry, EveryGemmRowStaysWithinItsBoundInBf16) {
  std::string report;
  for (const OpInfo& op : op_registry()) {
    if (std::string_view(op.policy) != "gemm") continue;
    ASSERT_TRUE(gemm_cases().contains(op.name)) << op.name << " has no call in bf16 here";
    const GemmCase& tested = gemm_cases().at(op.name);
    manual_seed(21);
    std::vector<Tensor> exact, rounded;
    for (const Shape& shape : tested.shapes) {
      const Tensor x = randn(shape).to(DType::f64);
      exact.push_back(x.clone().set_requires_grad(true));
      rounded.push_back(x.to(DType::f32).clone().set_requires_grad(true));
    }
    const auto all = [&](const std::vector<Tensor>& leaves) {
      const Tensor y = tested.run(leaves), weights = reshape(cos(arange(y.numel(), DType::f64) * 1.7) + 0.5, y.shape()).to(y.dtype());
      std::vector<Tensor> results = grad(std::vector{y}, leaves, std::vector{weights});
      results.push_back(y.detach());
      return results;
    };
    const std::vector<Tensor> wanted = all(exact);
    const MatmulPrecisionGuard bf16(MatmulPrecision::bf16);
    const std::vector<Tensor> got = all(rounded);
    double worst = 0;
    for (size_t i = 0; i < got.size(); ++i) {
      const double largest = amax(abs(wanted[i])).item(), error = amax(abs(got[i].to(DType::f64) - wanted[i])).item();
      worst = std::max(worst, error / largest);
    }
    EXPECT_LE(worst, 1.6e-2) << op.name;  // torch.testing.assert_close's rtol for bf16
    EXPECT_TRUE(!has_bf16_products() || worst > 1e-6) << op.name << ": no product ran in bf16";
    report += fmt::format(" {} {:.1e}", op.name, worst);
  }
  std::printf("largest difference in bf16, of the largest value:%s\n", report.c_str());
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

// The gradient of every op: in f64 against finite differences, on dense inputs to the order that the row offers and on inputs in every
// other layout that keeps their values to the first; in f32 against the one in f64.
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
      const std::vector<Tensor> f32 = first_gradients(sample, DType::f32), f64 = first_gradients(sample, DType::f64);
      for (size_t i = 0; i < f64.size(); ++i) {
        if (!f64[i].defined() || f64[i].numel() == 0) continue;
        const double scale = 1 + amax(abs(f64[i])).item(), error = amax(abs(f32[i].to(DType::f64) - f64[i])).item() / scale;
        EXPECT_LE(error, 1e-5) << sample.key << ", f32, input " << i;
        largest_f32 = std::max(largest_f32, error);
      }
    }
    ops += checked ? 1 : 0;
  }
  std::printf(
      "gradients of %d ops on %d samples (%d of them to second order), in f64 and f32, laid out %s: largest error %.1e of finite "
      "differences in f64, %.1e of f64 in f32 (relative to 1 + |value|)\n",
      ops, samples, second_order, names.c_str(), largest, largest_f32);
  EXPECT_GT(ops, 75);
}

}  // namespace
}  // namespace heed
