// Comparisons, which give masks; logic on masks; choices by a mask. All broadcast as NumPy does.
// vjp of where: g where the choice fell, 0 elsewhere (chosen, not multiplied: a NaN on the other side stays
// there).
#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "framework/kernels/kernels.h"
#include "framework/ops/apply.h"
#include "framework/ops/elementwise.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

using detail::each_row;

constexpr const char* kOfMasks = "a mask has no gradient";

// The mask f(a, b), of any dtypes.
template <class F>
Tensor compare(const char* op, const Tensor& a, const Tensor& b, const F& f) {
  detail::require_defined(op, a, b);
  const DType dtype = promote(a.dtype(), b.dtype());
  if (a.dtype() != b.dtype()) {
    const NoGradGuard no_grad;
    return compare(op, a.to(dtype), b.to(dtype), f);
  }
  const Tensor y = detail::allocate(op, broadcast_shapes(op, a.shape(), b.shape()), DType::boolean);
  dispatch_all(dtype, [&](auto t) { detail::fill_pairs<decltype(t), bool>(y, a, b, f); });
  return y;
}
template <class F>
Tensor compare(const char* op, const Tensor& x, const Scalar& s, const F& f) {
  detail::require_defined(op, x);
  return compare(op, x, detail::scalar_operand(s, x.dtype()), f);
}

void require_mask(const char* op, const Tensor& x) {
  detail::require_defined(op, x);
  if (x.dtype() != DType::boolean)
    throw DTypeError(op, fmt::format("takes a mask (bool), got {}", x.describe()));
}

// y_i = f of the bytes at i of a dense mask, or of two, which are 0 or 1.
template <class F>
void each_byte(const Tensor& y, const Tensor& a, const Tensor& b, const F& f) {
  static_assert(sizeof(bool) == 1);
  parallel_for(y.numel(), 8 * detail::kElementGrain, [&](int64_t begin, int64_t end) {
    // pointers of its own: a char may be any byte, of this lambda too
    const auto *const p = static_cast<const char*>(a.raw_data()), *const q =
                                                                      static_cast<const char*>(b.raw_data());
    auto* const to = static_cast<char*>(y.raw_data());
    for (int64_t i = begin; i < end; ++i) to[i] = static_cast<char>(f(p[i], q[i]));
  });
}

template <class F>
Tensor combine(const char* op, const Tensor& a, const Tensor& b, const F& f) {
  require_mask(op, a);
  require_mask(op, b);
  const Tensor y = detail::allocate(op, broadcast_shapes(op, a.shape(), b.shape()), DType::boolean);
  if (a.shape() == b.shape() && a.is_contiguous() && b.is_contiguous()) {
    each_byte(y, a, b, f);
  } else {
    detail::fill_pairs<bool, bool>(y, a, b, f);
  }
  return y;
}

// A comparison of two floating tensors, two of integers, and broadcast ones.
template <class Function>
void add_comparison(SampleList& s, const char* torch, const Function& f) {
  const auto run = [f](const std::vector<Tensor>& x) { return std::vector{f(x[0], x[1])}; };
  const std::vector<std::vector<SampleInput>> inputs = {
      {{3, 4}, {3, 4}},
      {{2, 3, 4}, {4}},
      {{0, 4}, {4}},
      {integers({2, 3}, {1, 2, 3, 4, 5, 6}), integers({3}, {1, 5, 3})}};
  for (const auto& pair : inputs) s.add(torch, pair, run).without_gradient(kOfMasks);
}

template <class Function>
void add_logic(SampleList& s, const char* torch, const Function& f) {
  s.add(torch, {mask({2, 2}, {0, 1, 0, 1}), mask({2, 2}, {0, 0, 1, 1})}, [f](const std::vector<Tensor>& x) {
     return std::vector{f(x[0], x[1])};
   }).without_gradient(kOfMasks);
  s.again({mask({2, 1}, {0, 1}), mask({3}, {0, 1, 1})});
  s.again({mask({0, 3}, {}), mask({3}, {0, 1, 1})});
}

