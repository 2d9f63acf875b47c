// apply(Op{...}, x, ...): runs an op and records it for backward. With this header alone a user can define a
// new op in their own project:
//
//   struct Cube {                                              // y = x^3
//     static constexpr const char* kName = "cube";
//     Tensor forward(const Tensor& x, Saved& saved) const { saved.input(x); return mul(x, mul(x, x)); }
//     void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
//       d.add(0, g * 3.0 * saved[0] * saved[0]);
//     }
//   };
//   Tensor cube(const Tensor& x) { return apply(Cube{}, x); }
//
// forward runs with grad mode off and returns a Tensor or a std::array of Tensors; for an array, vjp receives
// a std::array of cotangents, some of which may be undefined. A vjp that takes g by value receives the
// engine's own handle, and Grads can add in place to a tensor moved from it. kSaved is the largest number of
// tensors that the op saves (default 2); other state that an op stores in itself for backward is dropped in
// its release(), if it defines one. Inputs may be undefined (an optional bias). An op whose result is cheaper
// to compute again than to keep defines `Tensor again(const Saved& saved) const`, which gives that result to
// the bit from what forward kept; ops that read the result then do not keep it.
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <new>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "framework/autograd/engine.h"
#include "framework/autograd/grad_mode.h"
#include "framework/autograd/node.h"
#include "framework/autograd/saved.h"
#include "framework/core/autocast.h"
#include "framework/core/memory_pool.h"
#include "framework/core/profiled.h"
#include "framework/ops/naming.h"
#include "framework/ops/policy.h"

namespace heed {

namespace detail {

template <class Op>
constexpr int saved_capacity() {
  if constexpr (requires { Op::kSaved; }) {
    return Op::kSaved;
  } else {
    return 2;
  }
}

constexpr int kDynamic = -1;

// Calls f, the forward or vjp of Op. Its products round to bf16 if autocast is on and the op's policy in
// ops.def is `gemm`.
template <class Op, class F>
decltype(auto) with_policy(const F& f) {
  if constexpr (autocast_policy(row_of<Op>()) == AutocastPolicy::gemm) {
    const RoundedProducts rounded(AutocastGuard::active());
    return f();
  } else {
    return f();
  }
}

// Remembers the shapes and dtypes of the inputs of a user-defined op, to check that its vjp returns gradients
// that match them. Ops from ops.def are tested and skip this check (GivenToARow).
template <int N>
class Given {
 public:
  template <class Inputs>
  explicit Given(const Inputs& inputs) {
    size_t i = 0;
    if constexpr (N == kDynamic) inputs_.resize(inputs.size());
    for (const Tensor& x : inputs) {
      if (x.defined()) inputs_[i] = {x.shape(), x.dtype()};
      ++i;
    }
  }
  void check(Node& node) const {
    for (int i = 0; i < node.edge_count(); ++i) {
      const Edge& edge = node.edge(i);
      if (!edge.node) continue;
      const Tensor& g = edge.node->cotangents[edge.output];
      const auto& [shape, dtype] = inputs_[static_cast<size_t>(i)];
      if (g.defined() && (g.shape() != shape || g.dtype() != dtype)) [[unlikely]]
        throw_other_gradient(node, i, g, shape, dtype);
    }
  }

