// Every op whose formula has a product, a quotient or a logarithm, at the boundary of what it takes: where
// the formula is 0 times infinity or infinity less infinity and the maths (a limit, or a case without weight)
// has an answer.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "framework/framework.h"
#include "tests/testing/close.h"

namespace heed {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

using Values = std::vector<double>;

Tensor row(const Values& values) { return from_vector(values, {static_cast<int64_t>(values.size())}); }

struct Case {
  const char* name;
  std::vector<Values> inputs;  // of one length each, or 1
  std::function<Tensor(const std::vector<Tensor>& x)> op;
  Values value;
  std::vector<Values> gradients;  // of the sum, to each input; empty: not looked at
};

std::vector<Case> cases() {
  const double e = std::exp(1.0), sp = std::log1p(1 / e);  // softplus(-1)
  const auto unary = [](Tensor (*f)(const Tensor&)) {
    return [f](const std::vector<Tensor>& x) { return f(x[0]); };
  };
  const auto bce = [](const std::vector<Tensor>& x) { return bce_with_logits(x[0], x[1], Reduction::none); };
  const auto kl = [](const std::vector<Tensor>& x) { return kl_div(x[0], x[1], Reduction::none); };
  const auto two_rows = [](const Tensor& x) { return reshape(x, {2, x.numel() / 2}); };
  const Tensor targets = from_vector<int64_t>({0, 2}, {2});
  return {
      {"pow at a = 0",
       {{0, 0, 0}, {0, 1, 2}},
       [](const auto& x) { return pow(x[0], x[1]); },
       {1, 0, 0},
       {{0, 1, 0}, {0, 0, 0}}},
      {"pow of infinity",
       {{kInf, kInf}, {0, -1}},
       [](const auto& x) { return pow(x[0], x[1]); },
       {1, 0},
       {{0, 0}, {kInf, 0}}},
      {"pow by a number", {{0, 0}}, [](const auto& x) { return pow(x[0], 0); }, {1, 1}, {{0, 0}}},
      {"square by pow", {{0}}, [](const auto& x) { return pow(x[0], 2); }, {0}, {{0}}},
      {"prod with a zero", {{0, 2, 3}}, [](const auto& x) { return prod(x[0]); }, {0}, {{6, 0, 0}}},
      {"prod with two zeros", {{0, 0, 3}}, [](const auto& x) { return prod(x[0]); }, {0}, {{0, 0, 0}}},
      {"norm of zeros", {{0, 0}}, [](const auto& x) { return norm(x[0]); }, {0}, {{0, 0}}},
      {"stddev of equals", {{2, 2}}, [](const auto& x) { return stddev(x[0]); }, {0}, {{0, 0}}},
      {"sqrt at infinity", {{kInf}}, unary(sqrt), {kInf}, {{0}}},
      {"rsqrt at infinity", {{kInf}}, unary(rsqrt), {0}, {{-0.0}}},
      {"log at infinity", {{kInf}}, unary(log), {kInf}, {{0}}},
      {"log1p at infinity", {{kInf}}, unary(log1p), {kInf}, {{0}}},
      {"reciprocal at infinity", {{kInf, -kInf}}, unary(reciprocal), {0, -0.0}, {{0, 0}}},
      {"quotient by infinity", {{1}, {kInf}}, [](const auto& x) { return x[0] / x[1]; }, {0}, {{0}, {0}}},
      {"exp at infinity", {{-kInf}}, unary(exp), {0}, {{0}}},
      {"expm1", {{-kInf}}, unary(expm1), {-1}, {{0}}},
      {"tanh", {{-kInf, kInf}}, unary(tanh), {-1, 1}, {{0, 0}}},
      {"sigmoid", {{-kInf, kInf}}, unary(sigmoid), {0, 1}, {{0, 0}}},
      {"erf", {{-kInf, kInf}}, unary(erf), {-1, 1}, {{0, 0}}},
      {"relu", {{-kInf, kInf}}, unary(relu), {0, kInf}, {{0, 1}}},
      {"silu", {{-kInf, kInf}}, unary(silu), {0, kInf}, {{0, 1}}},
      {"softplus", {{-kInf, kInf}}, unary(softplus), {0, kInf}, {{0, 1}}},
      {"elu", {{-kInf, kInf}}, [](const auto& x) { return elu(x[0]); }, {-1, kInf}, {{0, 1}}},
      {"gelu", {{-kInf, kInf}}, [](const auto& x) { return gelu(x[0]); }, {0, kInf}, {{0, 1}}},
      {"gelu by tanh",
       {{-kInf, kInf}},
       [](const auto& x) { return gelu(x[0], GeluForm::tanh); },
       {0, kInf},
       {{0, 1}}},
      {"gelu by tanh, large",
       {{-1e200, 1e200}},
       [](const auto& x) { return gelu(x[0], GeluForm::tanh); },
       {0, 1e200},
       {{0, 1}}},
      {"logsumexp of nothing",
       {{-kInf, -kInf}},
       [](const auto& x) { return logsumexp(x[0]); },
       {-kInf},
       {{0, 0}}},
      {"logsumexp of one", {{-kInf, 1}}, [](const auto& x) { return logsumexp(x[0]); }, {1}, {{0, 1}}},
      {"softmax beside a mask", {{-kInf, 1}}, [](const auto& x) { return softmax(x[0]); }, {0, 1}, {{0, 0}}},
      {"masked_softmax of nothing",
       {{-kInf, -kInf}},
       [](const auto& x) {
         return masked_softmax(reshape(x[0], {1, 1, 2}), from_vector<int64_t>({0}, {1}));
       },
       {0, 0},
       {{0, 0}}},
      {"bce_with_logits, right for certain", {{kInf, -kInf}, {1, 0}}, bce, {0, 0}, {{0, 0}, {}}},
      {"bce_with_logits, wrong for certain", {{kInf, -kInf}, {0, 1}}, bce, {kInf, kInf}, {{1, -1}, {}}},
      {"bce_with_logits, hard targets", {{1, -1}, {1, 0}}, bce, {sp, sp}, {{}, {-1, 1}}},
      {"kl_div, impossible in both", {{-kInf, -1}, {0, 0}}, kl, {0, 0}, {{0, 0}, {kInf, 1}}},
      {"kl_div, impossible in one", {{-kInf}, {1}}, kl, {kInf}, {{-1}, {}}},
      {"cross_entropy beside a mask",
       {{1, -kInf, 1, 1, -kInf, 1}},
       [=](const auto& x) { return cross_entropy(two_rows(x[0]), targets); },
       {std::log(2.0)},
       {{-0.25, 0, 0.25, 0.25, 0, -0.25}}},
      {"cross_entropy, an ignored row without a first class",
       {{1, 1, 1, -kInf, -kInf, -kInf}},
       [=](const auto& x) {
         return cross_entropy(two_rows(x[0]), targets, {0, 2});
       },
       {std::log(3.0)},
       {{1.0 / 3 - 1, 1.0 / 3, 1.0 / 3, 0, 0, 0}}},
      {"nll_loss, an ignored row",
       {{-1, -1, -1, -kInf, -kInf, NAN}},
       [=](const auto& x) { return nll_loss(two_rows(x[0]), targets, {}, 2); },
       {1},
       {{-1, 0, 0, 0, 0, 0}}},
      {"nll_loss, a class without weight",
       {{-1, -1, -1, -1, -1, -kInf}, {1, 1, 0}},
       [=](const auto& x) { return nll_loss(two_rows(x[0]), targets, x[1]); },
       {1},
       {{-1, 0, 0, 0, 0, 0}, {}}},
      {"cross_entropy, smoothed, a class without weight",
       {{1, 1, -kInf, 1, 1, -kInf}},
       [=](const auto& x) {
         return cross_entropy(two_rows(x[0]), from_vector<int64_t>({0, 0}, {2}), {0.3, -100, row({1, 1, 0})});
       },
       {0.7 * std::log(2.0) + 0.3 / 3 * 2 * std::log(2.0)},
       {}},
  };
}

void expect_values(const Tensor& got, const Values& wanted, const std::string& what) {
  const Values values = got.to_vector<double>();
  ASSERT_EQ(values.size(), wanted.size()) << what;
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isinf(wanted[i])) {
      EXPECT_EQ(values[i], wanted[i]) << what << " element " << i;
    } else {
      EXPECT_NEAR(values[i], wanted[i], 1e-12 * std::max(1.0, std::abs(wanted[i])))
          << what << " element " << i;
    }
  }
}

TEST(Boundary, WhatTheMathsSaysAndNotZeroTimesInfinity) {
  for (const Case& c : cases()) {
    for (const bool again : {false, true}) {  // the fused backward, and the one that is differentiable again
      std::vector<Tensor> inputs;
      for (const Values& values : c.inputs) inputs.push_back(row(values).set_requires_grad(true));
      const Tensor y = c.op(inputs);
      if (!again) expect_values(reshape(y.detach(), {y.numel()}), c.value, c.name);
      // prod: first order beside a 0
      if (c.gradients.empty() || (again && std::string_view(c.name).starts_with("prod"))) continue;
      const std::vector<Tensor> gradients = grad(std::vector{sum(y)}, inputs, {}, {.create_graph = again});
      for (size_t i = 0; i < c.gradients.size(); ++i) {
        if (c.gradients[i].empty()) continue;
        expect_values(gradients[i].detach(), c.gradients[i],
                      std::string(c.name) + (again ? ", again, input " : ", input ") + std::to_string(i));
      }
    }
  }
}

}  // namespace
}  // namespace heed
