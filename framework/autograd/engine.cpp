#include "framework/autograd/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <unordered_map>
#include <utility>

#include "framework/autograd/grad_mode.h"
#include "framework/autograd/hooks.h"
#include "framework/autograd/tensor_hooks.h"
#include "framework/core/error.h"
#include "framework/core/profiled.h"
#include "framework/kernels/kernels.h"
#include "framework/ops/ops.h"

namespace heed {

void require_training(const char* op) {
  if (InferenceGuard::active()) throw GradError(op, "not under InferenceGuard");
}

namespace {

// In the place of a leaf's node, in a backward beside one of another thread: both may reach the leaf.
struct StandIn final : Node {
  explicit StandIn(LeafNode& node) : Node(sizeof(StandIn), Leaf{}), leaf(node) {
    set_outputs(&arrived, 1);
    hooks = leaf.hooks;
  }
  ~StandIn() override { hooks = nullptr; }  // the leaf's
  const char* name() const override { return leaf.name(); }
  void backward(Grads&) override { leaf.take(arrived); }
  void release_saved() override {}
  LeafNode& leaf;
  Tensor arrived;
};

// Whether a backward keeps the cotangents of leaves in their nodes: one at a time does.
std::atomic<bool> leaves_in_use{false};

}  // namespace

// The nodes still to run, as a priority queue by falling sequence number. The first one is kept in `next_`
// and the others in a heap, so that a plain chain of nodes never uses the heap. Cotangents are stored in the
// nodes and are always cleared at the end, also after an error. The roots own the graph, so raw pointers to
// nodes suffice here.
class Agenda {
 public:
  Agenda() : owns_leaves_(!leaves_in_use.exchange(true, std::memory_order_acquire)) {}
  ~Agenda() {
    if (next_) forget(*next_);
    for (Node* node : heap_) forget(*node);
    if (owns_leaves_) leaves_in_use.store(false, std::memory_order_release);
  }
  Agenda(const Agenda&) = delete;
  Agenda& operator=(const Agenda&) = delete;
  // What collects the cotangents of a node in this backward: itself, or a leaf's stand-in.
  Node& collector(Node& node) {
    if (owns_leaves_ || node.sequence != 0) [[likely]]
      return node;
    std::unique_ptr<StandIn>& stand_in = stand_ins_[&node];
    if (!stand_in) stand_in = std::make_unique<StandIn>(static_cast<LeafNode&>(node));
    return *stand_in;
  }
  // The node that another one collects for.
  Node* collected(Node& node) const {
    return owns_leaves_ || node.sequence != 0 ? &node : &static_cast<StandIn&>(node).leaf;
  }
  void hold(const IntrusivePtr<Node>& root) { roots_.push_back(root); }
  void push(Node* node) {
    if (node->queued) return;
    node->queued = true;
    if (next_ ? older(next_, node) : heap_.empty() || older(heap_.front(), node)) std::swap(next_, node);
    if (!node) return;
    heap_.push_back(node);
    std::push_heap(heap_.begin(), heap_.end(), older);
  }
  bool empty() const { return !next_ && heap_.empty(); }
  Node& pop() {
    if (next_) return *std::exchange(next_, nullptr);
    std::pop_heap(heap_.begin(), heap_.end(), older);
    Node* const node = heap_.back();
    heap_.pop_back();
    return *node;
  }
  static void forget(Node& node) {
    node.queued = false;
    for (int i = 0; i < node.output_count(); ++i) node.cotangents[i] = Tensor{};
  }

