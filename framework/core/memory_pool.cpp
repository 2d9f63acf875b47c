#include "framework/core/memory_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

namespace heed {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kSmallLimit = 1024;
constexpr size_t kSmallClasses = kSmallLimit / kAlignment;  // 64, 128, ... 1024
constexpr size_t kClasses = kSmallClasses + 4 * 54;         // and four for each power of two above, up to 2^64
constexpr size_t kHugePage = size_t{1} << 21;

struct SizeClass {
  size_t index;
  size_t bytes;
};

SizeClass size_class(size_t bytes) {
  if (bytes <= kSmallLimit) {
    const size_t index = bytes == 0 ? 0 : (bytes - 1) / kAlignment;
    return {index, (index + 1) * kAlignment};
  }
  const auto log = static_cast<size_t>(std::bit_width(bytes - 1)) - 1;  // 2^log < bytes <= 2^(log + 1)
  const size_t step = (size_t{1} << log) / 4;
  const size_t quarter = (bytes - (size_t{1} << log) + step - 1) / step;  // 1..4
  return {kSmallClasses + (log - 10) * 4 + quarter - 1, (size_t{1} << log) + quarter * step};
}

std::atomic<int64_t> active{0}, cached{0}, peak{0}, system_calls{0};

// The link to the next free block lies in the block's first bytes, which stay unpoisoned.
struct FreeBlock {
  FreeBlock* next;
};

struct FreeLists {
  std::array<FreeBlock*, kClasses> head{};
  std::array<size_t, kClasses> bytes{};

  ~FreeLists() { release(); }

  void release() {
    for (size_t i = 0; i < kClasses; ++i) {
      while (FreeBlock* block = head[i]) {
        head[i] = block->next;
        ASAN_UNPOISON_MEMORY_REGION(block, bytes[i]);
        std::free(block);
        cached.fetch_sub(static_cast<int64_t>(bytes[i]), std::memory_order_relaxed);
      }
    }
  }
};

// Objects with static storage may free tensors after this thread's lists are gone; then blocks go straight to the system.
thread_local bool lists_alive = false;
struct Owner {
  FreeLists lists;
  Owner() { lists_alive = true; }
  ~Owner() { lists_alive = false; }
};
FreeLists* lists() {
  thread_local Owner owner;
  return lists_alive ? &owner.lists : nullptr;
}

void* system_allocate(size_t bytes) {
  system_calls.fetch_add(1, std::memory_order_relaxed);
  const bool huge = bytes >= 4 * kHugePage;  // page faults cost more than the fill itself (17 ms for 40 MB)
  const size_t alignment = huge ? kHugePage : kAlignment;
  void* block = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (!block) throw std::bad_alloc();
  if (huge) ::madvise(block, bytes, MADV_HUGEPAGE);
  return block;
}

}  // namespace

void* pool_allocate(size_t bytes) {
  const SizeClass size = size_class(bytes);
  void* block = nullptr;
  if (FreeLists* free = lists(); free && free->head[size.index]) {
    FreeBlock* first = free->head[size.index];
    free->head[size.index] = first->next;
    ASAN_UNPOISON_MEMORY_REGION(first, size.bytes);
    cached.fetch_sub(static_cast<int64_t>(size.bytes), std::memory_order_relaxed);
    block = first;
  } else {
    block = system_allocate(size.bytes);
  }
  const int64_t now = active.fetch_add(static_cast<int64_t>(size.bytes), std::memory_order_relaxed) + static_cast<int64_t>(size.bytes);
  if (now > peak.load(std::memory_order_relaxed)) peak.store(now, std::memory_order_relaxed);
  return block;
}

void pool_free(void* block, size_t bytes) noexcept {
  if (!block) return;
  const SizeClass size = size_class(bytes);
  active.fetch_sub(static_cast<int64_t>(size.bytes), std::memory_order_relaxed);
  FreeLists* free = lists();
  if (!free) {
    std::free(block);
    return;
  }
  auto* first = static_cast<FreeBlock*>(block);
  first->next = free->head[size.index];
  free->head[size.index] = first;
  free->bytes[size.index] = size.bytes;
  cached.fetch_add(static_cast<int64_t>(size.bytes), std::memory_order_relaxed);
  ASAN_POISON_MEMORY_REGION(static_cast<char*>(block) + sizeof(FreeBlock), size.bytes - sizeof(FreeBlock));
}

MemoryStats memory_stats() { return {active, cached, peak, system_calls}; }

void reset_peak_memory() { peak.store(active); }

void release_cached_memory() {
  if (FreeLists* free = lists()) free->release();
}

}  // namespace heed
