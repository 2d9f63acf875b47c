// Every f32 sum over many terms, against the same op in f64: a sum that is kept in f32 drifts by some percent
// at 10^7 terms.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <string>

#include "framework/core/sanitizers.h"
#include "framework/framework.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

using Compute = std::function<Tensor(const Tensor& x)>;  // [N, 2] into something small

// 0.1 and a wave on it: all terms of one sign and one size, for which a running sum in f32 is off the most.
Tensor terms(int64_t n, int64_t columns) {
  const Tensor x = empty({n, columns});
  for (int64_t i = 0; i < x.numel(); ++i) x.data<float>()[i] = 0.1F + 0.01F * static_cast<float>(i % 7);
  return x;
}

// The gradient of sum(f(leaf)) for a leaf of ones.
Tensor gradient(const Shape& shape, DType dtype, const std::function<Tensor(const Tensor& leaf)>& f) {
  const Tensor leaf = ones(shape, dtype).set_requires_grad(true);
  sum(f(leaf)).backward();
  return leaf.grad();
}

// The gradient that arrives at a leaf of ones when `weight` is the cotangent of f(leaf).
Tensor weighted_gradient(const Shape& shape, const Tensor& weight,
                         const std::function<Tensor(const Tensor& leaf)>& f) {
  return gradient(shape, weight.dtype(), [&](const Tensor& leaf) { return f(leaf) * weight; });
}

struct Case {
  std::string name;
  Compute compute;
};

