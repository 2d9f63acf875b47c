// The engine: runs recorded nodes by falling sequence number, without recursion and in one fixed order.
#pragma once

#include <span>
#include <vector>

#include "framework/autograd/node.h"
#include "framework/core/tensor.h"

namespace heed {

/// Collects gradients of `y` in every leaf that wants one. See Tensor::backward.
void backward(const Tensor& y, const Tensor& cotangent = {}, bool retain_graph = false);

struct GradOptions {
  bool create_graph = false;  // the gradients are differentiable themselves
  bool retain_graph = false;  // the graph may be walked again; implied by create_graph
  bool allow_unused = false;  // an input that `outputs` do not depend on gives an undefined tensor, not a GradError
};

/// d(sum over outputs of <output, cotangent>) / d(input) for each input; leaves collect nothing.
/// `cotangents` may be shorter than `outputs` or hold undefined tensors for outputs of one element (then 1).
std::vector<Tensor> grad(std::span<const Tensor> outputs, std::span<const Tensor> inputs, std::span<const Tensor> cotangents = {},
                         GradOptions options = {});

/// What a vjp adds its results to: one slot for each input of the op. Contributions are summed in place where nobody else can see
/// the buffer, and matrix products are accumulated into it by the GEMM itself.
class Agenda;
class Grads {
 public:
  Grads(Node& node, Agenda& agenda) : node_(node), agenda_(agenda) {}
  /// Whether anyone wants the gradient of input i.
  bool wants(int i) const;
  /// slot i += g. `g` has the input's shape.
  void add(int i, const Tensor& g);
  void add(int i, Tensor&& g);
  /// slot i += a b, for matrices or equal batches of matrices.
  void add_matmul(int i, const Tensor& a, const Tensor& b);
  /// slot i, a tensor of `shape`, gets g added to the part that starts at `start` along `dim`.
  void add_slice(int i, const Shape& shape, int dim, int64_t start, const Tensor& g);
  /// A buffer for slot i to accumulate into (zeros at first), or undefined when grad mode is on. For fused kernels.
  Tensor buffer(int i, const Shape& shape, DType dtype);
  /// Goes on through the graph of `y`, which this vjp has just recorded, with cotangent g. The engine runs it as a part of the graph that
  /// it is in, as if it had been recorded in this node's place.
  void follow(const Tensor& y, const Tensor& g);

 private:
  Tensor& slot(int i);
  Node& node_;
  Agenda& agenda_;
};

/// total += g, in place when nobody else can see `total` and nothing is recorded.
void accumulate(Tensor& total, const Tensor& g);
void accumulate(Tensor& total, Tensor&& g);

}  // namespace heed
