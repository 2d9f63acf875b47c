// Tensor: a handle, one pointer wide, to a reference-counted body. Copies share the body; clone() copies the
// values.
//
// A body has a dtype, a shape, strides and an offset into a Storage. Views (transpose, slice, expand, reshape
// where possible) are new bodies on the same storage. For autograd, a body points to the Node of the op that
// produced it or, for a leaf that requires a gradient, to the Node that accumulates the gradient.
#pragma once

#include <concepts>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "framework/core/choices.h"
#include "framework/core/dtype.h"
#include "framework/core/intrusive_ptr.h"
#include "framework/core/scalar.h"
#include "framework/core/shape.h"
#include "framework/core/storage.h"

namespace heed {

struct Node;
class Index;
class TensorPart;
class Tensor;
struct TensorBody;
#define HEED_METHOD_TYPES
#include "framework/ops/methods.def"
#undef HEED_METHOD_TYPES

/// Where a gradient goes: a node and which of its outputs. Empty when no gradient is wanted.
struct Edge {
  IntrusivePtr<Node> node;  // null: no gradient is wanted
  int output = 0;           // which of the node's outputs
};

/// A handle to an array of values with a dtype and a shape. A default-constructed tensor is undefined, which
/// means "none". `const Tensor` means that the handle keeps pointing to the same body, not that the values
/// are constant: several handles may write to the same storage.
class Tensor {
 public:
  Tensor() = default;
  /// @{
  /// Copies share the body, and a variable that is assigned to is bound to another.
  Tensor(const Tensor&) = default;
  Tensor(Tensor&&) = default;
  Tensor& operator=(const Tensor&) & = default;
  Tensor& operator=(Tensor&&) & = default;
  ~Tensor() = default;
  /// @}
  /// @{
  /// Assigning to what a call gives writes into the tensor that it is a part of, in place: x[0] = y,
  /// x.index({Range{}, 1}) = 0.0. x[ids] and x[mask] are copies that know where they are from (TensorPart).
  /// Not recorded by autograd (index_put() is).
  /// @param values broadcast to this shape, and converted to the dtype
  /// @return this
  /// @throws ValueError for what nobody else has, such as index(x, {ids}) (of x[ids][0], a part of a copy, it
  ///   cannot know), and for a stretched tensor; ShapeError; GradError as add_()
  const Tensor& operator=(const Tensor& values) && { return assign(values); }
  const Tensor& operator=(Scalar values) && { return assign(values); }
  /// @}

  /// @return whether the tensor has a body; reading its dtype, shape or data without one throws ValueError
  bool defined() const { return static_cast<bool>(body_); }
  /// @return the type of the elements
  inline DType dtype() const;
  /// @return the extent of each dimension
  inline const Shape& shape() const;
  /// @return the stride of each dimension, in elements
  inline const Strides& strides() const;
  /// @return the number of dimensions, 0 for a scalar
  int ndim() const { return shape().ndim(); }
  /// @return ndim(), by PyTorch's name
  int dim() const { return ndim(); }
  /// The extent of one dimension.
  /// @param dim negative ones count from the end
  /// @return the extent
  /// @throws IndexError outside [-ndim, ndim)
  int64_t size(int dim) const;
  /// @return the number of elements
  int64_t numel() const { return shape().numel(); }
  /// @return whether the elements are stored densely in row-major order
  bool is_contiguous() const;

  /// Pointer to the first element. Writing through this pointer is not detected by a backward that has saved
  /// the tensor: use fill_ and copy_, or write before the tensor is used in an op.
  /// @tparam T the C++ type of the dtype
  /// @return pointer to the first element; the others are at the distances given by strides()
  /// @throws DTypeError when T is not the dtype
  template <class T>
  T* data() const {
    require_dtype(dtype_of<T>());
    return static_cast<T*>(raw_data());
  }
  /// @return address of the first element
  void* raw_data() const;
  /// The value of a tensor of one element.
  /// @return the value as double; 0 or 1 for a mask
  /// @throws ShapeError if the number of elements is not 1
  double item() const;
  /// The same as a type of C++: loss.item<float>().
  /// @tparam T an arithmetic type; a whole one cuts towards zero
  /// @return the value as T
  /// @throws as item()
  template <class T>
  requires std::is_arithmetic_v<T> T item()
  const { return number().as<T>(); }
  /// The value of one element.
  /// @param position one index for each dimension; negative ones count from the end
  /// @return the value as double; 0 or 1 for a mask
  /// @throws ShapeError for another number of indices, IndexError outside a dimension
  double at(std::initializer_list<int64_t> position) const;
  /// Copies the values into a std::vector.
  /// @tparam T the C++ type of the dtype
  /// @return all values in row-major order
  /// @throws DTypeError when T is not the dtype
  template <class T, DType kDType = dtype_of<T>()>
  std::vector<T> to_vector() const;