std::vector<Case> cases() {
  const auto zero_ids = [](const Tensor& x) { return zeros({x.size(0)}, DType::i64); };
  const auto alike = [](const Tensor& x, const Shape& shape) { return ones(shape, x.dtype()); };
  return {
      {"sum over rows", [](const Tensor& x) { return sum(x, {0}); }},
      {"sum over all", [](const Tensor& x) { return sum(x); }},
      {"sum along rows", [](const Tensor& x) { return sum(transpose(x), {1}); }},
      {"sum over two runs",
       [](const Tensor& x) {
         return sum(reshape(x, {x.size(0) / 10, 2, 10}), {0, 2});
       }},
      {"mean over rows", [](const Tensor& x) { return mean(x, {0}); }},
      {"mean over all", [](const Tensor& x) { return mean(x); }},
      {"sum_to",
       [](const Tensor& x) {
         return sum_to(x, {1, 2});
       }},
      {"var", [](const Tensor& x) { return var(x, {0}); }},
      {"stddev", [](const Tensor& x) { return stddev(x, {0}); }},
      {"norm", [](const Tensor& x) { return norm(x, {0}); }},
      {"logsumexp", [](const Tensor& x) { return logsumexp(x, {0}); }},
      {"last of cumsum", [](const Tensor& x) { return slice(cumsum(x, 0), 0, x.size(0) - 1, x.size(0)); }},
      {"softmax over all",
       [](const Tensor& x) { return slice(softmax(reshape(x, {x.numel()}), 0), 0, 0, 8); }},
      {"log_softmax over all",
       [](const Tensor& x) { return slice(log_softmax(reshape(x, {x.numel()}), 0), 0, 0, 8); }},
      {"sum of squares", [](const Tensor& x) { return full({1}, sum_of_squares(x), DType::f64); }},
      {"scatter_add",
       [&](const Tensor& x) {
         return scatter_add(alike(x, {1, 2}), 0, zeros(x.shape(), DType::i64), x);
       }},
      {"gradient of embedding",
       [=](const Tensor& x) {
         return weighted_gradient({1, 2}, x, [&](const Tensor& t) { return embedding(t, zero_ids(x)); });
       }},
      {"gradient of index_select",
       [=](const Tensor& x) {
         return weighted_gradient({1, 2}, x,
                                  [&](const Tensor& t) { return index_select(t, 0, zero_ids(x)); });
       }},
      {"gradient of gather",
       [](const Tensor& x) {
         return weighted_gradient(
             {1, 2}, x, [&](const Tensor& t) { return gather(t, 0, zeros(x.shape(), DType::i64)); });
       }},
      {"gradient of a broadcast sum",
       [](const Tensor& x) { return weighted_gradient({2}, x, [&](const Tensor& b) { return x + b; }); }},
      {"gradient of a broadcast product",
       [](const Tensor& x) { return weighted_gradient({2}, x, [&](const Tensor& b) { return x * b; }); }},
      {"gradient of expand",
       [](const Tensor& x) {
         return weighted_gradient({1, 2}, x, [&](const Tensor& b) { return expand(b, x.shape()); });
       }},
      {"gradient of linear's bias",
       [=](const Tensor& x) {
         return weighted_gradient({2}, x, [&](const Tensor& b) { return linear(x, alike(x, {2, 2}), b); });
       }},
      {"gradient of layer_norm's gain",
       [=](const Tensor& x) {
         const Tensor rows = concat({x, x * 2.0}, 1), weight = concat({x, x * 3.0}, 1);
         return weighted_gradient(
             {4}, weight, [&](const Tensor& gain) { return layer_norm(rows, gain, alike(x, {4}), 1e-3); });
       }},
      {"gradient of layer_norm's bias",
       [=](const Tensor& x) {
         return weighted_gradient({2}, x, [&](const Tensor& b) { return layer_norm(x, alike(x, {2}), b); });
       }},
      {"gradient of rms_norm's gain",
       [](const Tensor& x) {
         return weighted_gradient({2}, x, [&](const Tensor& gain) { return rms_norm(x, gain); });
       }},
      {"gradient of additive_energy's v",
       [=](const Tensor& x) {
         const Tensor keys = reshape(x, {1, x.size(0), 2}), g = reshape(slice(x, 1, 0, 1), {1, 1, x.size(0)});
         return weighted_gradient({2}, g, [&](const Tensor& v) {
           return additive_energy(alike(x, {1, 1, 2}), keys, v);
         });
       }},
      {"gradient of additive_energy's query",
       [=](const Tensor& x) {
         const Tensor keys = reshape(x, {1, x.size(0), 2}), g = reshape(slice(x, 1, 0, 1), {1, 1, x.size(0)});
         return weighted_gradient({1, 1, 2}, g,
                                  [&](const Tensor& q) { return additive_energy(q, keys, alike(x, {2})); });
       }},
      {"cross_entropy", [=](const Tensor& x) { return cross_entropy(x, zero_ids(x)); }},
      {"gradient of linear_cross_entropy's bias",
       [=](const Tensor& x) {
         return gradient({2}, x.dtype(), [&](const Tensor& b) {
           return linear_cross_entropy(x, alike(x, {2, 2}), b, zero_ids(x));
         });
       }},
      {"matmul",
       [=](const Tensor& x) {
         return matmul(alike(x, {1, x.size(0)}), x);
       }},
      {"bmm",
       [=](const Tensor& x) {
         return bmm(alike(x, {1, 1, x.size(0)}), unsqueeze(x, 0));
       }},
      {"einsum", [](const Tensor& x) { return einsum("ij,ij->j", x, x); }},
      {"gradient of linear's weight",
       [=](const Tensor& x) {
         return weighted_gradient({2, 2}, x, [&](const Tensor& w) { return linear(x, w, Tensor()); });
       }},
      {"gradient of linear_cross_entropy's weight",
       [=](const Tensor& x) {
         const Tensor ids = zero_ids(x);
         return gradient({2, 2}, x.dtype(),
                         [&](const Tensor& w) { return linear_cross_entropy(x, w * 0.5, Tensor(), ids); });
       }},
      {"gradient of additive_energy's keys",
       [=](const Tensor& x) {
         const Tensor queries = reshape(x, {1, x.size(0), 2}),
                      g = reshape(slice(x, 1, 0, 1), {1, x.size(0), 1});
         return weighted_gradient(
             {1, 1, 2}, g, [&](const Tensor& k) { return additive_energy(queries, k, alike(x, {2})); });
       }},
      {"scaled_dot_attention",
       [=](const Tensor& x) {
         const Tensor keys = unsqueeze(x, 0);
         return scaled_dot_attention(alike(x, {1, 1, 2}) * 0.01, keys, keys, {}, 1).context;
       }},
      {"gradient of scaled_dot_attention's value",
       [=](const Tensor& x) {
         const Tensor queries = unsqueeze(x, 0);
         return weighted_gradient({1, 2, 2}, queries, [&](const Tensor& v) {
           return scaled_dot_attention(queries, alike(x, {1, 2, 2}), v, {}, 1).context;
         });
       }},
      {"flash_attention",
       [=](const Tensor& x) {
         const Tensor keys = unsqueeze(x, 0);
         return flash_attention(alike(x, {1, 1, 2}) * 0.01, keys, keys, {}, 1);
       }},
      {"gradient of flash_attention's value",
       [=](const Tensor& x) {
         const Tensor queries = unsqueeze(x, 0);
         return weighted_gradient({1, 2, 2}, queries, [&](const Tensor& v) {
           return flash_attention(queries, alike(x, {1, 2, 2}), v, {}, 1);
         });
       }},
      {"gradient of conv1d's weight",
       [=](const Tensor& x) {
         const Tensor rows = reshape(transpose(x), {1, 2, x.size(0)});
         const Tensor weight = slice(rows, 2, 0, x.size(0) - 2);
         return weighted_gradient({2, 2, 3}, weight,
                                  [&](const Tensor& w) { return conv1d(rows, w, Tensor()); });
       }},
      {"gradient of conv2d's weight, many images",
       [=](const Tensor& x) {
         const Tensor images = reshape(x, {x.size(0) / 20, 1, 5, 8});
         return weighted_gradient({1, 1, 3, 3}, images, [&](const Tensor& w) {
           return conv2d(images, w, Tensor(), {.padding = {1, 1}});
         });
       }},
      {"gradient of conv2d's weight, large images",
       [=](const Tensor& x) {
         const Tensor images = reshape(x, {2, 1, x.size(0) / 100, 100});
         return weighted_gradient({1, 1, 3, 3}, images, [&](const Tensor& w) {
           return conv2d(images, w, Tensor(), {.padding = {1, 1}});
         });
       }},
      {"mse_loss", [=](const Tensor& x) { return mse_loss(x, x * 0.5); }},
  };
}

