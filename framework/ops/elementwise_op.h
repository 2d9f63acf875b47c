// Elementwise functions of one tensor: the code that all of them share. Each function is a small struct, its
// Rule, with these members:
//
//   kName                     name of the op, used in errors
//   kKeeps                    which tensor backward reads: the input or the output
//   kOp, or op()              the kernel (kernels::unary and its backward), with parameters if it has any
//   value(x), slope(kept)     or instead the function and its derivative for one element, called in a loop
//   composed(g, kept)         the gradient computed with public ops, for derivatives of any order
//   of_whole(x)               the op on i64, for functions whose values are whole then; others compute in f32
//   kTorch, kFill             PyTorch's expression and the SampleInput::Fill of the samples, or samples(list)
//
// gradcheck at order 1 tests the kernel or the slope, at order 2 the composed form.
#pragma once

#include "framework/kernels/kernels.h"
#include "framework/ops/apply.h"
#include "framework/ops/elementwise.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed::detail {

enum class Keeps : uint8_t { input, output };

template <class Function>
void add_elementwise_samples(SampleList& s, const char* torch, SampleInput::Fill filled, const Function& f) {
  const auto run = [f](const std::vector<Tensor>& x) { return std::vector{f(x[0])}; };
  for (const Shape& shape : {Shape{3, 5}, Shape{2, 3, 17}, Shape{0, 3}})
    s.add(torch, {SampleInput(shape, filled)}, run);
}

template <class Rule>
Tensor elementwise(const char* name, const Tensor& x, Rule rule);

template <class Rule>
struct Elementwise {
  static constexpr const char* kName = Rule::kName;
  [[no_unique_address]] Rule rule;

  kernels::UnaryOp op() const {
    if constexpr (requires { Rule::kOp; }) {
      return Rule::kOp;
    } else {
      return rule.op();
    }
  }
  Tensor forward(const Tensor& input, Saved& saved) const {
    const Tensor x = input.contiguous(), y = empty(x.shape(), x.dtype());
    dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      const T* const from = x.data<T>();
      if constexpr (requires { rule.value(T{}); }) {
        fill_each<T>(y, [&](int64_t i) { return rule.value(from[i]); });
      } else {
        kernels::unary<T>(op(), x.numel(), from, y.data<T>());
      }
    });
    if (Rule::kKeeps == Keeps::input) {
      saved.input(input);
    } else {
      saved.output(y);
    }
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const Tensor kept = saved[0];
    if (GradMode::enabled()) return d.add(0, rule.composed(g, kept));
    const Tensor dense_g = g.contiguous(), dense = kept.contiguous(), dx = empty(g.shape(), g.dtype());
    dispatch_floating(kName, g.dtype(), [&](auto t) {
      using T = decltype(t);
      const T *const cotangent = dense_g.data<T>(), *const from = dense.data<T>();
      if constexpr (requires { rule.slope(T{}); }) {
        fill_each<T>(dx, [&](int64_t i) { return cotangent[i] * rule.slope(from[i]); });
      } else {
        kernels::unary_backward<T>(op(), g.numel(), cotangent, from, from, dx.data<T>());
      }
    });
    d.add(0, dx);
  }
  static void samples(SampleList& s) {
    if constexpr (requires { Rule::kTorch; }) {
      add_elementwise_samples(s, Rule::kTorch, Rule::kFill,
                              [](const Tensor& x) { return elementwise(kName, x, Rule{}); });
    } else {
      Rule::samples(s);
    }
  }
};

// Runs the op of a Rule; errors use `name`, the function that the user called.
template <class Rule>
Tensor elementwise(const char* name, const Tensor& x, Rule rule) {
  require_defined(name, x);
  if (!is_floating(x.dtype())) [[unlikely]] {
    if constexpr (requires { rule.of_whole(x); }) {
      return in_type(name, x, DType::i64, [&](const Tensor& whole) { return rule.of_whole(whole); });
    }
    return in_type(name, x, DType::f32, [&](const Tensor& y) { return elementwise(name, y, rule); });
  }
  return apply(Elementwise<Rule>{rule}, x);
}

}  // namespace heed::detail

/// Defines the public function of a Rule without options and registers it as an op.
/// @param name name of the function
/// @param Rule struct described at the top of this file
#define HEED_ELEMENTWISE(name, Rule)                                             \
  Tensor name(const Tensor& x) { return detail::elementwise(#name, x, Rule{}); } \
  DEFINE_OP(name, detail::Elementwise<Rule>)
