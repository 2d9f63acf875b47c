#include "framework/core/memory_pool.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <iterator>
#include <map>
#include <mutex>
#include <new>
#include <set>
#include <utility>

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

// bytes that a thread may allocate or free before it updates the process-wide counters
constexpr int64_t kBatch = int64_t{1} << 18;

std::atomic<int64_t> active{0}, peak{0}, system_calls{0};  // active: bytes reported by the threads so far

// Large blocks of all threads, in one range of addresses: a free block is cut to what is wanted and joined
// with its free neighbours, so that what a batch of one shape leaves serves a batch of another. The range is
// only reserved; pages become memory when they are first written to.
class Arena {
 public:
  static constexpr size_t kLeast = size_t{1} << 16;  // bytes of a block that is worth the lock

  // Reserves as many addresses as the machine has memory, less where a limit allows less.
  Arena() {
    if (HEED_ASAN) return;  // which sees more with a piece of the system's memory for each block
    size_t bytes =
        static_cast<size_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    if (rlimit limit; ::getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
      bytes = std::min<size_t>(bytes, limit.rlim_cur / 4);
    for (; bytes >= 4 * kHugePage; bytes /= 2) {
      void* const range = ::mmap(nullptr, bytes + kHugePage, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (range == MAP_FAILED) continue;
      const auto address = reinterpret_cast<uintptr_t>(range);
      begin_ = static_cast<char*>(range) + ((address + kHugePage - 1) / kHugePage * kHugePage - address);
      end_ = begin_ + bytes;
      top_ = touched_ = begin_;
      ::madvise(begin_, bytes, MADV_HUGEPAGE);  // fewer page faults: 10 ms less for 40 MB
      return;
    }
  }
  // The extra line has blocks of a power of two begin at different places of a page, and of the caches.
  static size_t rounded(size_t bytes) { return (bytes + 4095) / 4096 * 4096 + kAlignment; }
  bool owns(const void* block) const {
    const auto* const at = static_cast<const char*>(block);
    return at >= begin_ && at < end_;
  }
  // Of rounded size; null when there is no room.
  void* allocate(size_t bytes) {
    const std::lock_guard lock(mutex_);
    char* block = top_;
    if (const auto found = by_size_.lower_bound({bytes, nullptr}); found != by_size_.end()) {
      const auto [size, address] = *found;
      block = address;
      remove(address, size);
      if (size > bytes) insert(address + bytes, size - bytes);
    } else {
      if (static_cast<size_t>(end_ - top_) < bytes) return nullptr;
      top_ += bytes;
      if (top_ > touched_) {
        touched_ = top_;
        system_calls.fetch_add(1, std::memory_order_relaxed);
      }
    }
    active_ += bytes;
    released_ -= std::min(released_, bytes);
    return block;
  }
  void free(void* block, size_t bytes) {
    const std::lock_guard lock(mutex_);
    auto* begin = static_cast<char*>(block);
    char* end = begin + bytes;
    active_ -= bytes;
    const auto next = free_.lower_bound(begin);
    if (next != free_.begin()) {
      const auto [address, size] = *std::prev(next);
      if (address + size == begin) {
        begin = address;
        remove(address, size);
      }
    }
    if (const auto after = free_.find(end); after != free_.end()) {
      const auto [address, size] = *after;
      end += size;
      remove(address, size);
    }
    if (end == top_) {
      top_ = begin;
      return;
    }
    try {
      insert(begin, static_cast<size_t>(end - begin));
    } catch (const std::bad_alloc&) {  // its addresses are lost
      free_.erase(begin);
    }
  }
  // Gives free pages back; their addresses stay.
  void release() {
    const std::lock_guard lock(mutex_);
    const auto give_back = [](char* begin, char* end) {
      const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
      const auto first = (reinterpret_cast<uintptr_t>(begin) + page - 1) / page * page,
                 last = reinterpret_cast<uintptr_t>(end) / page * page;
      if (first < last)
        ::madvise(begin + (first - reinterpret_cast<uintptr_t>(begin)), last - first, MADV_DONTNEED);
    };
    for (const auto& [address, size] : free_) give_back(address, address + size);
    give_back(top_, touched_);
    touched_ = top_;
    released_ = static_cast<size_t>(touched_ - begin_) - active_;
  }
  // Bytes that were used once and are free, without what release() gave back.
  int64_t cached() {
    const std::lock_guard lock(mutex_);
    return touched_ - begin_ - static_cast<int64_t>(active_ + released_);
  }

 private:
  void insert(char* address, size_t size) {
    free_.emplace(address, size);
    by_size_.emplace(size, address);
  }
  void remove(char* address, size_t size) {
    free_.erase(address);
    by_size_.erase({size, address});
  }
  std::mutex mutex_;
  char *begin_ = nullptr, *end_ = nullptr;
  char* top_ = nullptr;           // nothing is in use from here on
  char* touched_ = nullptr;       // nor has been since release()
  std::map<char*, size_t> free_;  // below top_, no two of them neighbours
  std::set<std::pair<size_t, char*>> by_size_;
  size_t active_ = 0, released_ = 0;  // bytes
};

// Never destroyed, for objects that free tensors after main.
Arena& arena() {
  static auto* const all = new Arena;
  return *all;
}

// Free blocks of a class form chains (Bonwick & Adams 2001, "magazines"). The links are stored in a block's
// first bytes, which are not poisoned.
struct FreeBlock {
  FreeBlock* next;
  size_t count;           // blocks of the chain from this one on
  FreeBlock* next_chain;  // in the depot
};

// Blocks of a full chain, by class: some 256 KiB of them.
constexpr std::array<uint32_t, kClasses> kFullChain = [] {
  std::array<uint32_t, kClasses> blocks{};
  for (size_t i = 0; i < kClasses; ++i) {
    const size_t log = i < kSmallClasses ? 0 : 10 + (i - kSmallClasses) / 4;
    const size_t bytes = i < kSmallClasses ? (i + 1) * kAlignment
                         : log < 63        ? size_t{1} << log
                                           : size_t{1} << 63;
    blocks[i] = static_cast<uint32_t>(std::clamp<size_t>((size_t{1} << 18) / bytes, 16, 1024));
  }
  return blocks;
}();

// Full chains that a thread has too many of, for any thread: one may free what another allocates. Never
// destroyed, as the threads' pools.
class Depot {
 public:
  void put(size_t index, FreeBlock* chain, size_t bytes) {
    const std::lock_guard lock(mutex_);
    chain->next_chain = chains_[index];
    chains_[index] = chain;
    bytes_.fetch_add(static_cast<int64_t>(chain->count * bytes), std::memory_order_relaxed);
  }
  FreeBlock* take(size_t index, size_t bytes) {
    if (bytes_.load(std::memory_order_relaxed) == 0) return nullptr;
    const std::lock_guard lock(mutex_);
    FreeBlock* const chain = chains_[index];
    if (!chain) return nullptr;
    chains_[index] = chain->next_chain;
    bytes_.fetch_sub(static_cast<int64_t>(chain->count * bytes), std::memory_order_relaxed);
    return chain;
  }
  int64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  std::mutex mutex_;
  std::array<FreeBlock*, kClasses> chains_{};
  std::atomic<int64_t> bytes_{0};
};
Depot& depot() {
  static auto* const all = new Depot;
  return *all;
}

// Gives a chain back to the system.
void drop_chain(FreeBlock* block, size_t bytes) {
  while (block) {
    FreeBlock* const next = block->next;
    ASAN_UNPOISON_MEMORY_REGION(block, bytes);
    std::free(block);
    block = next;
  }
}

// A counter that one thread writes and others read, without atomic read-modify-write instructions.
class Counter {
 public:
  int64_t value() const { return n_.load(std::memory_order_relaxed); }
  void set(int64_t n) { n_.store(n, std::memory_order_relaxed); }
  void add(int64_t n) { set(value() + n); }

 private:
  std::atomic<int64_t> n_{0};
};

// The pool of one thread: its free chains, and the bytes allocated and freed since it last updated the
// process-wide counters.
struct ThreadPool {
  std::array<FreeBlock*, kClasses> head{};  // a chain that is not full
  std::array<FreeBlock*, kClasses> full{};  // a full one, so that the depot is not asked at every turn
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
      for (FreeBlock** const chain : {&head[i], &full[i]}) {
        if (!*chain) continue;
        cached.add(-static_cast<int64_t>((*chain)->count * class_bytes(i)));
        drop_chain(*chain, class_bytes(i));
        *chain = nullptr;
      }
    }
  }
  // The chain of a class is full.
  [[gnu::noinline]] void put_aside(size_t index) {
    if (full[index]) {
      const size_t bytes = class_bytes(index);
      cached.add(-static_cast<int64_t>(full[index]->count * bytes));
      depot().put(index, full[index], bytes);
    }
    full[index] = std::exchange(head[index], nullptr);
  }
  // A chain for a class that has no free block here; null where there is none.
  [[gnu::noinline]] FreeBlock* more(size_t index) {
    if (full[index]) return head[index] = std::exchange(full[index], nullptr);
    const size_t bytes = class_bytes(index);
    FreeBlock* const chain = depot().take(index, bytes);
    if (chain) cached.add(static_cast<int64_t>(chain->count * bytes));
    return head[index] = chain;
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

namespace {

// The calling thread has so many bytes more, or fewer.
void count(ThreadPool& pool, int64_t bytes) {
  const int64_t pending = pool.pending.value() + bytes;
  pool.pending.set(pending);
  if (pending > pool.highest.value()) {
    pool.highest.set(pending);
    if (pending > kBatch) pool.tell();
  } else if (pending < -kBatch) {
    pool.tell();
  }
}

// A block of the arena, or null.
[[gnu::noinline]] void* allocate_large(size_t bytes) {
  const size_t size = Arena::rounded(bytes);
  void* const block = arena().allocate(size);
  if (!block) return nullptr;
  const auto taken = static_cast<int64_t>(size);
  if (ThreadPool* const pool = mine ? mine : make_pool()) {
    count(*pool, taken);
  } else {
    tell_directly(taken);
  }
  if (detail::is_profiling()) [[unlikely]]
    detail::profile_allocation(block, taken);
  return block;
}

[[gnu::noinline]] void free_large(void* block, size_t bytes) noexcept {
  const size_t size = Arena::rounded(bytes);
  const auto taken = static_cast<int64_t>(size);
  if (detail::is_profiling()) [[unlikely]]
    detail::profile_free(block, taken);
  arena().free(block, size);
  if (ThreadPool* const pool = mine ? mine : make_pool()) {
    count(*pool, -taken);
  } else {
    tell_directly(-taken);
  }
}

}  // namespace

void* pool_allocate(size_t bytes) {
  if (bytes > kMostBytes) throw_out_of_memory(bytes);
  if (bytes >= Arena::kLeast) {
    if (void* const block = allocate_large(bytes)) return block;
  }
  const SizeClass size = size_class(bytes);
  ThreadPool* const pool = mine ? mine : make_pool();
  if (!pool) return allocate_without_pool(size.bytes);
  const auto taken = static_cast<int64_t>(size.bytes);
  void* block = pool->head[size.index];
  if (!block) block = pool->more(size.index);
  if (block) {
    pool->head[size.index] = static_cast<FreeBlock*>(block)->next;
    ASAN_UNPOISON_MEMORY_REGION(block, size.bytes);
    pool->cached.add(-taken);
  } else {
    block = system_allocate(size.bytes);
  }
  count(*pool, taken);
  if (detail::is_profiling()) [[unlikely]]
    detail::profile_allocation(block, taken);
  return block;
}

void pool_free(void* block, size_t bytes) noexcept {
  if (!block) return;
  if (bytes >= Arena::kLeast && arena().owns(block)) return free_large(block, bytes);
  const SizeClass size = size_class(bytes);
  ThreadPool* const pool = mine ? mine : make_pool();
  if (detail::is_profiling()) [[unlikely]]
    detail::profile_free(block, static_cast<int64_t>(size.bytes));
  if (!pool) return free_without_pool(block, size.bytes);
  auto* const first = static_cast<FreeBlock*>(block);
  FreeBlock* const next = pool->head[size.index];
  first->next = next;
  first->count = next ? next->count + 1 : 1;
  pool->head[size.index] = first;
  pool->cached.add(static_cast<int64_t>(size.bytes));
  ASAN_POISON_MEMORY_REGION(static_cast<char*>(block) + sizeof(FreeBlock), size.bytes - sizeof(FreeBlock));
  if (first->count >= kFullChain[size.index]) [[unlikely]]
    pool->put_aside(size.index);
  count(*pool, -static_cast<int64_t>(size.bytes));
}

MemoryStats memory_stats() {
  if (mine) mine->tell();
  Threads& all = all_threads();
  const std::lock_guard lock(all.mutex);
  MemoryStats stats{active, arena().cached() + depot().bytes(), peak, system_calls};
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
  for (size_t i = 0; i < kClasses && depot().bytes() > 0; ++i) {
    while (FreeBlock* const chain = depot().take(i, class_bytes(i))) drop_chain(chain, class_bytes(i));
  }
  arena().release();
}

}  // namespace heed
