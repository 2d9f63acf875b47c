// The bytes behind tensors: 64-byte aligned, shared by all views, with a version that in-place writes raise.
//
// A new dense tensor is one block of the pool when it is small: its Storage, the body that owns it, and the data. The block lives as long
// as the storage does, which may be longer than the body (a view of it remains). Large data have a block of their own.
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
  void* data = nullptr;          // inside this block or in one of its own
  uint64_t bytes = 0;            // of data
  uint64_t block_bytes = 0;      // of the block that this Storage begins

  /// For IntrusivePtr: gives the block back.
  /// @param storage that has no owner any more
  static void destroy(Storage* storage) noexcept;
};

}  // namespace heed