 private:
  static bool older(const Node* a, const Node* b) { return a->sequence < b->sequence; }
  bool owns_leaves_;
  Node* next_ = nullptr;
  std::vector<Node*> heap_;
  std::vector<IntrusivePtr<Node>> roots_;
  std::unordered_map<Node*, std::unique_ptr<StandIn>> stand_ins_;
};

namespace {

Tensor seed_for(const Tensor& y, const Tensor& cotangent) {
  if (cotangent.defined()) {
    if (cotangent.shape() != y.shape() || cotangent.dtype() != y.dtype()) {
      throw ShapeError("backward",
                       fmt::format("cotangent {} for a tensor {}", cotangent.describe(), y.describe()));
    }
    return cotangent;
  }
  if (y.numel() != 1)
    throw ShapeError(
        "backward", fmt::format("{} needs a cotangent; or make one element of it (sum, mean)", y.describe()));
  return ones(y.shape(), y.dtype());
}

struct Capture {
  Edge edge;
  Tensor value;
};

void seed(Agenda& agenda, const Tensor& y, const Tensor& cotangent) {
  const Edge edge = gradient_edge(y);
  if (!edge.node) throw GradError("backward", "nothing that the tensor was made from wants a gradient");
  agenda.hold(edge.node);
  Node& collector = agenda.collector(*edge.node);
  accumulate(collector.cotangents[static_cast<size_t>(edge.output)], seed_for(y, cotangent));
  agenda.push(&collector);
}

bool is_leaf(const Node& node) { return node.sequence == 0; }

// Forbids a backward inside a backward of the same thread: cotangents are stored in the nodes, so the two
// would mix.
class Running {
 public:
  explicit Running(const char* op) {
    if (on_) throw GradError(op, "called inside a backward, by a hook or a vjp");
    on_ = true;
  }
  ~Running() { on_ = false; }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  static inline thread_local bool on_ = false;
};

// The node's backward, reported to a Profiler.
void run_vjp(Agenda& agenda, Node& node, Grads& grads) {
  if (!detail::is_profiling()) [[likely]]
    return node.backward(grads);
  detail::ProfiledCall call(node.name(), Direction::backward, node.sequence);
  for (int i = 0; i < node.output_count(); ++i) call.read(node.cotangents[i]);
  for (const SavedTensor& kept : node.kept()) call.read(kept.value);
  node.backward(grads);
  for (int i = 0; i < node.edge_count(); ++i) {
    if (const Edge& edge = node.edge(i); edge.node)
      call.wrote(agenda.collector(*edge.node).cotangents[static_cast<size_t>(edge.output)]);
  }
}

void run(Agenda& agenda, std::vector<Capture>* captures, bool retain_graph) {
  while (!agenda.empty()) {
    Node& node = agenda.pop();
    struct Forget {
      Node& node;
      ~Forget() { Agenda::forget(node); }
    } forget{node};
    if (node.hooks) [[unlikely]]
      run_gradient_hooks(node);
    if (captures) {
      for (Capture& capture : *captures) {
        if (capture.edge.node.get() == agenda.collected(node))
          capture.value = node.cotangents[static_cast<size_t>(capture.edge.output)];
      }
      if (is_leaf(node)) continue;  // grad() does not accumulate in leaves
    }
    Grads grads(node, agenda);
    try {
      for (BackwardHook* hook = BackwardHook::innermost(); hook; hook = hook->outer()) hook->before(node);
      const AutocastGuard as_recorded(node.autocast);
      node.last = !retain_graph;
      run_vjp(agenda, node, grads);
      for (BackwardHook* hook = BackwardHook::innermost(); hook; hook = hook->outer()) hook->after(node);
      // clear the cotangents that the failed vjp has already added to nodes that are not on the agenda yet
    } catch (...) {
      for (int i = 0; i < node.edge_count(); ++i) {
        const Edge& edge = node.edge(i);
        if (!edge.node) continue;
        if (Node& collector = agenda.collector(*edge.node); !collector.queued) Agenda::forget(collector);
      }
      throw;
    }
    for (int i = 0; i < node.edge_count(); ++i) {
      const Edge& edge = node.edge(i);
      if (!edge.node) continue;
      Node& collector = agenda.collector(*edge.node);
      if (collector.cotangents[static_cast<size_t>(edge.output)].defined()) agenda.push(&collector);
    }
    if (!retain_graph) {
      node.release_saved();
      node.released = !is_leaf(node);
    }
  }
}

}  // namespace

void backward(const Tensor& y, const Tensor& cotangent, bool retain_graph) {
  require_training("backward");
  const Running running("backward");
  const GradModeScope mode(false);
  Agenda agenda;
  seed(agenda, y, cotangent);
  run(agenda, nullptr, retain_graph);
}

std::vector<Tensor> grad(std::span<const Tensor> outputs, std::span<const Tensor> inputs,
                         std::span<const Tensor> cotangents, GradOptions options) {
  require_training("grad");
  std::vector<Capture> captures;
  for (const Tensor& x : inputs) {
    captures.push_back({gradient_edge(x), {}});
    if (!captures.back().edge.node) throw GradError("grad", "an input wants no gradient: " + x.describe());
  }
  {
    const Running running("grad");
    const GradModeScope mode(options.create_graph);
    Agenda agenda;
    for (size_t i = 0; i < outputs.size(); ++i)
      seed(agenda, outputs[i], i < cotangents.size() ? cotangents[i] : Tensor{});
    run(agenda, &captures, options.retain_graph || options.create_graph);
  }
  std::vector<Tensor> result;
  for (size_t i = 0; i < captures.size(); ++i) {
    if (!captures[i].value.defined() && !options.allow_unused) {
      throw GradError("grad", fmt::format("the outputs do not depend on input {}", i));
    }
    result.push_back(std::move(captures[i].value));
  }
  return result;
}

namespace {

bool may_change(const Tensor& total) {
  return !GradMode::enabled() && total.shares_nothing() && total.is_contiguous();
}

void add_to(Tensor& total, const Tensor& g) {
  if (g.shape() != total.shape() || g.dtype() != total.dtype()) [[unlikely]] {
    throw ShapeError(
        "backward",
        fmt::format(
            "a gradient {} arrived where {} had: some vjp gives another shape or dtype than its input's",
            g.describe(), total.describe()));
  }
  if (!may_change(total)) {
    total = add(total, g);
  } else if (g.is_contiguous()) {
    kernels::add_into(total.dtype(), total.numel(), g.raw_data(), total.raw_data());
  } else {
    const Tensor dense = g.contiguous();
    kernels::add_into(total.dtype(), total.numel(), dense.raw_data(), total.raw_data());
  }
}

}  // namespace

void accumulate(Tensor& total, const Tensor& g) {
  if (total.defined()) return add_to(total, g);
  total = g;
}

void accumulate(Tensor& total, Tensor&& g) {
  if (total.defined()) return add_to(total, g);
  total = std::move(g);
}

Tensor& Grads::slot(int i) {
  const Edge& edge = node_.edge(i);
  return agenda_.collector(*edge.node).cotangents[static_cast<size_t>(edge.output)];
}

void Grads::throw_no_input(int i) const {
  throw GradError("backward",
                  fmt::format("the vjp of '{}' names input {} of {}", node_.name(), i, node_.edge_count()));
}

void Grads::add(int i, const Tensor& g) {
  if (wants(i)) accumulate(slot(i), g);
}

void Grads::add(int i, Tensor&& g) {
  if (wants(i)) accumulate(slot(i), std::move(g));
}

void Grads::add_matmul(int i, const Tensor& a, const Tensor& b) {
  if (!wants(i)) return;
  Tensor& total = slot(i);
  const auto takes_product = [&] {
    const int d = total.ndim();
    return d >= 2 && a.ndim() == d && b.ndim() == d && total.dtype() == a.dtype() &&
           total.shape() == a.shape().with(d - 1, b.size(-1)) &&
           // one row is dense with any stride, but GEMM needs one >= its length
           total.strides()[d - 2] >= total.shape()[d - 1];
  };
  if (!total.defined() || !may_change(total) || !takes_product()) {
    accumulate(total, matmul(a, b));
  } else {
    const detail::RoundedProducts rounded(AutocastGuard::active());  // round as matmul would
    kernels::matmul(a, b, total, 1.0);
  }
}

Tensor Grads::buffer(int i, const Shape& shape, DType dtype) {
  if (GradMode::enabled()) return {};
  Tensor& total = slot(i);
  if (!total.defined()) {
    total = zeros(shape, dtype);
  } else if (!total.shares_nothing() || !total.is_contiguous()) {
    total = total.clone();
  }
  return total.detach();
}

void Grads::follow(const Tensor& y, const Tensor& g) {
  const Edge edge = gradient_edge(y);
  if (!edge.node) return;
  agenda_.hold(edge.node);
  Node& collector = agenda_.collector(*edge.node);
  accumulate(collector.cotangents[edge.output], g);
  agenda_.push(&collector);
}

void Grads::add_slice(int i, const Shape& shape, int dim, int64_t start, const Tensor& g) {
  if (!wants(i)) return;
  const int64_t end = start + g.size(dim);
  if (Tensor& total = slot(i); !GradMode::enabled() && !total.defined()) {
    total = empty(shape, g.dtype());
    const auto copy_to = [&, whole = total.detach()](int64_t from, int64_t to, const void* x,
                                                     const Strides& xs) {
      const Tensor part = slice(whole, dim, from, to);
      kernels::copy_strided(g.dtype(), part.shape(), x, xs, part.raw_data(), part.strides());
    };
    const double zero = 0;  // of either type
    Strides still = shape;
    for (int d = 0; d < shape.ndim(); ++d) still[d] = 0;
    copy_to(0, start, &zero, still);
    copy_to(start, end, g.raw_data(), g.strides());
    copy_to(end, shape[dim], &zero, still);
    return;
  }
  if (const Tensor whole = buffer(i, shape, g.dtype()); whole.defined()) {
    const Tensor part = slice(whole, dim, start, end);
    kernels::add_strided(g.dtype(), g.shape(), g.raw_data(), g.strides(), part.raw_data(), part.strides());
    return;
  }
  std::vector<Tensor> parts;
  if (start > 0) parts.push_back(zeros(shape.with(dim, start), g.dtype()));
  parts.push_back(g);
  if (const int64_t rest = shape[dim] - end; rest > 0)
    parts.push_back(zeros(shape.with(dim, rest), g.dtype()));
  add(i, concat(parts, dim));
}

}  // namespace heed
