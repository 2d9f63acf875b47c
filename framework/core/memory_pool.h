// The caching allocator behind tensors, graph nodes and scratch space.
//
// Sizes are rounded up to classes (64-byte steps to 1 KiB, then four classes a power of two, so at most 25 % waste). A freed
// block goes to a free list of its class and is handed out again, so a training step in its steady state asks the system for
// nothing. Each thread has its own lists; a block may be freed on another thread than it came from. Blocks are 64-byte aligned.
// Each thread also counts for itself, in plain numbers that memory_stats() adds up, and takes no lock on the way.
// Under AddressSanitizer cached blocks are poisoned, so a use after free is still found.
#pragma once

#include <cstddef>
#include <cstdint>

namespace heed {

struct MemoryStats {
  int64_t active_bytes = 0;        // handed out now, in whole classes
  int64_t cached_bytes = 0;        // in free lists
  int64_t peak_bytes = 0;          // largest active_bytes since the last reset_peak_memory(); to 256 KiB a thread when several allocate
  int64_t system_allocations = 0;  // how often the system was asked
};

/// At least `bytes` bytes, 64-byte aligned, not initialised. Throws std::bad_alloc when the system has none.
void* pool_allocate(size_t bytes);
/// Gives back what pool_allocate(bytes) returned; `bytes` must be the same.
void pool_free(void* block, size_t bytes) noexcept;

MemoryStats memory_stats();
void reset_peak_memory();
/// Returns this thread's cached blocks to the system.
void release_cached_memory();

}  // namespace heed