  /// The same values stored densely in row-major order. Differentiable.
  /// @return this tensor if it is already contiguous, else a copy; copies are counted by contiguous_copies()
  Tensor contiguous() const;
  /// Copies the values. Differentiable.
  /// @return a copy with its own storage
  Tensor clone() const;
  /// @return a tensor on the same storage that is not part of the autograd graph
  Tensor detach() const;
  /// Converts the values to another type. Differentiable between f32 and f64.
  /// @param dtype the new type; for boolean, each value becomes true where it differs from 0
  /// @return a copy, or this tensor if it already has that dtype
  Tensor to(DType dtype) const;

  /// @return whether gradients flow to this tensor: it is a leaf that requires a gradient, or a recorded op
  ///   made it
  bool requires_grad() const;
  /// Sets whether a leaf requires a gradient.
  /// @param wanted whether backward() accumulates this leaf's gradient
  /// @return this
  /// @throws GradError for the result of a recorded op, DTypeError for integers and masks
  const Tensor& set_requires_grad(bool wanted = true) const;
  /// PyTorch's name for set_requires_grad().
  /// @param wanted whether backward() accumulates this leaf's gradient
  /// @return this
  /// @throws as set_requires_grad()
  const Tensor& requires_grad_(bool wanted = true) const { return set_requires_grad(wanted); }
  /// @return true unless a recorded op made this tensor
  bool is_leaf() const;
  /// @return the gradient that backward() accumulated in this leaf; undefined if there is none
  Tensor grad() const;
  /// Replaces the accumulated gradient.
  /// @param grad of this tensor's shape and dtype, or undefined
  void set_grad(Tensor grad) const;
  /// Clears the accumulated gradient; grad() is undefined afterwards.
  void zero_grad() const { set_grad(Tensor{}); }
  /// Adds d(this)/d(leaf) to the gradient of every leaf that requires one.
  /// @param cotangent factor of this tensor's shape (the gradient of a later loss with respect to this
  ///   tensor); undefined: 1, for a tensor of one element
  /// @param retain_graph keeps the values saved for backward, so that backward can run again
  /// @throws GradError if this tensor does not require a gradient, or an earlier backward without
  ///   retain_graph has freed the graph; ShapeError if the cotangent has another shape, or is undefined and
  ///   this tensor has several elements
  void backward(const Tensor& cotangent = {}, bool retain_graph = false) const;

  /// Sets every element in place; not recorded by autograd.
  /// @param value the new value, converted to the dtype: 0 for what no integer holds
  /// @return this
  /// @throws GradError if this tensor requires a gradient and grad mode is on
  const Tensor& fill_(Scalar value) const;
  /// Copies the values of another tensor into this one in place; not recorded by autograd.
  /// @param source a tensor of the same shape and dtype
  /// @return this
  /// @throws GradError if either tensor requires a gradient and grad mode is on; ShapeError for another shape
  ///   or dtype; ValueError for a stretched tensor, several of whose elements are one
  const Tensor& copy_(const Tensor& source) const;
  /// Sets every element to 0 in place; not recorded by autograd.
  /// @return this
  /// @throws as fill_()
  const Tensor& zero_() const { return fill_(0); }
  /// @{
  /// x = x + alpha y and x - alpha y in place, so that all handles see it: p.sub_(p.grad(), 0.1) is a step of
  /// a parameter, where p -= ... would bind p to another tensor. Not recorded by autograd: under a
  /// NoGradGuard for what has gradients.
  /// @param y broadcast to this shape, of a dtype that this one's can hold
  /// @param alpha factor of y
  /// @return this
  /// @throws ShapeError; DTypeError where the result has another dtype (i64 by div_, f32 and f64); ValueError
  ///   for undefined and stretched tensors; GradError where grad mode is on and one requires a gradient
  const Tensor& add_(const Tensor& y, double alpha = 1) const;
  const Tensor& sub_(const Tensor& y, double alpha = 1) const;
  /// @}
  /// @{
  /// x = x op y in place.
  /// @param y a tensor as for add_(), or a number
  /// @return this
  /// @throws as add_()
  const Tensor& add_(Scalar y) const;
  const Tensor& sub_(Scalar y) const;
  const Tensor& mul_(const Tensor& y) const;
  const Tensor& mul_(Scalar y) const;
  const Tensor& div_(const Tensor& y) const;
  const Tensor& div_(Scalar y) const;
  /// @}
  /// reshape() that never copies.
  /// @param shape as in reshape()
  /// @return a view
  /// @throws ShapeError when the element counts differ, and for a tensor that is not contiguous
  Tensor view(const Shape& shape) const;
  /// A matrix with rows and columns exchanged, as transpose().
  /// @return a view; this tensor if it has fewer than two dimensions
  /// @throws ShapeError for more than two
  Tensor t() const;

