#include "framework/core/memory_pool.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <mutex>

#include "framework/core/error.h"
#include "framework/core/profiled.h"
#include "framework/core/sanitizers.h"

#if HEED_ASAN
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
constexpr size_t kClasses = kSmallClasses + 4 * 54;  // and four for each power of two above, up to 2^64
constexpr size_t kMostBytes = size_t{1} << 62;       // sizes of the classes above do not fit in a size_t
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

// The size in bytes of a class, by its index.
size_t class_bytes(size_t index) {
  if (index < kSmallClasses) return (index + 1) * kAlignment;
  const size_t log = 10 + (index - kSmallClasses) / 4, quarter = (index - kSmallClasses) % 4 + 1;
  return (size_t{1} << log) + quarter * ((size_t{1} << log) / 4);
}

// The link to the next free block is stored in the block's first bytes, which are not poisoned.
struct FreeBlock {
  FreeBlock* next;
};

// bytes that a thread may allocate or free before it updates the process-wide counters
constexpr int64_t kBatch = int64_t{1} << 18;

std::atomic<int64_t> active{0}, peak{0}, system_calls{0};  // active: bytes reported by the threads so far

// A counter that one thread writes and others read, without atomic read-modify-write instructions.
class Counter {
 public:
  int64_t value() const { return n_.load(std::memory_order_relaxed); }
  void set(int64_t n) { n_.store(n, std::memory_order_relaxed); }
  void add(int64_t n) { set(value() + n); }

 private:
  std::atomic<int64_t> n_{0};
};

// The pool of one thread: its free lists, and the bytes allocated and freed since it last updated the
// process-wide counters.
struct ThreadPool {
  std::array<FreeBlock*, kClasses> head{};
  Counter cached;
  Counter pending;  // active bytes not yet reported
  Counter highest;  // the largest value of `pending`
  ThreadPool* previous = nullptr;
  ThreadPool* next = nullptr;

  void tell() {
    const int64_t now = active.load(std::memory_order_relaxed) + highest.value();
    int64_t most = peak.load(std::memory_order_relaxed);
    while (now > most && !peak.compare_exchange_weak(most, now, std::memory_order_relaxed)) {
    }
    active.fetch_add(pending.value(), std::memory_order_relaxed);
    pending.set(0);
    highest.set(0);
  }
  void release() {
    for (size_t i = 0; i < kClasses; ++i) {
      while (FreeBlock* block = head[i]) {
        head[i] = block->next;
        ASAN_UNPOISON_MEMORY_REGION(block, class_bytes(i));
        std::free(block);
        cached.add(-static_cast<int64_t>(class_bytes(i)));
      }
    }
  }
};

// The pools of all threads, for summing counters. Never destroyed, because objects with static storage may
// free tensors after main.
struct Threads {
  std::mutex mutex;
  ThreadPool* first = nullptr;
};
Threads& all_threads() {
  static auto* const all = new Threads;
  return *all;
}

// Null before a thread's first allocation and after its pool is destroyed; blocks are then allocated from the
// system and returned to it directly.
constinit thread_local ThreadPool* mine = nullptr;
constinit thread_local bool gone = false;

struct Owner {
  ThreadPool pool;
  Owner() {
    Threads& all = all_threads();
    const std::lock_guard lock(all.mutex);
    pool.next = all.first;
    if (all.first) all.first->previous = &pool;
    all.first = &pool;
    mine = &pool;
  }
  ~Owner() {
    pool.release();
    Threads& all = all_threads();
    const std::lock_guard lock(all.mutex);
    pool.tell();
    (pool.previous ? pool.previous->next : all.first) = pool.next;
    if (pool.next) pool.next->previous = pool.previous;
    mine = nullptr;
    gone = true;
  }
};

ThreadPool* make_pool() {
  if (!gone) {
    thread_local Owner owner;
    mine = &owner.pool;
  }
  return mine;
}

[[noreturn, gnu::noinline]] void throw_out_of_memory(size_t bytes) {
  throw MemoryError("memory", fmt::format("{} bytes wanted, more than the system gives", bytes));
}