struct Where {
  static constexpr const char* kName = "where";
  Shape a_shape, b_shape;
  Tensor forward(const Tensor& condition, const Tensor& a, const Tensor& b, Saved& saved) const {
    require_mask(kName, condition);
    saved.input(condition);
    const Shape shape =
        broadcast_shapes(kName, condition.shape(), broadcast_shapes(kName, a.shape(), b.shape()));
    const Tensor y = empty(shape, a.dtype());
    dispatch_all(a.dtype(), [&](auto t) {
      using T = decltype(t);
      each_row<3>(shape, {condition, a, b}, [&](int64_t out, int64_t n, const auto& at, const auto& step) {
        const bool* const first = condition.data<bool>() + at[0];
        const T *const x = a.data<T>() + at[1], *const z = b.data<T>() + at[2];
        T* const to = y.data<T>() + out;
        if constexpr (std::is_floating_point_v<T>) {
          if (step[0] == 1 && step[1] <= 1 && step[1] >= 0 && step[2] <= 1 && step[2] >= 0)
            return kernels::choose(n, first, x, step[1] == 1, z, step[2] == 1, to);
        }
        for (int64_t i = 0; i < n; ++i) to[i] = first[i * step[0]] ? x[i * step[1]] : z[i * step[2]];
      });
    });
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const Tensor condition = saved[0], zero = zeros({}, g.dtype());
    if (d.wants(1)) d.add(1, sum_to(where(condition, g, zero), a_shape));
    if (d.wants(2)) d.add(2, sum_to(where(condition, zero, g), b_shape));
  }
  static void samples(SampleList& s) {
    const auto run = [](const auto& x) { return std::vector{where(x[0], x[1], x[2])}; };
    s.add("torch.where(a, b, c)", {mask({2, 3}, {1, 0, 0, 1, 1, 0}), {2, 3}, {2, 3}}, run);
    s.add("torch.where(a, b, c)", {mask({3}, {1, 0, 1}), {2, 1}, {2, 2, 3}}, run);
    s.add("torch.where(a, b, c)", {mask({2, 1}, {1, 0}), {}, {3}}, run);
    s.add("torch.where(a, b, c)", {mask({0}, {}), {2, 1}, {1}}, run);
  }
};

template <bool kAll>
struct AnyAll {
  static void samples(SampleList& s) {
    const auto add = [&](const char* arguments, const SampleInput& input, const std::vector<int>& dims,
                         KeepDim keep) {
      s.add(fmt::format("torch.{}({})", kAll ? "all" : "any", arguments), {input},
            [=](const std::vector<Tensor>& x) {
              return std::vector{kAll ? all(x[0], dims, keep) : any(x[0], dims, keep)};
            })
          .without_gradient(kOfMasks);
    };
    add("a", mask({2, 3}, {0, 1, 0, 0, 0, 0}), {}, KeepDim::no);
    add("a, 1", mask({3, 2}, {0, 1, 0, 0, 1, 1}), {1}, KeepDim::no);
    add("a, 0, keepdim=True", mask({3, 2}, {0, 1, 0, 1, 0, 1}), {0}, KeepDim::yes);
    add("a, 0", mask({0, 2}, {}), {0}, KeepDim::no);  // of nothing: any is false, all is true
  }
};

struct MaskedFill {
  static void samples(SampleList& s) {
    const auto run = [](const auto& x) { return std::vector{masked_fill(x[0], x[1], -2.5)}; };
    s.add("a.masked_fill(b, -2.5)", {{2, 3}, mask({2, 3}, {1, 0, 0, 1, 1, 0})}, run);
    s.add("a.masked_fill(b, -2.5)", {{2, 2, 3}, mask({2, 1}, {1, 0})}, run);
    s.add("a.masked_fill(b, -2.5)", {{0, 3}, mask({3}, {1, 0, 1})}, run);
  }
};

struct IsClose {
  static void samples(SampleList& s) {
    const auto run = [](const auto& x) { return std::vector{isclose(x[0], x[0] + x[1] * 1e-5)}; };
    s.add("torch.isclose(a, a + b * 1e-5)", {{3, 4}, {3, 4}}, run).without_gradient(kOfMasks);
    s.add("torch.isclose(a, a + b * 1e-5)", {{0, 4}, {4}}, run).without_gradient(kOfMasks);
    s.add("torch.isclose(a, b, rtol=0, atol=1)", {{3, 4}, {4}}, [](const auto& x) {
       return std::vector{isclose(x[0], x[1], 0, 1)};
     }).without_gradient(kOfMasks);
  }
};

}  // namespace

