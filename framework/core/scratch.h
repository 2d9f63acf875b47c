// Memory of the pool for as long as an object lives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "framework/core/memory_pool.h"

namespace heed::detail {

/// Room for numbers, whose values are not set.
/// @tparam T a type of numbers
template <class T>
class Scratch {
 public:
  /// @param n how many
  /// @throws MemoryError
  explicit Scratch(int64_t n)
      : bytes_(static_cast<size_t>(n) * sizeof(T)), data_(static_cast<T*>(pool_allocate(bytes_))) {}
  ~Scratch() {
    if (data_) pool_free(data_, bytes_);
  }
  Scratch(Scratch&& other) noexcept : bytes_(other.bytes_), data_(std::exchange(other.data_, nullptr)) {}
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  /// @return the first of them
  T* data() const { return data_; }

 private:
  size_t bytes_;
  T* data_;
};

}  // namespace heed::detail
