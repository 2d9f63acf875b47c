// cast; and what is made from nothing (core/tensor.h), which has rows for its values alone.
#include <fmt/format.h>

#include "framework/core/random.h"
#include "framework/ops/apply.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

// y = x in another floating dtype.      vjp: dx = g in x's dtype
struct Cast {
  static constexpr const char* kName = "cast";
  DType from, into;
  Tensor forward(const Tensor& x, Saved&) const { return x.detach().to(into); }
  void vjp(Grads& d, const Tensor& g, const Saved&) const { d.add(0, cast(g, from)); }
  static void samples(SampleList& s) {  // one that a difference of 1e-6 is not lost in
    s.add("a.double()", {{2, 3}}, [](const auto& x) {
      return std::vector{apply(Cast{x[0].dtype(), DType::f64}, x[0])};
    });
    s.add("a.double()", {{0, 3}}, [](const auto& x) {
      return std::vector{apply(Cast{x[0].dtype(), DType::f64}, x[0])};
    });
  }
};

constexpr const char* kNoInput = "there is no input to have a gradient";

void add(SampleList& s, const char* torch, Tensor (*make)()) {
  s.add(torch, {}, [make](const auto&) { return std::vector{make()}; }).without_gradient(kNoInput);
}

struct Zeros {
  static void samples(SampleList& s) {
    add(s, "torch.zeros(2, 3)", [] { return zeros({2, 3}); });
    add(s, "torch.zeros(0, 3)", [] { return zeros({0, 3}); });
  }
};
struct Ones {
  static void samples(SampleList& s) {
    add(s, "torch.ones(2, 3)", [] { return ones({2, 3}); });
  }
};
struct Full {
  static void samples(SampleList& s) {
    add(s, "torch.full((2, 3), -1.5)", [] { return full({2, 3}, -1.5); });
    add(s, "torch.full((), 7)", [] { return full({}, 7, DType::i64); });
  }
};
struct Arange {
  static void samples(SampleList& s) {
    add(s, "torch.arange(5)", [] { return arange(5); });
    add(s, "torch.arange(2.0, -1.0, -0.75, dtype=torch.double)",
        [] { return arange(2, -1, -0.75, DType::f64); });
    add(s, "torch.zeros(0)", [] { return arange(3, 1, 0.5); });
  }
};
struct Linspace {
  static void samples(SampleList& s) {
    add(s, "torch.linspace(-1, 2, 7, dtype=torch.double)", [] { return linspace(-1, 2, 7, DType::f64); });
    add(s, "torch.linspace(3, 9, 1)", [] { return linspace(3, 9, 1); });
    add(s, "torch.linspace(3, 9, 0)", [] { return linspace(3, 9, 0); });
  }
};
struct Eye {
  static void samples(SampleList& s) {
    add(s, "torch.eye(3)", [] { return eye(3); });
    add(s, "torch.eye(2, 4)", [] { return eye(2, 4); });
  }
};

struct FromVector {
  static void samples(SampleList& s) {
    add(s, "torch.tensor([[1.5, -2, 3], [0.25, 1e300, -7]], dtype=torch.double)", [] {
      return from_vector(std::vector<double>{1.5, -2, 3, 0.25, 1e300, -7}, {2, 3});
    });
    add(s, "torch.tensor([0.5, -2])", [] { return from_vector(std::vector<float>{0.5, -2}, {2}); });
    add(s, "torch.tensor([[4], [-1]])", [] { return from_vector(std::vector<int64_t>{4, -1}, {2, 1}); });
    add(s, "torch.tensor([True, False])", [] { return from_vector(std::vector<bool>{true, false}, {2}); });
    add(s, "torch.zeros(0, 3)", [] { return from_vector(std::vector<float>{}, {0, 3}); });
  }
};

// Random: what PyTorch draws from the same seed is other numbers. tests/framework/core/random_test.cpp looks
// at their distributions.
template <Tensor (*kMake)()>
struct Random {
  static void samples(SampleList& s) {
    OpSample& sample = s.add("", {}, [](const auto&) {
      manual_seed(3);
      return std::vector{kMake()};
    });
    sample.without_gradient("random: PyTorch draws other numbers");
  }
};
Tensor some_uniform() { return uniform({3, 5}, -1, 2); }
Tensor some_randn() { return randn({3, 5}); }
Tensor some_bernoulli() { return bernoulli({3, 5}, 0.3); }

}  // namespace

Tensor cast(const Tensor& x, DType dtype) {
  detail::require_defined("cast", x);
  if (!is_floating(x.dtype()) || !is_floating(dtype)) {
    throw DTypeError("cast",
                     fmt::format("between f32 and f64, got {} into {}", x.describe(), name_of(dtype)));
  }
  return x.dtype() == dtype ? x : apply(Cast{x.dtype(), dtype}, x);
}

DEFINE_OP(cast, Cast)
DEFINE_OP(zeros, Zeros)
DEFINE_OP(ones, Ones)
DEFINE_OP(full, Full)
DEFINE_OP(arange, Arange)
DEFINE_OP(linspace, Linspace)
DEFINE_OP(eye, Eye)
DEFINE_OP(uniform, Random<some_uniform>)
DEFINE_OP(randn, Random<some_randn>)
DEFINE_OP(bernoulli, Random<some_bernoulli>)
DEFINE_OP(from_vector, FromVector)

}  // namespace heed
