// What stands between the brackets of x.index({...}): a position, a range, an ellipsis, a new dimension, a
// tensor of positions, a mask.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <variant>

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

  /// The entry, of which one kind is there.
  using Entry = std::variant<int64_t, Range, Ellipsis, NewAxis, Tensor>;
  /// @return the entry
  const Entry& entry() const { return entry_; }

 private:
  Entry entry_;
};

}  // namespace heed
