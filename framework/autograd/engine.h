// The autograd engine: runs the vjps of recorded nodes in order of falling sequence number, so in one fixed
// order and without recursion.
#pragma once

#include <initializer_list>
#include <span>
#include <vector>

#include "framework/autograd/node.h"
#include "framework/core/tensor.h"

namespace heed {

/// Adds the gradient of `y` to every leaf that requires one; the same as Tensor::backward. Several threads
/// may run backward() and grad() at a time, on graphs that share leaves but no recorded op.
/// @param y the loss, or a tensor of any shape together with a cotangent
/// @param cotangent gradient of the final loss with respect to y, of y's shape; undefined: 1, for a y of one
///   element
/// @param retain_graph keeps the values saved for backward, so that backward can run again
/// @throws GradError when y does not require a gradient, the graph was freed or a saved value was changed in
///   place; ShapeError for a cotangent of another shape, or none for a y of several elements
void backward(const Tensor& y, const Tensor& cotangent = {}, bool retain_graph = false);

/// Options of grad().
struct GradOptions {
  bool create_graph = false;  // record the gradients, so that they can be differentiated again
  /// Keep the graph, so that it can be differentiated again; implied by create_graph.
  bool retain_graph = false;
  /// Return an undefined tensor for an input that `outputs` do not depend on, instead of throwing GradError.
  bool allow_unused = false;
};

/// Computes d(sum over outputs of <output, cotangent>) / d(input) for each input, without changing the grad()
/// of any leaf.
/// @param outputs the tensors to differentiate
/// @param inputs the tensors to differentiate with respect to: leaves or results of ops
/// @param cotangents one for each output, of its shape; for an output of one element it may be undefined or
///   missing at the end, and is then 1
/// @param options whether the result is differentiable, the graph is kept, and an input may be unused
/// @return one gradient for each input, of its shape
/// @throws GradError for an input that the outputs do not depend on, a freed graph or a saved value that was
/// changed in place
std::vector<Tensor> grad(std::span<const Tensor> outputs, std::span<const Tensor> inputs,
                         std::span<const Tensor> cotangents = {}, GradOptions options = {});

/// @{
/// The same for lists in braces: grad({loss}, {x}, {.create_graph = true}).
/// @param outputs,inputs,options as in the overload above
/// @return as the overload above
/// @throws as the overload above
inline std::vector<Tensor> grad(std::initializer_list<Tensor> outputs, std::span<const Tensor> inputs,
                                GradOptions options = {}) {
  return grad(std::span(outputs.begin(), outputs.size()), inputs, {}, options);
}
inline std::vector<Tensor> grad(std::initializer_list<Tensor> outputs, std::initializer_list<Tensor> inputs,
                                GradOptions options = {}) {
  return grad(outputs, std::span(inputs.begin(), inputs.size()), options);
}
/// @}
/// The same for lists in braces with cotangents: grad({y}, {x}, {g}).
/// @param outputs,inputs,cotangents,options as in the overload above
/// @return as the overload above
/// @throws as the overload above
inline std::vector<Tensor> grad(std::initializer_list<Tensor> outputs, std::initializer_list<Tensor> inputs,
                                std::initializer_list<Tensor> cotangents, GradOptions options = {}) {
  return grad(std::span(outputs.begin(), outputs.size()), std::span(inputs.begin(), inputs.size()),
              std::span(cotangents.begin(), cotangents.size()), options);
}

class Agenda;
/// Receives the results of a vjp: one slot for each input of the op, where the input's gradient is
/// accumulated. Sums are computed in place when nothing else uses the buffer; matrix products are added by
/// the GEMM itself (beta = 1).
class Grads {
 public:
  /// @param node the node whose vjp runs
  /// @param agenda the engine's list of nodes still to run
  Grads(Node& node, Agenda& agenda) : node_(node), agenda_(agenda) {}
  /// @param i index of the op's input
  /// @return whether the gradient of this input is needed
  bool wants(int i) const {
    if (i < 0 || i >= node_.edge_count()) [[unlikely]]
      throw_no_input(i);
    return static_cast<bool>(node_.edge(i).node);
  }
  /// @{
  /// Adds g to the gradient of input i.
  /// @param i index of the op's input
  /// @param g gradient of the input's shape; an rvalue may be kept as the slot itself
  void add(int i, const Tensor& g);
  void add(int i, Tensor&& g);
  /// @}
  /// Adds the matrix product a b to the gradient of input i.
  /// @param i index of the op's input
  /// @param a,b matrices or equal batches of matrices
  void add_matmul(int i, const Tensor& a, const Tensor& b);
  /// Adds g to a slice of the gradient of input i.
  /// @param i index of the op's input
  /// @param shape shape of the input
  /// @param dim,start dimension that is sliced, and the first index of the slice
  /// @param g gradient of the slice's shape
  void add_slice(int i, const Shape& shape, int dim, int64_t start, const Tensor& g);
  /// The buffer of input i's gradient, for fused kernels that accumulate into it directly.
  /// @param i index of the op's input
  /// @param shape,dtype shape and dtype of the input
  /// @return the buffer, zeros if nothing was added before; undefined while grad mode is on (use add() then)
  Tensor buffer(int i, const Shape& shape, DType dtype);
  /// Continues backward through a graph that this vjp has just recorded; the engine runs its nodes as if they
  /// had been recorded in place of this node.
  /// @param y the result of that graph
  /// @param g cotangent of y
  void follow(const Tensor& y, const Tensor& g);

 private:
  [[noreturn]] void throw_no_input(int i) const;
  Tensor& slot(int i);
  Node& node_;
  Agenda& agenda_;
};

/// @{
/// Adds g to total, in place when no other tensor uses total's storage and grad mode is off.
/// @param total the running sum; undefined counts as zero
/// @param g tensor of total's shape
void accumulate(Tensor& total, const Tensor& g);
void accumulate(Tensor& total, Tensor&& g);
/// @}

}  // namespace heed
