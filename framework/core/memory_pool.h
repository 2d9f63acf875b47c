// The caching allocator behind tensors, graph nodes and scratch space.
//
// Sizes are rounded up to size classes (64-byte steps to 1 KiB, then four classes per power of two, so at
// most 25 % is wasted). A freed block goes to a free list of its class and is reused, so a training step in
// its steady state allocates nothing from the system. Each thread has its own free lists, and hands what is
// too much for it to the others: a block may be freed on a different thread from the one that allocated it,
// such as the batches of a DataLoader's workers. Blocks are 64-byte aligned.
// Blocks of 64 KiB and more share one range of addresses: they are cut from free ones of any size and joined
// again when they are freed (best fit; Knuth, The Art of Computer Programming, vol. 1, sec. 2.5), so that
// batches of many shapes hold little more than the largest of them. Under AddressSanitizer they do not.
// Each thread keeps its own counters, without locks; memory_stats() adds them up.
// Under AddressSanitizer cached blocks are poisoned, so a use after free is still found.
#pragma once

#include <cstddef>
#include <cstdint>

namespace heed {

/// Counters of the pool, summed over all threads.
struct MemoryStats {
  int64_t active_bytes = 0;  // allocated now, counted by rounded-up block sizes
  int64_t cached_bytes = 0;  // freed and waiting in free lists to be reused
  /// Largest active_bytes since reset_peak_memory(); to 256 KiB per thread if several threads allocate.
  int64_t peak_bytes = 0;
  int64_t system_allocations = 0;  // number of allocations made from the system
};

/// Takes a block out of the pool.
/// @param bytes minimum size of the block
/// @return address of the block, 64-byte aligned, not initialised
/// @throws MemoryError with the number of bytes when the system refuses
void* pool_allocate(size_t bytes);
/// Gives a block back.
/// @param block what pool_allocate(bytes) returned
/// @param bytes the size that was passed to pool_allocate
void pool_free(void* block, size_t bytes) noexcept;

/// @return the current counters
MemoryStats memory_stats();
/// Resets peak_bytes to the current active_bytes.
void reset_peak_memory();
/// Returns the cached blocks of this thread and those that threads have handed on, and the free pages of the
/// large ones, to the system.
void release_cached_memory();

}  // namespace heed
