// Tensor: a one-word handle to a counted body. Copies share the body, clone() copies the values.
//
// A body is a dtype, a shape, strides and an offset into a Storage. Views (transpose, slice, expand, reshape where possible) are new
// bodies on the same storage. The autograd record is a pointer to the Node that made the tensor, or, for a leaf that wants a
// gradient, to the Node that collects it.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "framework/core/dtype.h"
#include "framework/core/intrusive_ptr.h"
#include "framework/core/shape.h"
#include "framework/core/storage.h"

namespace heed {

struct Node;
class Tensor;
struct TensorBody;

/// Where a gradient goes: a node and which of its outputs. Empty when no gradient is wanted.
struct Edge {
  IntrusivePtr<Node> node;
  int output = 0;
};

class Tensor {
 public:
  Tensor() = default;

  bool defined() const { return static_cast<bool>(body_); }
  DType dtype() const;
  const Shape& shape() const;
  const Strides& strides() const;
  int ndim() const { return shape().ndim(); }
  /// Extent of a dimension; negative dims count from the end. Throws IndexError.
  int64_t size(int dim) const;
  int64_t numel() const { return shape().numel(); }
  bool is_contiguous() const;

  /// Pointer to the first element. Throws DTypeError when T is not the dtype.
  template <class T>
  T* data() const {
    require_dtype(dtype_of<T>());
    return static_cast<T*>(raw_data());
  }
  void* raw_data() const;
  /// The value of a tensor of one element, as double. Throws ShapeError otherwise.
  double item() const;
  /// All values in row-major order. Throws DTypeError when T is not the dtype.
  template <class T>
  std::vector<T> to_vector() const;

  /// This tensor if it is dense and row-major, else a copy that is; such copies are counted (contiguous_copies()).
  /// Differentiable.
  Tensor contiguous() const;
  /// A copy with its own storage. Differentiable.
  Tensor clone() const;
  /// The same values without the autograd record.
  Tensor detach() const;
  /// The same values in another dtype, in bool whether they differ from 0. Differentiable between f32 and f64.
  Tensor to(DType dtype) const;

  bool requires_grad() const;
  /// Marks a leaf as wanting a gradient (or not). Throws GradError for a tensor that an op made, DTypeError for integers and masks.
  const Tensor& set_requires_grad(bool wanted) const;
  bool is_leaf() const;
  /// The gradient that backward() collected in a leaf; undefined before.
  Tensor grad() const;
  void set_grad(Tensor grad) const;
  void zero_grad() const { set_grad(Tensor{}); }
  /// Collects d(this)/d(leaf) in every leaf that wants it. `this` needs one element unless `cotangent` is given.
  /// Throws GradError when nothing wants a gradient or the graph was freed by an earlier call without retain_graph.
  void backward(const Tensor& cotangent = {}, bool retain_graph = false) const;

  // In-place writes, for optimisers and data: never recorded. Throw GradError on a tensor that records (grad mode on).
  const Tensor& fill_(double value) const;
  const Tensor& copy_(const Tensor& source) const;

  TensorBody* body() const { return body_.get(); }
  explicit Tensor(IntrusivePtr<TensorBody> body) : body_(std::move(body)) {}
  bool shares_nothing() const;   // the only handle to the only body on its storage
  std::string describe() const;  // "f32[3, 4]"

 private:
  void require_dtype(DType dtype) const;
  IntrusivePtr<TensorBody> body_;
};

struct TensorBody {
  std::atomic<int32_t> refs{0};
  DType dtype = DType::f32;
  bool wants_grad = false;  // a leaf that collects a gradient
  int32_t grad_output = 0;  // which output of grad_node this is
  int64_t offset = 0;       // in elements
  Shape shape;
  Strides strides;
  IntrusivePtr<Storage> storage;
  IntrusivePtr<Node> grad_node;  // the op that made it, or a leaf's collector
  Tensor grad;

  static void destroy(TensorBody* body) noexcept;
};

// Creation. All are leaves that want no gradient.
Tensor empty(const Shape& shape, DType dtype = DType::f32);
Tensor zeros(const Shape& shape, DType dtype = DType::f32);
Tensor full(const Shape& shape, double value, DType dtype = DType::f32);
inline Tensor ones(const Shape& shape, DType dtype = DType::f32) { return full(shape, 1.0, dtype); }
/// 0, 1, ... n - 1; and start, start + step, ... before end. Throws ValueError for a step of 0.
Tensor arange(int64_t n, DType dtype = DType::i64);
Tensor arange(double start, double end, double step, DType dtype = DType::f32);
/// n values from start to end, both among them, evenly apart. Throws ShapeError for a negative n.
Tensor linspace(double start, double end, int64_t n, DType dtype = DType::f32);
/// [rows, columns], ones at the diagonal (columns -1: as many as rows).
Tensor eye(int64_t rows, int64_t columns = -1, DType dtype = DType::f32);
/// Values in row-major order. Throws ShapeError when their number is not the shape's.
template <class T>
Tensor from_vector(const std::vector<T>& values, const Shape& shape);
/// Independent draws from default_generator(): uniform in [low, high), or normal.
Tensor uniform(const Shape& shape, double low, double high, DType dtype = DType::f32);
Tensor randn(const Shape& shape, DType dtype = DType::f32);
/// Independent draws, 1 with probability p and else 0. Throws ValueError unless 0 <= p <= 1.
Tensor bernoulli(const Shape& shape, double p, DType dtype = DType::f32);
/// A second view of x's storage. `strides` in elements; the caller answers for the bounds.
Tensor make_view(const Tensor& x, const Shape& shape, const Strides& strides, int64_t offset_from_x);

/// How many copies contiguous() has made in this process: a way to see hidden copies.
int64_t contiguous_copies();

extern template std::vector<float> Tensor::to_vector() const;
extern template std::vector<double> Tensor::to_vector() const;
extern template std::vector<int64_t> Tensor::to_vector() const;
extern template std::vector<bool> Tensor::to_vector() const;
extern template Tensor from_vector(const std::vector<float>&, const Shape&);
extern template Tensor from_vector(const std::vector<double>&, const Shape&);
extern template Tensor from_vector(const std::vector<int64_t>&, const Shape&);
extern template Tensor from_vector(const std::vector<bool>&, const Shape&);

}  // namespace heed