void* system_allocate(size_t bytes) {
  system_calls.fetch_add(1, std::memory_order_relaxed);
  const bool huge = bytes >= 4 * kHugePage;  // page faults cost more than the fill itself (17 ms for 40 MB)
  const size_t alignment = huge ? kHugePage : kAlignment;
  void* block = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (!block) throw_out_of_memory(bytes);
  if (huge) ::madvise(block, bytes, MADV_HUGEPAGE);
  return block;
}

// Used without a thread's pool: updates the process-wide counters at once.
void tell_directly(int64_t bytes) {
  const int64_t now = active.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  int64_t most = peak.load(std::memory_order_relaxed);
  while (now > most && !peak.compare_exchange_weak(most, now, std::memory_order_relaxed)) {
  }
}

[[gnu::noinline]] void* allocate_without_pool(size_t bytes) {
  void* block = system_allocate(bytes);
  tell_directly(static_cast<int64_t>(bytes));
  return block;
}

[[gnu::noinline]] void free_without_pool(void* block, size_t bytes) {
  tell_directly(-static_cast<int64_t>(bytes));
  std::free(block);
}

}  // namespace

void* pool_allocate(size_t bytes) {
  if (bytes > kMostBytes) throw_out_of_memory(bytes);
  const SizeClass size = size_class(bytes);
  ThreadPool* const pool = mine ? mine : make_pool();
  if (!pool) return allocate_without_pool(size.bytes);
  const auto taken = static_cast<int64_t>(size.bytes);
  void* block = pool->head[size.index];
  if (block) {
    pool->head[size.index] = static_cast<FreeBlock*>(block)->next;
    ASAN_UNPOISON_MEMORY_REGION(block, size.bytes);
    pool->cached.add(-taken);
  } else {
    block = system_allocate(size.bytes);
  }
  const int64_t pending = pool->pending.value() + taken;
  pool->pending.set(pending);
  if (pending > pool->highest.value()) {
    pool->highest.set(pending);
    if (pending > kBatch) pool->tell();
  }
  if (detail::is_profiling()) [[unlikely]]
    detail::profile_allocation(block, taken);
  return block;
}

void pool_free(void* block, size_t bytes) noexcept {
  if (!block) return;
  const SizeClass size = size_class(bytes);
  ThreadPool* const pool = mine ? mine : make_pool();
  if (detail::is_profiling()) [[unlikely]]
    detail::profile_free(block, static_cast<int64_t>(size.bytes));
  if (!pool) return free_without_pool(block, size.bytes);
  auto* const first = static_cast<FreeBlock*>(block);
  first->next = pool->head[size.index];
  pool->head[size.index] = first;
  pool->cached.add(static_cast<int64_t>(size.bytes));
  ASAN_POISON_MEMORY_REGION(static_cast<char*>(block) + sizeof(FreeBlock), size.bytes - sizeof(FreeBlock));
  const int64_t pending = pool->pending.value() - static_cast<int64_t>(size.bytes);
  pool->pending.set(pending);
  if (pending < -kBatch) pool->tell();
}

MemoryStats memory_stats() {
  if (mine) mine->tell();
  Threads& all = all_threads();
  const std::lock_guard lock(all.mutex);
  MemoryStats stats{active, 0, peak, system_calls};
  for (const ThreadPool* pool = all.first; pool; pool = pool->next) {
    stats.active_bytes += pool->pending.value();
    stats.cached_bytes += pool->cached.value();
  }
  stats.peak_bytes = std::max(stats.peak_bytes, stats.active_bytes);
  return stats;
}

void reset_peak_memory() {
  if (mine) mine->tell();
  Threads& all = all_threads();
  const std::lock_guard lock(all.mutex);
  int64_t now = active;
  for (ThreadPool* pool = all.first; pool; pool = pool->next) {
    now += pool->pending.value();
    pool->highest.set(std::max<int64_t>(pool->pending.value(), 0));
  }
  peak = now;
}

void release_cached_memory() {
  if (mine) mine->release();
}

}  // namespace heed
