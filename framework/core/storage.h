// The memory behind tensors: 64-byte aligned, shared by all views, with a version number that in-place writes
// increment.
//
// A small new tensor takes one pool block that holds its Storage, the TensorBody that owns it, and the data.
// The block is freed with the Storage, which may outlive the body if a view of it remains. Large data are in
// a separate block.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "framework/core/intrusive_ptr.h"

namespace heed {
namespace detail {
struct DeferredValues;
}

/// A reference-counted piece of memory, from the pool or kept by an owner (from_memory in tensor.h).
struct Storage {
  std::atomic<int32_t> refs{0};  // number of owners
  uint32_t version = 0;          // incremented by every in-place write through any view
  /// In this Storage's own block or in a separate one; null while values are only stored in 8 bits.
  std::atomic<void*> data{nullptr};
  uint64_t bytes = 0;        // size of data
  uint64_t block_bytes = 0;  // size of the pool block that starts with this Storage

  std::shared_ptr<void>* owner = nullptr;      // keeps data that are not the pool's; null: they are
  detail::DeferredValues* deferred = nullptr;  // where the values of stored_values.h come from; the owner's

  /// For IntrusivePtr: returns the block to the pool.
  /// @param storage a storage whose last owner is gone
  static void destroy(Storage* storage) noexcept;
};

}  // namespace heed