 private:
  using Kind = std::pair<Shape, DType>;
  std::conditional_t<N == kDynamic, std::vector<Kind>, std::array<Kind, static_cast<size_t>(N < 0 ? 0 : N)>>
      inputs_;
};
struct GivenToARow {
  template <class Inputs>
  explicit GivenToARow(const Inputs&) {}
  static void check(Node&) {}
};

// Calls f, the forward of Op. An allocation error inside it is rethrown with the op's name.
template <class Op, class F>
decltype(auto) run_unobserved(const F& f) {
  try {
    return with_policy<Op>(f);
  } catch (const Error&) {
    rethrow_allocation_as(Op::kName);
  }
}

template <class... Inputs>
uint64_t youngest(const Inputs&... inputs) {
  return std::max({uint64_t{0}, sequence_of(inputs)...});
}

template <class T>
struct OutputCount {
  static constexpr int value = 0;
};
template <size_t O>
struct OutputCount<std::array<Tensor, O>> {
  static constexpr int value = static_cast<int>(O);
};

template <class Result>
std::span<const Tensor> as_span(const Result& result) {
  if constexpr (OutputCount<Result>::value == 0) {
    return {&result, 1};
  } else {
    return result;
  }
}

// Calls f, the forward of Op, and reports it to a Profiler. show(call) has the call read the inputs.
template <class Op, class F, class Show>
auto run_forward(uint64_t sequence, const Show& show, const F& f) {
  if (!is_profiling()) [[likely]]
    return run_unobserved<Op>(f);
  ProfiledCall call(Op::kName, Direction::forward, sequence);
  show(call);
  auto result = run_unobserved<Op>(f);
  for (const Tensor& y : as_span(result)) call.wrote(y);
  return result;
}

// The node of one recorded op. N: number of inputs, or kDynamic; O: number of outputs in a std::array, or 0
// if forward returns one plain Tensor.
template <class Op, int N, int O>
struct OpNode final : Node {
  using Edges = std::conditional_t<N == kDynamic, std::vector<Edge>,
                                   std::array<Edge, static_cast<size_t>(N < 0 ? 0 : N)>>;

  template <class Inputs>
  OpNode(Op the_op, uint64_t after, Edges the_edges, uint32_t wanted, const Inputs& inputs)
      : Node(sizeof(OpNode), after),
        op(std::move(the_op)),
        given(inputs),
        edges(std::move(the_edges)),
        saved(this, slots.data(), saved_capacity<Op>(), wanted) {
    set_edges(edges.data(), edges.size());
    set_outputs(arrived.data(), arrived.size());
  }
  const char* name() const override { return Op::kName; }
  std::span<const SavedTensor> kept() const override {
    return {slots.data(), static_cast<size_t>(saved.count())};
  }
  void release_saved() override {
    saved.release();
    if constexpr (requires { op.release(); }) op.release();
    again_ = Again{};
  }
  bool recomputes() const override { return kRecomputes; }
  Tensor recomputed() override {
    if constexpr (kRecomputes) {
      if (!again_.defined()) {
        const NoGradGuard no_grad;
        again_ = run_forward<Op>(
            sequence, [](auto&) {}, [&] { return op.again(saved); });
      }
      return again_;
    }
    return {};
  }
  void backward(Grads& grads) override {
    with_policy<Op>([&] {
      if constexpr (O == 0) {
        op.vjp(grads, std::move(arrived[0]), saved);
      } else {
        op.vjp(grads, arrived, saved);
      }
    });
    again_ = Again{};
    given.check(*this);
  }

  [[no_unique_address]] Op op;
  [[no_unique_address]] std::conditional_t<row_of<Op>().empty(), Given<N>, GivenToARow> given;
  Edges edges;
  std::array<Tensor, O == 0 ? 1 : O> arrived;  // cotangents
  [[no_unique_address]] std::array<SavedTensor, saved_capacity<Op>()> slots;
  Saved saved;

