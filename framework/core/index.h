// What stands between the brackets of x.index({...}): a position, a range, an ellipsis, a new dimension, a
// tensor of positions, a mask.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "framework/core/tensor.h"

namespace heed {

/// Elements start, start + step, ... before stop; Python's start:stop:step. Negative ends count from the end
/// of the dimension, ends outside it mean its ends, and those left out are its ends: Range{} is all of it,
/// Range{.stop = -1} all but the last.
struct Range {
  std::optional<int64_t> start = {};  // the first element
  std::optional<int64_t> stop = {};   // the first one that is left out
  int64_t step = 1;                   // at least 1
};

/// As many whole dimensions as are left; Python's `...`. At most one in an index.
struct Ellipsis {};
/// The entry that stands for it.
inline constexpr Ellipsis ellipsis{};
/// A new dimension of extent 1; Python's None.
struct NewAxis {};
/// The entry that stands for it.
inline constexpr NewAxis new_axis{};

/// One entry of an index. Converts implicitly from each of its kinds.
class Index {
 public:
  /// @param position of an element of one dimension, which the result lacks; negative ones count from the end
  template <std::integral T>
  requires(!std::same_as<T, bool>) Index(T position) : entry_(static_cast<int64_t>(position)) {}
  /// @param range elements of one dimension
  Index(Range range) : entry_(range) {}
  /// @param all the dimensions that no other entry names
  Index(Ellipsis all) : entry_(all) {}
  /// @param axis a new dimension
  Index(NewAxis axis) : entry_(axis) {}
  /// @param chosen i64: positions in one dimension; or a mask over as many dimensions as it has
  Index(const Tensor& chosen) : entry_(chosen) {}
  /// @cond
  template <class T>
  requires(std::floating_point<T> || std::same_as<T, bool> || std::is_array_v<T>) Index(const T&) {
    static_assert(
        std::is_same_v<T, Index>,
        "heed: an index is made of whole numbers, Range, ellipsis, new_axis, i64 tensors and masks");
  }
  /// @endcond

  /// The entry, of which one kind is there.
  using Entry = std::variant<int64_t, Range, Ellipsis, NewAxis, Tensor>;
  /// @return the entry
  const Entry& entry() const { return entry_; }

 private:
  Entry entry_;
};

/// What x[ids], x[mask] and x.index({...}) give: the tensor, which knows where it is from as long as it has
/// no name. As any tensor it can be kept in a variable of type Tensor, and forgets it there.
class TensorPart : public Tensor {
 public:
  /// @param values what the index names
  /// @param whole the tensor that `index` is of; undefined for a view, which needs none
  /// @param index where the values are in it
  TensorPart(Tensor values, Tensor whole, std::vector<Index> index)
      : Tensor(std::move(values)), whole_(std::move(whole)), index_(std::move(index)) {}
  /// @{
  /// Copies share the body, and a variable that is assigned to is bound to another.
  TensorPart(const TensorPart&) = default;
  TensorPart(TensorPart&&) = default;
  TensorPart& operator=(const TensorPart&) & = default;
  TensorPart& operator=(TensorPart&&) & = default;
  ~TensorPart() = default;
  /// @}
  /// Binds a variable to another tensor.
  /// @param other the tensor
  /// @return this
  TensorPart& operator=(const Tensor& other) & { return *this = TensorPart(other, {}, {}); }
  /// @{
  /// Writes into the tensor that this is a part of, in place: x[mask] = 0, x.index({ids, 1}) = y. Not
  /// recorded by autograd (index_put() is). Of a place that is named twice the last value counts.
  /// @param values broadcast to this shape, and converted to the dtype
  /// @throws as Tensor's assignment and index_put_()
  void operator=(const Tensor& values) &&;
  void operator=(Scalar values) &&;
  /// @}

 private:
  Tensor whole_;
  std::vector<Index> index_;
};

}  // namespace heed
