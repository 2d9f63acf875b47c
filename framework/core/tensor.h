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
  IntrusivePtr<Node> node;  // null: no gradient is wanted
  int output = 0;           // which of the node's outputs
};

/// A handle to values with a dtype and a shape. An undefined tensor (the default) stands for "none". const says that the handle keeps its
/// body, not that the values stay: several handles may write the same storage.
class Tensor {
 public:
  Tensor() = default;

  /// @return whether there is a body; all else but defined() and copying needs one
  bool defined() const { return static_cast<bool>(body_); }
  /// @return the type of the elements
  inline DType dtype() const;
  /// @return the extents
  inline const Shape& shape() const;
  /// @return in elements, one a dimension
  inline const Strides& strides() const;
  /// @return the number of dimensions, 0 for a scalar
  int ndim() const { return shape().ndim(); }
  /// Extent of a dimension.
  /// @param dim negative ones count from the end
  /// @return the extent
  /// @throws IndexError outside [-ndim, ndim)
  int64_t size(int dim) const;
  /// @return the number of elements
  int64_t numel() const { return shape().numel(); }
  /// @return whether the elements lie dense and row-major
  bool is_contiguous() const;

  /// Pointer to the first element. What is written through it is not noticed by a backward that has saved the tensor: use fill_ and copy_,
  /// or write before the tensor is used.
  /// @tparam T the C++ type of the dtype
  /// @return elements lie at strides() from it
  /// @throws DTypeError when T is not the dtype
  template <class T>
  T* data() const {
    require_dtype(dtype_of<T>());
    return static_cast<T*>(raw_data());
  }
  /// @return the first element's address
  void* raw_data() const;
  /// The value of a tensor of one element.
  /// @return as double; a mask's is 0 or 1
  /// @throws ShapeError for another number of elements
  double item() const;
  /// Copies the values out.
  /// @tparam T the C++ type of the dtype
  /// @return all values in row-major order
  /// @throws DTypeError when T is not the dtype
  template <class T, DType kDType = dtype_of<T>()>
  std::vector<T> to_vector() const;

  /// Dense and row-major. Differentiable.
  /// @return this tensor if it is so, else a copy; such copies are counted (contiguous_copies())
  Tensor contiguous() const;
  /// Differentiable.
  /// @return a copy with its own storage
  Tensor clone() const;
  /// @return the same storage without the autograd record
  Tensor detach() const;
  /// The same values in another type. Differentiable between f32 and f64.
  /// @param dtype bool: whether a value differs from 0
  /// @return a copy, or this tensor when it has that dtype
  Tensor to(DType dtype) const;

  /// @return whether a gradient is wanted of it, as a leaf or through the op that made it
  bool requires_grad() const;
  /// Marks a leaf as wanting a gradient (or not).
  /// @param wanted whether backward() collects in it
  /// @return this
  /// @throws GradError for a tensor that an op made, DTypeError for integers and masks
  const Tensor& set_requires_grad(bool wanted) const;
  /// @return whether no recorded op made it
  bool is_leaf() const;
  /// @return the gradient that backward() collected in a leaf; undefined before
  Tensor grad() const;
  /// Replaces the collected gradient.
  /// @param grad of this tensor's shape and dtype, or undefined
  void set_grad(Tensor grad) const;
  /// Drops the collected gradient.
  void zero_grad() const { set_grad(Tensor{}); }
  /// Collects d(this)/d(leaf) in every leaf that wants it.
  /// @param cotangent of this tensor's shape; undefined: 1, for a tensor of one element
  /// @param retain_graph keeps what was saved, so that backward can run again
  /// @throws GradError when nothing wants a gradient or the graph was freed by an earlier call without retain_graph
  void backward(const Tensor& cotangent = {}, bool retain_graph = false) const;

  /// Sets every element, in place and unrecorded.
  /// @param value converted to the dtype
  /// @return this
  /// @throws GradError on a tensor that records, in grad mode
  const Tensor& fill_(double value) const;
  /// Copies the values of another tensor, in place and unrecorded.
  /// @param source of the same shape and dtype
  /// @return this
  /// @throws GradError on a tensor that records, in grad mode; ShapeError for another shape or dtype
  const Tensor& copy_(const Tensor& source) const;

  /// @return what the handle points at; for ops and the engine
  TensorBody* body() const { return body_.get(); }
  /// @param body shared from now on
  explicit Tensor(IntrusivePtr<TensorBody> body) : body_(std::move(body)) {}
  /// @return whether this is the only handle to the only body on its storage
  bool shares_nothing() const;
  /// @return dtype and shape as messages have them: "f32[3, 4]"
  std::string describe() const;

 private:
  void require_dtype(DType wanted) const {
    if (!body_ || dtype() != wanted) [[unlikely]]
      throw_dtype(wanted);
  }
  [[noreturn]] void throw_dtype(DType wanted) const;
  IntrusivePtr<TensorBody> body_;
};

/// What handles point at; for ops and the engine.
struct TensorBody {
  /// @param type,extents,steps dtype, shape and strides
  TensorBody(DType type, const Shape& extents, const Strides& steps);

  std::atomic<int32_t> refs{0};   // handles
  DType dtype;                    // of the elements
  bool wants_grad = false;        // a leaf that collects a gradient
  bool in_block = false;          // the body lies in its storage's block: whoever replaces `storage` has to keep the old one
  int32_t grad_output = 0;        // which output of grad_node this is
  int64_t offset = 0;             // in elements
  IntrusivePtr<Storage> storage;  // shared by views
  IntrusivePtr<Node> grad_node;   // the op that made it, or a leaf's collector
  Tensor grad;                    // what a leaf has collected
  Shape shape;                    // extents
  Strides strides;                // in elements