// The name of a comparison, its PyTorch expression and what it asks of p and q.
#define HEED_COMPARISON(name, test)                                                      \
  Tensor name(const Tensor& a, const Tensor& b) {                                        \
    return compare(#name, a, b, [](auto p, auto q) { return test; });                    \
  }                                                                                      \
  Tensor name(const Tensor& x, Scalar s) {                                               \
    return compare(#name, x, s, [](auto p, auto q) { return test; });                    \
  }                                                                                      \
  namespace {                                                                            \
  struct Rule_##name {                                                                   \
    static void samples(SampleList& s) {                                                 \
      add_comparison(s, "torch." #name "(a, b)",                                         \
                     [](const Tensor& a, const Tensor& b) { return heed::name(a, b); }); \
    }                                                                                    \
  };                                                                                     \
  }                                                                                      \
  DEFINE_OP(name, Rule_##name)
HEED_COMPARISON(eq, p == q)
HEED_COMPARISON(ne, p != q)
HEED_COMPARISON(lt, p < q)
HEED_COMPARISON(le, p <= q)
HEED_COMPARISON(gt, p > q)
HEED_COMPARISON(ge, p >= q)
#undef HEED_COMPARISON

#define HEED_LOGIC(name, test)                                                                \
  Tensor name(const Tensor& a, const Tensor& b) {                                             \
    return combine(#name, a, b, [](auto p, auto q) { return test; });                         \
  }                                                                                           \
  namespace {                                                                                 \
  struct Rule_##name {                                                                        \
    static void samples(SampleList& s) { add_logic(s, "torch." #name "(a, b)", heed::name); } \
  };                                                                                          \
  }                                                                                           \
  DEFINE_OP(name, Rule_##name)
HEED_LOGIC(logical_and, p& q)
HEED_LOGIC(logical_or, p | q)
HEED_LOGIC(logical_xor, p ^ q)
#undef HEED_LOGIC

namespace {
struct LogicalNot {
  static void samples(SampleList& s) {
    s.add("torch.logical_not(a)", {mask({2, 2}, {0, 1, 1, 0})}, [](const auto& x) {
       return std::vector{logical_not(x[0])};
     }).without_gradient(kOfMasks);
    s.again({mask({0, 2}, {})});
  }
};
}  // namespace

Tensor logical_not(const Tensor& x) {
  require_mask("logical_not", x);
  const Tensor y = detail::allocate("logical_not", x.shape(), DType::boolean);
  const Tensor dense = detail::composed("logical_not", [&] { return x.contiguous(); });
  each_byte(y, dense, dense, [](char p, char) { return p ^ 1; });
  return y;
}

Tensor isclose(const Tensor& a, const Tensor& b, double relative, double absolute) {
  detail::require_defined("isclose", a, b);
  if (!(relative >= 0) || !(absolute >= 0)) {
    throw ValueError("isclose", fmt::format("a tolerance is at least 0, got {} and {}", relative, absolute));
  }
  if (a.dtype() != b.dtype()) {
    const NoGradGuard no_grad;
    return isclose(a.to(DType::f64), b.to(DType::f64), relative, absolute);
  }
  return compare("isclose", a, b, [=](auto p, auto q) {
    const auto x = static_cast<double>(p), y = static_cast<double>(q), apart = std::abs(x - y);
    return x == y ||
           (apart <= std::numeric_limits<double>::max() && apart <= std::abs(y) * relative + absolute);
  });
}
bool allclose(const Tensor& a, const Tensor& b, double relative, double absolute) {
  return detail::composed("allclose", [&] { return all(isclose(a, b, relative, absolute)).item() != 0; });
}

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  detail::require_defined("where", condition, a, b);
  if (a.dtype() != b.dtype()) {
    const DType dtype = promote(a.dtype(), b.dtype());
    return detail::composed("where", [&] { return where(condition, a.to(dtype), b.to(dtype)); });
  }
  return apply(Where{a.shape(), b.shape()}, condition, a, b);
}
Tensor where(const Tensor& condition, const Tensor& a, Scalar b) {
  detail::require_defined("where", condition, a);
  return where(condition, a, detail::scalar_operand(b, a.dtype()));
}
Tensor where(const Tensor& condition, Scalar a, const Tensor& b) {
  detail::require_defined("where", condition, b);
  return where(condition, detail::scalar_operand(a, b.dtype()), b);
}
Tensor where(const Tensor& condition, Scalar a, Scalar b) {
  return where(condition, detail::scalar_operand(a, DType::boolean),
               detail::scalar_operand(b, DType::boolean));
}

Tensor masked_fill(const Tensor& x, const Tensor& filled, Scalar value) {
  detail::require_defined("masked_fill", x, filled);
  require_mask("masked_fill", filled);
  if (broadcast_shapes("masked_fill", filled.shape(), x.shape()) != x.shape()) {
    throw ShapeError("masked_fill", fmt::format("the mask {} does not stretch to {}", filled.shape().str(),
                                                x.shape().str()));
  }
  return detail::composed("masked_fill", [&] { return where(filled, full({}, value, x.dtype()), x); });
}

Tensor any(const Tensor& x, const Dims& dims, KeepDim keep) {
  require_mask("any", x);
  return detail::composed("any", [&] { return gt(sum(x, dims, keep), 0); });
}
Tensor all(const Tensor& x, const Dims& dims, KeepDim keep) {
  return detail::composed("all", [&] { return logical_not(any(logical_not(x), dims, keep)); });
}

DEFINE_OP(logical_not, LogicalNot)
DEFINE_OP(isclose, IsClose)
DEFINE_OP(any, AnyAll<false>)
DEFINE_OP(all, AnyAll<true>)
DEFINE_OP(where, Where)
DEFINE_OP(masked_fill, MaskedFill)

}  // namespace heed
