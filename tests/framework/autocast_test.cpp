// bf16 autocast: the policy of the table is what happens, within a bound; and which thread, which op and
// which backward it holds for.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <thread>

#include "framework/framework.h"
#include "framework/kernels/kernels.h"
#include "framework/ops/registry.h"
#include "tests/testing/close.h"

namespace heed {
namespace {

static_assert(autocast_policy("matmul") == AutocastPolicy::gemm);
static_assert(autocast_policy("softmax") == AutocastPolicy::f32_math);
static_assert(autocast_policy("somebody's own") == AutocastPolicy::any);

// Rounds products of every size, which calls as small as the samples would not be worth.
struct EverySize {
  EverySize() { detail::round_every_size = true; }
  ~EverySize() { detail::round_every_size = false; }
};

// The results of a sample and the gradients of its inputs.
std::vector<Tensor> results_of(const OpSample& sample) {
  const std::vector<Tensor> x = sample.make_inputs(DType::f32);
  std::vector<Tensor> leaves, outputs, cotangents, all;
  for (const Tensor& input : x) {
    if (sample.max_order > 0 && is_floating(input.dtype())) leaves.push_back(input.set_requires_grad(true));
  }
  for (const Tensor& y : sample.run(x)) {
    all.push_back(y.detach());
    if (!y.requires_grad()) continue;
    outputs.push_back(y);
    cotangents.push_back(reshape(cos(arange(y.numel(), DType::f64) * 1.7) + 0.5, y.shape()).to(y.dtype()));
  }
  if (outputs.empty()) return all;
  for (const Tensor& g : grad(outputs, leaves, cotangents, {.allow_unused = true})) all.push_back(g);
  return all;
}

// The autocast policy of the table: a row that is not `gemm` gives the same bits under autocast, of results
// and gradients; every one that is has a sample that gives others.
TEST(Autocast, ChangesGemmRowsAlone) {
  const EverySize rounded;
  for (const OpInfo& op : op_registry()) {
    bool changes = false;
    for (const OpSample& sample : op.make_samples()) {
      const std::vector<Tensor> plain = results_of(sample);
      const AutocastGuard autocast;
      const std::vector<Tensor> got = results_of(sample);
      for (size_t i = 0; i < plain.size(); ++i) {
        const bool same = plain[i].defined() == got[i].defined() &&
                          (!plain[i].defined() || all_close(got[i], plain[i], 0, 0));
        EXPECT_TRUE(same || op.policy == AutocastPolicy::gemm) << sample.key;
        changes |= !same;
      }
    }
    EXPECT_EQ(changes, op.policy == AutocastPolicy::gemm && has_bf16_products()) << op.name;
  }
}

// Calls of the gemm rows large enough for bf16. Products of operands rounded to 8 bits: each factor is off by
// 2^-9 at most, relatively, so a sum of products by 2^-8 of the sum of their magnitudes, for which the root
// of the depth times the largest result stands here; what follows a product (gates, softmax) hands errors on
// without making them larger.
struct GemmCase {
  std::vector<Shape> shapes;
  std::function<Tensor(const std::vector<Tensor>&)> run;
};
const std::map<std::string, GemmCase>& gemm_cases() {
  static const std::map<std::string, GemmCase> cases = {
      {"matmul", {{{160, 128}, {128, 192}}, [](const auto& x) { return matmul(x[0], x[1]); }}},
      {"bmm", {{{3, 128, 128}, {3, 128, 128}}, [](const auto& x) { return bmm(x[0], x[1]); }}},
      {"addmm", {{{192}, {160, 128}, {128, 192}}, [](const auto& x) { return addmm(x[0], x[1], x[2]); }}},
      {"baddbmm",
       {{{128}, {3, 128, 128}, {3, 128, 128}}, [](const auto& x) { return baddbmm(x[0], x[1], x[2]); }}},
      {"einsum", {{{160, 128}, {192, 128}}, [](const auto& x) { return einsum("ik,jk->ij", x[0], x[1]); }}},
      {"linear", {{{160, 128}, {192, 128}, {192}}, [](const auto& x) { return linear(x[0], x[1], x[2]); }}},
      {"linear_cross_entropy",
       {{{160, 128}, {300, 128}, {300}},
        [](const auto& x) {
          return linear_cross_entropy(x[0], x[1], x[2], from_vector(std::vector<int64_t>(160, 7), {160}));
        }}},
      {"lstm",
       {{{16, 12, 128}, {16, 128}, {16, 128}, {512, 128}, {512, 128}, {512}},
        [](const auto& x) { return lstm(x[0], {}, x[1], x[2], x[3] * 0.1, x[4] * 0.1, x[5]).output; }}},
      {"attention_lstm",
       {{{8, 10, 64},
         {8, 12, 128},
         {8, 12, 128},
         {8, 128},
         {8, 128},
         {512, 192},
         {512, 128},
         {512},
         {128, 128},
         {128}},
        [](const auto& x) {
          const Tensor target = full({8}, 10, DType::i64), source = full({8}, 12, DType::i64);
          return attention_lstm(x[0], target, x[1], x[2], source, x[3], x[4], x[5] * 0.1, x[6] * 0.1, x[7],
                                x[8] * 0.1, x[9] * 0.1)
              .context;
        }}},
      {"conv1d", {{{4, 32, 100}, {48, 32, 5}, {48}}, [](const auto& x) { return conv1d(x[0], x[1], x[2]); }}},
      {"conv2d",
       {{{4, 32, 14, 14}, {48, 32, 3, 3}, {48}},
        [](const auto& x) { return conv2d(x[0], x[1], x[2], {.padding = 1}); }}},
      {"conv_transpose2d",
       {{{4, 48, 9, 9}, {48, 32, 3, 3}, {32}},
        [](const auto& x) { return conv_transpose2d(x[0], x[1], x[2]); }}},
      {"scaled_dot_attention",
       {{{2, 128, 256}, {2, 128, 256}, {2, 128, 256}},
        [](const auto& x) { return scaled_dot_attention(x[0] * 0.3, x[1] * 0.3, x[2], {}, 2).context; }}},
      {"flash_attention",
       {{{2, 128, 256}, {2, 300, 256}, {2, 300, 256}},
        [](const auto& x) { return flash_attention(x[0] * 0.3, x[1] * 0.3, x[2], {}, 2); }}},
  };
  return cases;
}

TEST(Autocast, EveryGemmRowStaysWithinItsBound) {
  std::string report;
  for (const OpInfo& op : op_registry()) {
    if (op.policy != AutocastPolicy::gemm) continue;
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
      const Tensor y = tested.run(leaves),
                   weights = reshape(cos(arange(y.numel(), DType::f64) * 1.7) + 0.5, y.shape()).to(y.dtype());
      std::vector<Tensor> results = grad(std::vector{y}, leaves, std::vector{weights});
      results.push_back(y.detach());
      return results;
    };
    const std::vector<Tensor> wanted = all(exact);
    const AutocastGuard autocast;
    const std::vector<Tensor> got = all(rounded);
    double worst = 0;
    for (size_t i = 0; i < got.size(); ++i) {
      const double largest = amax(abs(wanted[i])).item(),
                   error = amax(abs(got[i].to(DType::f64) - wanted[i])).item();
      worst = std::max(worst, error / largest);
    }
    EXPECT_LE(worst, 1.6e-2) << op.name;  // torch.testing.assert_close's rtol for bf16
    EXPECT_TRUE(!has_bf16_products() || worst > 1e-6) << op.name << ": no product ran in bf16";
    report += fmt::format(" {} {:.1e}", op.name, worst);
  }
  std::printf("largest difference in bf16, of the largest value:%s\n", report.c_str());
}

// Products of this size are rounded.
Tensor large(uint64_t seed) {
  manual_seed(seed);
  return randn({160, 160});
}
bool same(const Tensor& a, const Tensor& b) { return static_cast<bool>(all_close(a, b, 0, 0)); }
// without bf16 products both are one
bool has_bits_of(const Tensor& got, const Tensor& rounded, const Tensor& exact) {
  return same(got, rounded) && (!has_bf16_products() || !same(got, exact));
}

TEST(Autocast, IsOffUnlessAskedForAndEndsWithTheGuard) {
  EXPECT_FALSE(AutocastGuard::active());
  {
    const AutocastGuard outer;
    EXPECT_TRUE(AutocastGuard::active());
    {
      const AutocastGuard inner(false);
      EXPECT_FALSE(AutocastGuard::active());
    }
    EXPECT_TRUE(AutocastGuard::active());
  }
  EXPECT_FALSE(AutocastGuard::active());
}

TEST(Autocast, IsTheThreadsOwn) {
  const Tensor a = large(1), b = large(2), exact = matmul(a, b);
  const AutocastGuard autocast;
  Tensor elsewhere;
  std::thread([&] { elsewhere = matmul(a, b); }).join();
  EXPECT_TRUE(same(elsewhere, exact));
  EXPECT_EQ(same(matmul(a, b), exact), !has_bf16_products());
}

// A batch is shared among threads that parallel_for starts: they compute as the caller would.
TEST(Autocast, ReachesTheThreadsOfAnOp) {
  manual_seed(3);
  const Tensor a = randn({4, 128, 128}), b = randn({4, 128, 128});
  const AutocastGuard autocast;
  const int before = num_threads();
  set_num_threads(1);
  const Tensor one = matmul(a, b);
  set_num_threads(2);
  const Tensor two = matmul(a, b);
  set_num_threads(before);
  EXPECT_TRUE(same(one, two));
  const AutocastGuard off(false);
  EXPECT_EQ(same(one, matmul(a, b)), !has_bf16_products());
}

std::vector<Tensor> gradients(const Tensor& y, const std::vector<Tensor>& x, bool create_graph = false) {
  return grad(std::vector{y}, x, std::vector{ones(y.shape()) * 0.7}, {.create_graph = create_graph});
}

// Backward goes by what the op was recorded under, and not by where backward is called.
TEST(Autocast, BackwardIsAsItsOpWasRecorded) {
  const Tensor a = large(4).set_requires_grad(true), b = large(5).set_requires_grad(true);
  const auto recorded = [&](bool autocast) {
    const AutocastGuard guard(autocast);
    return linear(a, b);
  };
  const auto exact = gradients(recorded(false), {a, b});
  std::vector<Tensor> rounded;
  {
    const AutocastGuard all_of_it;
    rounded = gradients(recorded(true), {a, b});
  }
  const auto outside = gradients(recorded(true), {a, b});
  for (size_t i = 0; i < 2; ++i) EXPECT_TRUE(has_bits_of(outside[i], rounded[i], exact[i])) << i;
  const Tensor in_f32 = recorded(false);
  const AutocastGuard autocast;
  const auto still_exact = gradients(in_f32, {a, b});
  for (size_t i = 0; i < 2; ++i) EXPECT_TRUE(same(still_exact[i], exact[i])) << i;
  EXPECT_TRUE(AutocastGuard::active()) << "backward left it as it was";
}

// What a vjp records is recorded under the autocast of its op, so the second derivative is rounded too.
TEST(Autocast, HoldsForSecondDerivatives) {
  const Tensor a = large(6).set_requires_grad(true), b = large(7).set_requires_grad(true);
  const auto second = [&](bool forward, bool everything) {
    const AutocastGuard guard(everything);
    Tensor y;
    {
      const AutocastGuard first(forward);
      y = matmul(a, b);
    }
    const Tensor da = gradients(square(y), {a}, true)[0];
    return gradients(square(da), {b})[0];
  };
  EXPECT_TRUE(has_bits_of(second(true, false), second(true, true), second(false, false)));
}

TEST(Autocast, CheckpointRunsAgainAsItRan) {
  const Tensor a = large(8).set_requires_grad(true), b = large(9).set_requires_grad(true);
  const auto f = [&](const Tensor& x) { return matmul(tanh(matmul(x, b)), b); };
  const auto run = [&](bool autocast, bool recompute) {
    Tensor y;
    {
      const AutocastGuard guard(autocast);
      y = recompute ? checkpoint(f, a) : f(a);
    }
    return gradients(y, {a})[0];
  };
  EXPECT_TRUE(has_bits_of(run(true, true), run(true, false), run(false, false)));
  EXPECT_TRUE(same(run(false, true), run(false, false)));
}

// A user's op has no row. What it computes itself stays as it is; the ops that it is made of go by their own
// rows, in its vjp as well.
struct Doubled {
  static constexpr const char* kName = "doubled_product";
  Tensor forward(const Tensor& a, const Tensor& b, Saved& saved) const {
    saved.input(a);
    saved.input(b);
    return matmul(a, b) * 2.0;
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    d.add(0, matmul(g * 2.0, transpose(saved[1])));
    d.add(1, matmul(transpose(saved[0]), g * 2.0));
  }
};
struct Bare {
  static constexpr const char* kName = "bare_product";
  Tensor forward(const Tensor& a, const Tensor& b, Saved&) const {
    const Tensor y = empty({a.size(0), b.size(1)}, a.dtype());
    kernels::matmul(a, b, y, 0.0);
    return y;
  }
  void vjp(Grads&, const Tensor&, const Saved&) const {}
};

TEST(Autocast, AUsersOpIsMadeOfOpsThatHaveRows) {
  const Tensor a = large(10).set_requires_grad(true), b = large(11).set_requires_grad(true),
               exact = matmul(a, b) * 2.0;
  Tensor y, wanted, bare;
  {
    const AutocastGuard autocast;
    y = apply(Doubled{}, a, b), wanted = matmul(a, b) * 2.0, bare = apply(Bare{}, a, b);
  }
  EXPECT_TRUE(has_bits_of(y, wanted, exact));
  EXPECT_TRUE(same(bare * 2.0, exact));
  const auto got = gradients(y, {a, b}), as_ops = gradients(wanted, {a, b}),
             in_f32 = gradients(exact, {a, b});
  for (size_t i = 0; i < 2; ++i) EXPECT_TRUE(has_bits_of(got[i], as_ops[i], in_f32[i])) << i;
}

// What a vjp adds by add_matmul is matmul's, whether something lies there already or not.
struct Mapped {
  static constexpr const char* kName = "mapped";
  Tensor forward(const Tensor& x, const Tensor& w, Saved& saved) const {
    saved.input(x);
    saved.input(w);
    return matmul(x, w);
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    d.add_matmul(0, g, transpose(saved[1]));
    d.add_matmul(1, transpose(saved[0]), g);
  }
};

TEST(Autocast, AddMatmulIsMatmul) {
  const Tensor x = large(13).set_requires_grad(true), w = large(14);
  const AutocastGuard autocast;
  const Tensor alone = gradients(apply(Mapped{}, x, w), {x})[0];
  const Tensor beside = gradients(apply(Mapped{}, x, w) + x * 0.0, {x})[0];
  EXPECT_TRUE(same(alone, beside));
}

// Sizes at which oneDNN goes to bf16, in every form that the layers offer; f64 is never touched.
TEST(Autocast, ConvolutionsOfEveryForm) {
  struct Form {
    Shape x, w;
    Conv2dOptions options;
  };
  const std::vector<Form> forms = {{{4, 32, 11, 13}, {40, 32, 3, 3}, {.stride = {2, 1}, .padding = {1, 2}}},
                                   {{4, 64, 9, 9}, {64, 32, 3, 3}, {.padding = 1, .groups = 2}},
                                   {{3, 256, 10, 10}, {256, 256, 1, 1}, {}},
                                   {{2, 32, 12, 12}, {48, 32, 3, 3}, {.padding = 2, .dilation = 2}}};
  for (const Form& form : forms) {
    manual_seed(12);
    const Tensor x = randn(form.x).set_requires_grad(true), w = randn(form.w).set_requires_grad(true);
    const Tensor x64 = x.detach().to(DType::f64).set_requires_grad(true),
                 w64 = w.detach().to(DType::f64).set_requires_grad(true);
    const auto results = [&](const Tensor& input, const Tensor& weight, bool autocast) {
      const AutocastGuard guard(autocast);
      const Tensor y = conv2d(input, weight, {}, form.options);
      const Tensor g = reshape(cos(arange(y.numel(), DType::f64) * 1.7), y.shape()).to(y.dtype());
      std::vector<Tensor> all = grad(std::vector{y}, std::vector{input, weight}, std::vector{g});
      all.push_back(y.detach());
      return all;
    };
    const auto exact = results(x64, w64, false), double_under_autocast = results(x64, w64, true),
               rounded = results(x, w, true);
    for (size_t i = 0; i < exact.size(); ++i) {
      EXPECT_TRUE(same(exact[i], double_under_autocast[i]));
      const double largest = amax(abs(exact[i])).item(),
                   error = amax(abs(rounded[i].to(DType::f64) - exact[i])).item() / largest;
      EXPECT_LE(error, 1.6e-2) << form.w.str() << " " << i;
      EXPECT_TRUE(!has_bf16_products() || error > 1e-5) << form.w.str() << " " << i << " did not run in bf16";
    }
  }
}

TEST(Autocast, NoRowsAreNoProduct) {
  const Tensor x = zeros({0, 8}).set_requires_grad(true), w = ones({5, 8}).set_requires_grad(true);
  const AutocastGuard autocast;
  const Tensor loss = linear_cross_entropy(x, w, {}, zeros({0}, DType::i64));
  loss.backward();
  EXPECT_EQ(loss.item(), 0);
  EXPECT_EQ(w.grad().to_vector<float>(), std::vector<float>(40, 0));
}

// A gradient that two products read is rounded once for both: to the same bits as for each alone. The bias is
// added within the product. Rows in whole pieces, with a rest, and more than one piece.
TEST(Autocast, WhatIsRoundedOnceIsRoundedAlike) {
  if (!has_bf16_products()) GTEST_SKIP() << "this CPU has no bf16 products";
  manual_seed(8);
  for (const int64_t rows : {33, 64, 1056, 1100}) {
    const AutocastGuard rounded;
    const Tensor x = randn({rows, 96}).set_requires_grad(true), w = randn({80, 96}).set_requires_grad(true),
                 b = randn({80}).set_requires_grad(true), g = randn({rows, 80});
    const auto gradients = [&](const Tensor& y, const std::vector<Tensor>& of) {
      return grad(std::vector{y}, of, std::vector{g}, {.retain_graph = true});
    };
    for (const Tensor& y : {linear(x, w, b), matmul(x, transpose(w))}) {
      const std::vector<Tensor> both = gradients(y, {x, w});
      EXPECT_TRUE(all_close(both[0], gradients(y, {x})[0], 0, 0)) << rows;
      EXPECT_TRUE(all_close(both[1], gradients(y, {w})[0], 0, 0)) << rows;
    }
    EXPECT_TRUE(all_close(linear(x, w, b), linear(x, w) + b, 1e-5, 1e-5)) << rows;
    EXPECT_TRUE(all_close(slice(linear(x, w, b), 0, rows - 1, rows),
                          linear(slice(x, 0, rows - 1, rows), w, b), 0.1, 0.1))
        << rows;
  }
}

}  // namespace
}  // namespace heed