  /// For IntrusivePtr.
  /// @param body that has no handle any more
  static void destroy(TensorBody* body) noexcept;
};

namespace detail {
// A user's mistake: a Tensor that was declared and never given a value, or an optional output that was not asked for.
[[noreturn]] void throw_undefined(const char* asked);
inline const TensorBody& body_of(const TensorBody* body, const char* asked) {
  if (!body) [[unlikely]]
    throw_undefined(asked);
  return *body;
}
// empty() under the name of what was called.
Tensor allocate(const char* op, const Shape& shape, DType dtype);
}  // namespace detail

DType Tensor::dtype() const { return detail::body_of(body(), "dtype").dtype; }
const Shape& Tensor::shape() const { return detail::body_of(body(), "shape").shape; }
const Strides& Tensor::strides() const { return detail::body_of(body(), "strides").strides; }
inline bool Tensor::requires_grad() const { return body_ && (body_->wants_grad || body_->grad_node); }
inline bool Tensor::shares_nothing() const { return body_.unique() && body_->storage.unique(); }
inline void* Tensor::raw_data() const {
  const TensorBody& b = detail::body_of(body(), "data");
  return static_cast<char*>(b.storage->data) + static_cast<size_t>(b.offset) * size_of(b.dtype);
}
inline bool Tensor::is_contiguous() const {
  const Shape &extents = shape(), &steps = strides();
  int64_t expected = 1;
  for (int i = extents.ndim() - 1; i >= 0; --i) {
    if (extents[i] != 1 && steps[i] != expected) return extents.numel() == 0;
    expected *= extents[i];
  }
  return true;
}

/// A new tensor of one value.
/// @param shape extents of at least 0
/// @param value of every element, converted to the dtype
/// @param dtype of the elements
/// @return a leaf that wants no gradient
/// @throws ShapeError for a negative extent, MemoryError when the system has not so many bytes
Tensor full(const Shape& shape, double value, DType dtype = DType::f32);
/// @{
/// A new tensor: not initialised (empty), all 0, all 1.
/// @param shape extents of at least 0
/// @param dtype of the elements
/// @return a leaf that wants no gradient
/// @throws ShapeError for a negative extent, MemoryError when the system has not so many bytes
Tensor empty(const Shape& shape, DType dtype = DType::f32);
Tensor zeros(const Shape& shape, DType dtype = DType::f32);
Tensor ones(const Shape& shape, DType dtype = DType::f32);
/// @}
/// 0, 1, ... n - 1.
/// @param n how many, at least 0
/// @param dtype of the elements
/// @return [n]
/// @throws ShapeError for a negative n, MemoryError
Tensor arange(int64_t n, DType dtype = DType::i64);
/// start, start + step, ... before end.
/// @param start,end,step of either sign
/// @param dtype of the elements
/// @return [n], n = ceil((end - start) / step), or 0
/// @throws ValueError for a step of 0, a number that is not finite, or more elements than can be counted; MemoryError
Tensor arange(double start, double end, double step, DType dtype = DType::f32);
/// Values evenly apart.
/// @param start,end the first and the last
/// @param n how many, at least 0
/// @param dtype of the elements
/// @return [n]
/// @throws ShapeError for a negative n, MemoryError
Tensor linspace(double start, double end, int64_t n, DType dtype = DType::f32);
/// Ones at the diagonal, zeros elsewhere.
/// @param rows,columns at least 0; columns -1: as many as rows
/// @param dtype of the elements
/// @return [rows, columns]
/// @throws ShapeError for a negative number of rows, MemoryError
Tensor eye(int64_t rows, int64_t columns = -1, DType dtype = DType::f32);
/// A tensor of given values.
/// @tparam T float, double, int64_t or bool, which makes the dtype
/// @param values in row-major order
/// @param shape with as many elements
/// @return a copy of them
/// @throws ShapeError when the number of values is not the shape's
template <class T, DType kDType = dtype_of<T>()>
Tensor from_vector(const std::vector<T>& values, const Shape& shape);
/// Independent draws from default_generator(), uniform in [low, high).
/// @param shape extents of at least 0
/// @param low,high the range
/// @param dtype f32 or f64
/// @return a leaf that wants no gradient
/// @throws ShapeError for a negative extent, DTypeError for another dtype, MemoryError
Tensor uniform(const Shape& shape, double low, double high, DType dtype = DType::f32);
/// Independent draws from default_generator(), normal with mean 0 and standard deviation 1.
/// @param shape extents of at least 0
/// @param dtype f32 or f64
/// @return a leaf that wants no gradient
/// @throws ShapeError for a negative extent, DTypeError for another dtype, MemoryError
Tensor randn(const Shape& shape, DType dtype = DType::f32);
/// Independent draws from default_generator(), 1 with probability p and else 0.
/// @param shape extents of at least 0
/// @param p in [0, 1]
/// @param dtype of the elements
/// @return a leaf that wants no gradient
/// @throws ValueError for another p, ShapeError for a negative extent, MemoryError
Tensor bernoulli(const Shape& shape, double p, DType dtype = DType::f32);
/// A second view of x's storage, unrecorded; the caller answers for the bounds.
/// @param x whose storage is shared
/// @param shape of the view
/// @param strides in elements
/// @param offset_from_x elements from x's first
/// @return the view
Tensor make_view(const Tensor& x, const Shape& shape, const Strides& strides, int64_t offset_from_x);

/// A way to see hidden copies.
/// @return how many contiguous() has made in this process
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