double largest_relative_error(const Tensor& value, const Tensor& expected) {
  const std::vector<double> got = value.to(DType::f64).to_vector<double>(),
                            want = expected.to(DType::f64).to_vector<double>();
  double worst = got.size() == want.size() ? 0 : INFINITY;
  for (size_t i = 0; i < got.size() && i < want.size(); ++i)
    worst = std::max(worst, std::abs(got[i] - want[i]) / std::abs(want[i]));
  return worst;
}

// Under a sanitizer, which is there for the memory, a tenth of the terms; so few lie between the sizes at
// which double sets in.
constexpr bool kSanitized = HEED_ASAN || HEED_TSAN;
constexpr int64_t kMillion = kSanitized ? 100'000 : 1'000'000;
constexpr double kBound = kSanitized ? 1e-5 : 1e-6;

TEST(LongSums, OfAMillionTermsAreRightInF32) {
  const Tensor x = terms(kMillion, 2), exact = x.to(DType::f64);
  for (const Case& c : cases())
    EXPECT_LE(largest_relative_error(c.compute(x), c.compute(exact)), kBound) << c.name;
}

// Every op stands here with what holds its long sums, or with the reason why it has none.
TEST(LongSums, EveryOpHasACaseOrAReason) {
  const std::string none = "sums nothing; the gradient of what it stretches is sum_to's";
  const std::string composed = "made of ops that have cases";
  const std::string window = "sums over a window, which is short";
  std::map<std::string, std::string> why;
  const auto all = [&](const std::string& reason, const std::vector<std::string>& names) {
    for (const std::string& name : names) why[name] = reason;
  };
  all(none,
      {"zeros",     "ones",        "full",        "arange",      "linspace",    "eye",        "uniform",
       "randn",     "bernoulli",   "from_vector", "cast",        "add",         "sub",        "mul",
       "div",       "affine",      "neg",         "exp",         "log",         "tanh",       "sigmoid",
       "relu",      "sqrt",        "square",      "abs",         "sign",        "expm1",      "log1p",
       "rsqrt",     "reciprocal",  "sin",         "cos",         "erf",         "leaky_relu", "elu",
       "silu",      "softplus",    "gelu",        "gelu_tanh",   "clamp",       "pow_scalar", "maximum",
       "minimum",   "pow",         "eq",          "ne",          "lt",          "le",         "gt",
       "ge",        "logical_and", "logical_or",  "logical_xor", "logical_not", "any",        "all",
       "where",     "masked_fill", "amax",        "amin",        "clone",       "reshape",    "permute",
       "transpose", "squeeze",     "unsqueeze",   "select",      "slice",       "concat",     "stack",
       "flip",      "pad",         "tril",        "triu",        "split",       "chunk",      "one_hot",
       "sort",      "topk",        "argmax",      "argmin",      "dropout",     "max_pool1d", "max_pool2d"});
  all(composed, {"outer", "index", "index_put", "masked_softmax", "nll_loss", "l1_loss", "smooth_l1_loss",
                 "bce_with_logits", "kl_div"});
  all(window, {"avg_pool1d", "avg_pool2d", "conv_transpose2d"});
  all(none,
      {"zeros_like", "ones_like",    "full_like", "uniform_like", "randn_like", "meshgrid", "randint",
       "randperm",   "floor",        "ceil",      "round",        "trunc",      "isnan",    "isinf",
       "isfinite",   "unbind",       "movedim",   "flatten",      "unflatten",  "repeat",   "tile",
       "roll",       "diagonal",     "diag",      "scatter",      "median",     "nonzero",  "interpolate",
       "remainder",  "floor_divide", "isclose",   "unique",       "max",        "min",      "masked_select"});
  all(composed, {"trace", "count_nonzero", "repeat_interleave", "cosine_similarity"});
  all(composed, {"relu6",
                 "hardtanh",
                 "hardsigmoid",
                 "hardswish",
                 "selu",
                 "mish",
                 "softsign",
                 "logsigmoid",
                 "prelu",
                 "glu",
                 "log2",
                 "log10",
                 "tan",
                 "lerp",
                 "addcmul",
                 "addcdiv",
                 "addmm",
                 "baddbmm",
                 "nan_to_num",
                 "narrow",
                 "vstack",
                 "hstack",
                 "index_add",
                 "index_fill",
                 "diff",
                 "quantile",
                 "normalize",
                 "pairwise_distance",
                 "huber_loss",
                 "binary_cross_entropy",
                 "triplet_margin_loss",
                 "cosine_embedding_loss"});
  all("counts whole numbers", {"bincount"});
  all("distances and their gradients are summed in double", {"cdist"});
  all("sums and keys in double", {"multinomial"});
  all("matrices are small, and LAPACK's",
      {"cholesky", "svd", "solve", "solve_triangular", "inverse", "slogdet", "det", "logdet"});
  all(window, {"adaptive_avg_pool2d", "adaptive_max_pool2d"});
  all("a product, which f32 does not hold for so many terms", {"prod", "cumprod"});
  all("statistics in double: extreme_values_test", {"batch_norm"});
  all("statistics in double: spatial_test", {"group_norm"});
  all("the products of matmul and linear over all steps at once", {"lstm", "attention_lstm"});
  const std::vector<Case> tested = cases();
  for (const OpInfo& op : op_registry()) {
    const bool has_case =
        std::ranges::any_of(tested, [&](const Case& c) { return c.name.find(op.name) != std::string::npos; });
    EXPECT_TRUE(has_case || why.contains(op.name)) << op.name;
  }
}