 private:
  static constexpr bool kRecomputes = requires(const Op& it, const Saved& kept) { it.again(kept); };
  struct Nothing {};
  using Again = std::conditional_t<kRecomputes, Tensor, Nothing>;
  [[no_unique_address]] Again again_;  // the result, while nodes above this one run their backward
};

inline void attach(Tensor& y, IntrusivePtr<Node> node, int output, std::span<const Tensor* const> inputs) {
  if (!y.defined() || !is_floating(y.dtype())) return;
  for (const Tensor* x : inputs) {
    if (x->body() == y.body()) [[unlikely]]
      y = y.detach();  // forward returned an input unchanged: the input must keep its own place in the graph
  }
  y.body()->grad_node = std::move(node);
  y.body()->grad_output = output;
}

template <class Result>
void attach_all(Result& result, IntrusivePtr<Node> node, std::span<const Tensor* const> inputs) {
  if constexpr (OutputCount<Result>::value == 0) {
    attach(result, std::move(node), 0, inputs);
  } else {
    for (size_t i = 0; i < result.size(); ++i) attach(result[i], node, static_cast<int>(i), inputs);
  }
}

}  // namespace detail

/// Runs an op, and records it for backward if grad mode is on and an input requires a gradient.
/// @param op the op's struct, as described at the top of this file; moved into the recorded node
/// @param inputs tensors, at most 32; may be undefined
/// @return the result of op.forward
template <class Op, std::same_as<Tensor>... Inputs>
auto apply(Op op, const Inputs&... inputs) {
  static_assert(sizeof...(Inputs) <= 32, "apply: more than 32 inputs: use apply_list");
  using Result = decltype(op.forward(inputs..., std::declval<Saved&>()));
  const auto show = [&](auto& call) { (call.read(inputs), ...); };
  if (!GradMode::enabled() || !(inputs.requires_grad() || ...)) {
    const NoGradGuard no_grad;
    Saved nothing;
    return detail::run_forward<Op>(0, show, [&] { return op.forward(inputs..., nothing); });
  }
  using Typed = detail::OpNode<Op, sizeof...(Inputs), detail::OutputCount<Result>::value>;
  uint32_t wanted = 0;
  int i = 0;
  ((wanted |= uint32_t{inputs.requires_grad()} << i++), ...);
  auto* const node = new (pool_allocate(sizeof(Typed))) Typed(
      std::move(op), detail::youngest(inputs...), typename Typed::Edges{gradient_edge(inputs)...}, wanted,
      std::array<std::reference_wrapper<const Tensor>, sizeof...(Inputs)>{std::cref(inputs)...});
  IntrusivePtr<Node> handle = IntrusivePtr<Node>::adopt(node);
  Result result = [&] {
    const NoGradGuard no_grad;
    return detail::run_forward<Op>(node->sequence, show,
                                   [&] { return node->op.forward(inputs..., node->saved); });
  }();
  if (node->watched) [[unlikely]] {
    detail::show_computed(*node, std::initializer_list<Tensor>{inputs...}, detail::as_span(result));
  }
  const std::array<const Tensor*, sizeof...(Inputs)> given{&inputs...};
  detail::attach_all(result, std::move(handle), given);
  return result;
}

/// The same for parts of tensors, such as x[ids].
/// @param op,inputs as in the overload above
/// @return the result of op.forward
template <class Op, std::derived_from<Tensor>... Inputs>
requires(!(std::same_as<Inputs, Tensor> && ...)) auto apply(Op op, const Inputs&... inputs) {
  return apply(std::move(op), static_cast<const Tensor&>(inputs)...);
}

/// Like apply(), for any number of inputs known only at run time.
/// @param op the op's struct; its forward takes a std::span<const Tensor>
/// @param inputs tensors; may be undefined
/// @return the result of op.forward
template <class Op>
Tensor apply_list(Op op, std::span<const Tensor> inputs) {
  const bool record = GradMode::enabled() && std::any_of(inputs.begin(), inputs.end(),
                                                         [](const Tensor& x) { return x.requires_grad(); });
  const auto show = [&](auto& call) {
    for (const Tensor& x : inputs) call.read(x);
  };
  if (!record) {
    const NoGradGuard no_grad;
    Saved nothing;
    return detail::run_forward<Op>(0, show, [&] { return op.forward(inputs, nothing); });
  }
  using Typed = detail::OpNode<Op, detail::kDynamic, 0>;
  std::vector<Edge> edges;
  std::vector<const Tensor*> given;
  uint64_t after = 0;
  uint32_t wanted = 0;  // bit i: input i requires a gradient, for the first 32 inputs
  for (const Tensor& x : inputs) {
    if (edges.size() < 32) wanted |= uint32_t{x.requires_grad()} << edges.size();
    given.push_back(&x);
    edges.push_back(gradient_edge(x));
    after = std::max(after, detail::sequence_of(x));
  }
  auto* const node =
      new (pool_allocate(sizeof(Typed))) Typed(std::move(op), after, std::move(edges), wanted, inputs);
  IntrusivePtr<Node> handle = IntrusivePtr<Node>::adopt(node);
  Tensor result = [&] {
    const NoGradGuard no_grad;
    return detail::run_forward<Op>(node->sequence, show,
                                   [&] { return node->op.forward(inputs, node->saved); });
  }();
  if (node->watched) [[unlikely]]
    detail::show_computed(*node, inputs, {&result, 1});
  detail::attach(result, std::move(handle), 0, given);
  return result;
}

}  // namespace heed