  /// @{
  /// The part of the tensor that an index names, as in PyTorch (index() in ops/indexing.h): x[0], x[ids],
  /// x[mask], x.index({ellipsis, Range{1, 3}}).
  /// @param index an entry, or one for each of the first dimensions
  /// @return a view where no entry is a tensor, else a copy; differentiable. Assigning to either writes here
  /// @throws as index()
  Tensor operator[](const Index& index) const;
  TensorPart operator[](const Tensor& index) const;
  TensorPart index(std::initializer_list<Index> index) const;
  /// @}
  /// @{
  /// Writes values to the places that an index names, in place; not recorded by autograd (index_put() is).
  /// @param index an entry for each of the first dimensions
  /// @param value broadcast to the shape of the places, and converted to the dtype
  /// @return this
  /// @throws as index() and copy_(); ShapeError for values that do not fit. Of values with more dimensions
  ///   than the places the first ones are dropped where they have one element, as in assignment
  const Tensor& index_put_(std::initializer_list<Index> index, const Tensor& value) const;
  const Tensor& index_put_(std::initializer_list<Index> index, Scalar value) const;
  /// @}

  // Each op of one tensor as a method: x.sum({1}).relu() is relu(sum(x, {1})).
#include "framework/ops/methods.def"
  // a dimension is a whole number: x.maximum(0.5) compares with one
  template <std::floating_point F>
  Sorted max(F) const = delete;
  template <std::floating_point F>
  Sorted min(F) const = delete;
  /// PyTorch's name for stddev(), as a method alone: beside a function std, namespace std would be ambiguous.
  /// @param dims,correction,keep as in stddev()
  /// @return the reduced tensor
  /// @throws as stddev()
  Tensor std(const Dims& dims = {}, double correction = 1, KeepDim keep = KeepDim::no) const {
    return stddev(dims, correction, keep);
  }

  /// @return the body that this handle points to; for ops and the engine
  TensorBody* body() const { return body_.get(); }
  /// @param body the body that this handle will share
  explicit Tensor(IntrusivePtr<TensorBody> body) : body_(std::move(body)) {}
  /// @return whether this is the only handle to its body and no other body uses the storage
  bool shares_nothing() const;
  /// @return dtype and shape as used in error messages: "f32[3, 4]"
  std::string describe() const;
  /// @return the values as text, with dtype and shape behind them: "[1.5000, 2.0000]  f32[2]"; of more than
  /// 1000
  ///   elements three at each end of every dimension. "undefined" without a body
  std::string str() const;

 private:
  const Tensor& assign(const Tensor& values) const;
  const Tensor& assign(Scalar values) const;
  Scalar number() const;
  void require_dtype(DType wanted) const {
    if (!body_ || dtype() != wanted) [[unlikely]]
      throw_dtype(wanted);
  }
  [[noreturn]] void throw_dtype(DType wanted) const;
  IntrusivePtr<TensorBody> body_;
};

/// The object that Tensor handles point to; for ops and the engine.
struct TensorBody {
  /// @param type,extents,steps dtype, shape and strides
  TensorBody(DType type, const Shape& extents, const Strides& steps);

  std::atomic<int32_t> refs{0};  // number of handles
  DType dtype;                   // type of the elements
  bool wants_grad = false;       // whether this is a leaf that requires a gradient
  /// Whether the body lies in its storage's block: code that replaces `storage` must keep the old one.
  bool in_block = false;
  int32_t grad_output = 0;        // which output of grad_node this tensor is
  int64_t offset = 0;             // of the first element in the storage, in elements
  IntrusivePtr<Storage> storage;  // shared by views
  IntrusivePtr<Node> grad_node;   // the node of the op that made this tensor, or the LeafNode of a leaf
  Tensor grad;                    // a leaf's accumulated gradient
  Shape shape;                    // extent of each dimension
  Strides strides;                // in elements

