// The bytes behind tensors: 64-byte aligned, shared by all views, with a version that in-place writes raise.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "framework/core/intrusive_ptr.h"

namespace heed {

struct Storage {
  std::atomic<int32_t> refs{0};
  uint32_t version = 0;  // raised by every in-place write through any view
  void* data = nullptr;
  size_t bytes = 0;

  static IntrusivePtr<Storage> allocate(size_t bytes);
  static void destroy(Storage* storage) noexcept;
};

}  // namespace heed
