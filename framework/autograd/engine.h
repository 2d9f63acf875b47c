// The engine: runs recorded nodes by falling sequence number, without recursion and in one fixed order.
#pragma once

#include <span>
#include <vector>

#include "framework/autograd/node.h"
#include "framework/core/tensor.h"

namespace heed {

/// Collects gradients of `y` in every leaf that wants one. See Tensor::backward.
/// @param y the loss, or any tensor with a cotangent
/// @param cotangent of y's shape; undefined: 1, for a y of one element
/// @param retain_graph keeps what was saved, so that backward can run again
/// @throws GradError when nothing wants a gradient, the graph was freed or a saved value was changed in place
void backward(const Tensor& y, const Tensor& cotangent = {}, bool retain_graph = false);

/// How grad() goes about it.
struct GradOptions {
  bool create_graph = false;  // the gradients are differentiable themselves
  bool retain_graph = false;  // the graph may be walked again; implied by create_graph
  bool allow_unused = false;  // an input that `outputs` do not depend on gives an undefined tensor, not a GradError
};

/// d(sum over outputs of <output, cotangent>) / d(input) for each input; leaves collect nothing.
/// @param outputs what is differentiated
/// @param inputs leaves or results of ops
/// @param cotangents of the outputs' shapes; may be shorter or hold undefined tensors for outputs of one element (then 1)
/// @param options whether the result is differentiable, the graph stays, an input may be unused
/// @return one tensor for each input, of its shape
/// @throws GradError for an input that the outputs do not depend on, a freed graph or a saved value that was changed in place
std::vector<Tensor> grad(std::span<const Tensor> outputs, std::span<const Tensor> inputs, std::span<const Tensor> cotangents = {},
                         GradOptions options = {});

class Agenda;
/// What a vjp adds its results to: one slot for each input of the op. Contributions are summed in place where nobody else can see
/// the buffer, and matrix products are accumulated into it by the GEMM itself.
class Grads {
 public:
  /// @param node whose vjp runs
  /// @param agenda of the engine
  Grads(Node& node, Agenda& agenda) : node_(node), agenda_(agenda) {}
  /// @param i number of the input
  /// @return whether anyone wants its gradient
  bool wants(int i) const {
    if (i < 0 || i >= node_.edge_count()) [[unlikely]]
      throw_no_input(i);
    return static_cast<bool>(node_.edge(i).node);
  }
  /// @{
  /// slot i += g.
  /// @param i number of the input
  /// @param g of the input's shape; one that is moved may become the slot
  void add(int i, const Tensor& g);
  void add(int i, Tensor&& g);
  /// @}
  /// slot i += a b.
  /// @param i number of the input
  /// @param a,b matrices or equal batches of matrices
  void add_matmul(int i, const Tensor& a, const Tensor& b);
  /// A part of slot i += g.
  /// @param i number of the input
  /// @param shape of the input
  /// @param dim,start where along which dimension the part begins
  /// @param g of the part's shape
  void add_slice(int i, const Shape& shape, int dim, int64_t start, const Tensor& g);
  /// A buffer for slot i to accumulate into. For fused kernels.
  /// @param i number of the input
  /// @param shape,dtype of the input
  /// @return zeros at first; undefined when grad mode is on
  Tensor buffer(int i, const Shape& shape, DType dtype);
  /// Goes on through a graph that this vjp has just recorded. The engine runs it as a part of the graph that it is in, as if it had been
  /// recorded in this node's place.
  /// @param y the end of that graph
  /// @param g y's cotangent
  void follow(const Tensor& y, const Tensor& g);

 private:
  [[noreturn]] void throw_no_input(int i) const;
  Tensor& slot(int i);
  Node& node_;
  Agenda& agenda_;
};

/// @{
/// total += g, in place when nobody else can see `total` and nothing is recorded.
/// @param total undefined at first
/// @param g of one shape with total
void accumulate(Tensor& total, const Tensor& g);
void accumulate(Tensor& total, Tensor&& g);
/// @}

}  // namespace heed