  /// For IntrusivePtr: destroys the body.
  /// @param body a body whose last handle is gone
  static void destroy(TensorBody* body) noexcept;
};

namespace detail {
// Thrown for a user's mistake: a Tensor that was declared but never assigned, or an optional output that was
// not requested.
[[noreturn]] void throw_undefined(const char* asked);
inline const TensorBody& body_of(const TensorBody* body, const char* asked) {
  if (!body) [[unlikely]]
    throw_undefined(asked);
  return *body;
}
// Throws GradError for a write in place into a tensor that records gradients.
void require_not_recording(const char* op, const Tensor& x);
// The same for values that are written into x, whose gradient would be lost; ValueError where several
// elements of x are one.
void require_writable(const char* op, const Tensor& x, const Tensor& values);
// Makes the values of a storage that has them only in 8 bits (stored_values.h); null where it has none.
void* make_values(Storage& storage);
// Like empty(), with `op` as the name used in error messages.
Tensor allocate(const char* op, const Shape& shape, DType dtype);
/// Checks extents before anything is computed from them.
/// @param op name of the op whose result it is, used in error messages
/// @param shape extents of the result
/// @param dtype type of its elements
/// @return the number of elements
/// @throws ShapeError for a negative extent, and for more bytes than int64 counts, an extent of 0 taken as 1
int64_t countable(const char* op, const Shape& shape, DType dtype);
}  // namespace detail

DType Tensor::dtype() const { return detail::body_of(body(), "dtype").dtype; }
const Shape& Tensor::shape() const { return detail::body_of(body(), "shape").shape; }
const Strides& Tensor::strides() const { return detail::body_of(body(), "strides").strides; }
inline bool Tensor::requires_grad() const { return body_ && (body_->wants_grad || body_->grad_node); }
inline bool Tensor::shares_nothing() const { return body_.unique() && body_->storage.unique(); }
inline void* Tensor::raw_data() const {
  const TensorBody& b = detail::body_of(body(), "data");
  void* data = b.storage->data.load(std::memory_order_acquire);
  if (!data) [[unlikely]]
    data = detail::make_values(*b.storage);
  return static_cast<char*>(data) + static_cast<size_t>(b.offset) * size_of(b.dtype);
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

/// @{
/// Writes Tensor::str(), Shape::str(), or the name of an element type.
/// @param out the stream
/// @param x what is written
/// @return the stream
std::ostream& operator<<(std::ostream& out, const Tensor& x);
std::ostream& operator<<(std::ostream& out, const Shape& x);
std::ostream& operator<<(std::ostream& out, DType x);
/// @}

/// A new tensor whose elements are all equal.
/// @param shape extents, each at least 0
/// @param value value of every element, converted to the dtype: 0 for what no integer holds
/// @param dtype type of the elements
/// @return a leaf that does not require a gradient
/// @throws ShapeError for a negative extent, MemoryError when the system refuses the allocation
Tensor full(const Shape& shape, Scalar value, DType dtype = DType::f32);
/// @{
/// A new tensor whose elements are uninitialised (empty), all 0 (zeros) or all 1 (ones).
/// @param shape extents, each at least 0
/// @param dtype type of the elements
/// @return a leaf that does not require a gradient
/// @throws ShapeError for a negative extent, MemoryError when the system refuses the allocation
Tensor empty(const Shape& shape, DType dtype = DType::f32);
Tensor zeros(const Shape& shape, DType dtype = DType::f32);
Tensor ones(const Shape& shape, DType dtype = DType::f32);
/// @}
/// The integers 0, 1, ... n - 1.
/// @param n how many, at least 0
/// @param dtype type of the elements
/// @return [n]
/// @throws ShapeError for a negative n, MemoryError when the system refuses the allocation
Tensor arange(int64_t n, DType dtype = DType::i64);
/// The values start, start + step, ... up to but not including end.
/// @param start,end,step range and step; the step may be negative
/// @param dtype type of the elements; none: i64 where all three are whole numbers, else f32
/// @return [n], n = ceil((end - start) / step), or 0 if that is negative
/// @throws ValueError for a step of 0, a number that is not finite, or more elements than can be counted;
/// MemoryError
Tensor arange(Scalar start, Scalar end, Scalar step = 1, std::optional<DType> dtype = {});
/// n evenly spaced values from start to end inclusive.
/// @param start,end the first and the last value
/// @param n how many, at least 0
/// @param dtype type of the elements
/// @return [n]
/// @throws ShapeError for a negative n, MemoryError when the system refuses the allocation
Tensor linspace(double start, double end, int64_t n, DType dtype = DType::f32);
/// A matrix with ones on the main diagonal and zeros elsewhere.
/// @param rows,columns at least 0; columns -1: as many as rows
/// @param dtype type of the elements
/// @return [rows, columns]
/// @throws ShapeError for a negative number of rows, MemoryError
Tensor eye(int64_t rows, int64_t columns = -1, DType dtype = DType::f32);
/// A tensor with the given values.
/// @tparam T float, double, int64_t or bool; determines the dtype
/// @param values in row-major order
/// @param shape a shape with that number of elements
/// @return a tensor with a copy of the values
/// @throws ShapeError when the number of values differs from the shape's
template <class T, DType kDType = dtype_of<T>()>
Tensor from_vector(const std::vector<T>& values, const Shape& shape);
/// A vector with the given values.
/// @tparam T float, double, int64_t or bool; determines the dtype
/// @param values the elements
/// @return [n], n being the number of values
/// @throws MemoryError when the system refuses the allocation
template <class T, DType kDType = dtype_of<T>()>
Tensor from_vector(const std::vector<T>& values) {
  return from_vector<T, kDType>(values, Shape(values.size()));
}
/// Independent random values from default_generator(), uniform in [low, high).
/// @param shape extents, each at least 0
/// @param low,high the range
/// @param dtype f32 or f64
/// @return a leaf that does not require a gradient
/// @throws ShapeError for a negative extent, DTypeError for another dtype, MemoryError
Tensor uniform(const Shape& shape, double low, double high, DType dtype = DType::f32);
/// PyTorch's name for uniform values in [0, 1).
/// @param shape extents, each at least 0
/// @param dtype f32 or f64
/// @return a leaf that does not require a gradient
/// @throws as uniform()
inline Tensor rand(const Shape& shape, DType dtype = DType::f32) { return uniform(shape, 0, 1, dtype); }
/// Independent random values from default_generator(), normal with mean 0 and standard deviation 1.
/// @param shape extents, each at least 0
/// @param dtype f32 or f64
/// @return a leaf that does not require a gradient
/// @throws ShapeError for a negative extent, DTypeError for another dtype, MemoryError
Tensor randn(const Shape& shape, DType dtype = DType::f32);
/// Independent random values from default_generator(): 1 with probability p, else 0.
/// @param shape extents, each at least 0
/// @param p probability of a 1, in [0, 1]
/// @param dtype type of the elements
/// @return a leaf that does not require a gradient
/// @throws ValueError for a p outside [0, 1], ShapeError for a negative extent, MemoryError
Tensor bernoulli(const Shape& shape, double p, DType dtype = DType::f32);
/// A view of x's storage that autograd does not record; bounds are not checked, so the caller must ensure
/// that every element lies in the storage.
/// @param x tensor whose storage is shared
/// @param shape shape of the view
/// @param strides strides of the view, in elements
/// @param offset_from_x distance from x's first element to the view's, in elements
/// @return the view
Tensor make_view(const Tensor& x, const Shape& shape, const Strides& strides, int64_t offset_from_x);

/// A tensor on memory that is not the pool's, such as a mapped file.
/// @param data the first element, aligned to the element's size; the others follow densely in row-major order
/// @param shape extents, each at least 0
/// @param dtype type of the elements
/// @param owner keeps the memory; released when no tensor uses it any more
/// @return the tensor, on the memory itself
Tensor from_memory(void* data, const Shape& shape, DType dtype, std::shared_ptr<void> owner);
/// Puts memory made by from_memory() in place of a tensor's own, so that values need not be copied. Writing
/// to one of the two then changes the other.
/// @param to the tensor, whose views change with it; its old values are dropped
/// @param from a tensor made by from_memory()
/// @return whether it was done; false, and nothing is changed, unless dtype and shape are equal, `to` has a
///   large storage (above 1 KiB) that begins with it and holds nothing else, both are dense, and only `from`
///   lies in memory with an owner
bool share_memory(const Tensor& to, const Tensor& from);

/// Gives a tensor another dtype in place, for all handles to it: its values are converted, its gradient is
/// dropped. Views of it keep the old values, and a backward that has saved it throws GradError.
/// @param x a leaf
/// @param dtype f32 or f64
/// @throws GradError for the result of a recorded op, DTypeError for other dtypes
void convert_in_place(const Tensor& x, DType dtype);

/// Counts the copies made by contiguous(), to find hidden ones.
/// @return number of copies that contiguous() has made in this process
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
