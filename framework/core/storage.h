// The bytes behind tensors: 64-byte aligned, shared by all views, with a version that in-place writes raise.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "framework/core/intrusive_ptr.h"

namespace heed {

/// A block of the pool with a count of its owners.
struct Storage {
  std::atomic<int32_t> refs{0};  // owners
  uint32_t version = 0;          // raised by every in-place write through any view
  void* data = nullptr;          // 64-byte aligned
  size_t bytes = 0;              // as they were asked for

  /// @param bytes at least 0
  /// @return a new block, not initialised
  static IntrusivePtr<Storage> allocate(size_t bytes);
  /// For IntrusivePtr: gives the block back.
  /// @param storage that has no owner any more
  static void destroy(Storage* storage) noexcept;
};

}  // namespace heed