TEST(LongSums, OfTenMillionTermsAreRightInF32) {
  const Tensor x = terms(10 * kMillion, 1);
  double total = 0;
  for (int64_t i = 0; i < x.numel(); ++i) total += static_cast<double>(x.data<float>()[i]);
  const auto check = [&](const char* name, const Tensor& value) {
    EXPECT_NEAR(value.to(DType::f64).item() / total, 1, 1e-6) << name;
  };
  check("sum", sum(x, {0}));
  check("sum of a row", sum(x));
  check("mean", mean(x, {0}) * static_cast<double>(x.numel()));
  check("scatter_add", scatter_add(zeros({1, 1}), 0, zeros(x.shape(), DType::i64), x));
  check("matmul", matmul(ones({1, x.size(0)}), x));
  check("gradient of a broadcast sum", weighted_gradient({1}, x, [&](const Tensor& b) { return x + b; }));
}

// Where f32 counts no further: 2^24 + 1 is 2^24.
TEST(LongSums, CountsBeyondTwoToThe24) {
  const int64_t n = 100'000;
  const double start = 0x1p24, end = start + static_cast<double>(n);
  EXPECT_EQ(scatter_add(full({1}, start), 0, zeros({n}, DType::i64), ones({n})).item(), end);
  EXPECT_EQ(
      scatter_add(full({1, 4}, start), 0, zeros({n, 4}, DType::i64), ones({n, 4})).to_vector<float>()[3],
      static_cast<float>(end));
  EXPECT_EQ(sum(concat({full({1}, start), ones({n})}, 0)).item(), end);
}

TEST(LongSums, TheIssuesExamples) {
  EXPECT_NEAR(mean(full({1000000, 2}, 0.1), {0}).to_vector<float>()[0] / 0.1F, 1, 1e-6);
  EXPECT_NEAR(mean(full({100000, 16}, 0.1), {0}).to_vector<float>()[0] / 0.1F, 1, 1e-6);
}

}  // namespace
}  // namespace heed
