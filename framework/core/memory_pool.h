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

/// What the pool holds, of all threads.
struct MemoryStats {
  int64_t active_bytes = 0;        // handed out now, in whole classes
  int64_t cached_bytes = 0;        // in free lists
  int64_t peak_bytes = 0;          // largest active_bytes since the last reset_peak_memory(); to 256 KiB a thread when several allocate
  int64_t system_allocations = 0;  // how often the system was asked
};

/// Takes a block out of the pool.
/// @param bytes at least so many
/// @return 64-byte aligned, not initialised
/// @throws MemoryError with the bytes when the system has none
void* pool_allocate(size_t bytes);
/// Gives a block back.
/// @param block what pool_allocate(bytes) returned
/// @param bytes the same as then
void pool_free(void* block, size_t bytes) noexcept;

/// @return the counters now
MemoryStats memory_stats();
/// Lets peak_bytes start anew from active_bytes.
void reset_peak_memory();
/// Returns this thread's cached blocks to the system.
void release_cached_memory();

}  // namespace heed
