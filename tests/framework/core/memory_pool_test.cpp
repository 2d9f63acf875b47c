// The caching allocator: a steady state asks the system for nothing, and the counters add up.
#include "framework/core/memory_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "framework/core/sanitizers.h"
#include "framework/framework.h"

#if HEED_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace heed {
namespace {

TEST(MemoryPool, ASteadyStateAsksTheSystemForNothing) {
  manual_seed(3);
  const Tensor x = randn({32, 12, 24}), w_ih = randn({64, 24}).set_requires_grad(true),
               w_hh = randn({64, 16}).set_requires_grad(true);
  const Tensor bias = zeros({64}).set_requires_grad(true), out = randn({100, 16}).set_requires_grad(true);
  const Tensor targets = zeros({32 * 12}, DType::i64);
  const auto step = [&] {
    const Tensor y = dropout(lstm(x, {}, {}, {}, w_ih, w_hh, bias).output, 0.2);
    linear_cross_entropy(reshape(y, {32 * 12, 16}), out, {}, targets).backward();
    for (const Tensor& parameter : {w_ih, w_hh, bias, out}) parameter.zero_grad();
  };
  for (int i = 0; i < 3; ++i) step();
  const MemoryStats before = memory_stats();
  for (int i = 0; i < 100; ++i) step();
  const MemoryStats after = memory_stats();
  EXPECT_EQ(after.system_allocations, before.system_allocations);
  EXPECT_EQ(after.active_bytes, before.active_bytes);
  EXPECT_EQ(after.cached_bytes, before.cached_bytes);
}

TEST(MemoryPool, CountsWhatIsOutCachedAndAtMost) {
  release_cached_memory();
  reset_peak_memory();
  const MemoryStats start = memory_stats();
  void* block = pool_allocate(1000);  // the class of 1024 bytes
  EXPECT_EQ(memory_stats().active_bytes - start.active_bytes, 1024);
  EXPECT_EQ(memory_stats().peak_bytes - start.peak_bytes, 1024);
  EXPECT_EQ(memory_stats().system_allocations - start.system_allocations, 1);
  pool_free(block, 1000);
  EXPECT_EQ(memory_stats().active_bytes, start.active_bytes);
  EXPECT_EQ(memory_stats().cached_bytes - start.cached_bytes, 1024);
  void* again = pool_allocate(1024);  // the same class: the same block
  EXPECT_EQ(again, block);
  EXPECT_EQ(memory_stats().system_allocations - start.system_allocations, 1);
  pool_free(again, 1024);
  release_cached_memory();
  EXPECT_EQ(memory_stats().cached_bytes, start.cached_bytes);  // of other threads, if any
  EXPECT_EQ(memory_stats().peak_bytes - start.peak_bytes, 1024);
  reset_peak_memory();
  EXPECT_EQ(memory_stats().peak_bytes, memory_stats().active_bytes);
}

TEST(MemoryPool, EverySizeIsAlignedAndLargeEnough) {
  for (size_t bytes = 0; bytes < 5000; ++bytes) {
    void* block = pool_allocate(bytes);
    ASSERT_EQ(reinterpret_cast<uintptr_t>(block) % 64, 0U) << bytes;
    std::memset(block, 0xAB, bytes);  // AddressSanitizer checks the size
    pool_free(block, bytes);
  }
  for (size_t bytes = 4096; bytes < (size_t{1} << 26); bytes = bytes * 9 / 8 + 1) {
    const MemoryStats before = memory_stats();
    void* block = pool_allocate(bytes);
    const auto taken = static_cast<size_t>(memory_stats().active_bytes - before.active_bytes);
    ASSERT_GE(taken, bytes);
    ASSERT_LE(taken, bytes + bytes / 4 + 64);
    static_cast<char*>(block)[bytes - 1] = 1;
    pool_free(block, bytes);
  }
  release_cached_memory();
}

TEST(MemoryPool, ABlockMayBeFreedOnAnotherThread) {
  const int64_t before = memory_stats().active_bytes;
  Tensor x = zeros({1000});
  std::thread([moved = std::move(x)]() mutable { moved = Tensor{}; }).join();
  EXPECT_EQ(memory_stats().active_bytes, before);
}

// One thread makes tensors that another drops, as DataLoader's workers do: the blocks go round.
TEST(MemoryPool, BlocksComeBackToTheThreadThatAllocates) {
  std::vector<Tensor> handed;
  int64_t after_first = 0;
  for (int round = 0; round < 20; ++round) {
    std::thread([&] {
      for (int64_t i = 0; i < 200; ++i)
        for (const int64_t n : {10, 1000, 5000}) handed.push_back(full({n}, 1.0));
    }).join();
    handed.clear();
    if (round == 3) after_first = memory_stats().cached_bytes;
  }
  EXPECT_LE(memory_stats().cached_bytes, after_first + (1 << 20));
  release_cached_memory();
}

// Large blocks share one range: what is free serves any size, and no two overlap.
TEST(MemoryPool, LargeBlocksOfAnySizeServeEachOther) {
#if HEED_ASAN
  GTEST_SKIP() << "under AddressSanitizer each block is the system's own";
#endif
  release_cached_memory();
  struct Block {
    unsigned char* at;
    size_t bytes;
    unsigned char mark;
  };
  std::vector<Block> blocks;
  std::mt19937 random(3);
  size_t held = 0, most = 0;
  const MemoryStats before = memory_stats();
  for (int i = 0; i < 4000; ++i) {
    if (held < (size_t{40} << 20) && random() % 2 == 0) {
      const size_t bytes = (size_t{1} << 16) + random() % (size_t{1} << (17 + random() % 6));
      Block block{static_cast<unsigned char*>(pool_allocate(bytes)), bytes,
                  static_cast<unsigned char>(random() % 256)};
      ASSERT_EQ(reinterpret_cast<uintptr_t>(block.at) % 64, 0U);
      std::memset(block.at, block.mark, bytes);
      blocks.push_back(block);
      held += bytes;
      most = std::max(most, held);
    } else if (!blocks.empty()) {
      std::swap(blocks[random() % blocks.size()], blocks.back());
      const Block block = blocks.back();
      blocks.pop_back();
      ASSERT_TRUE(
          std::all_of(block.at, block.at + block.bytes, [&](unsigned char c) { return c == block.mark; }));
      pool_free(block.at, block.bytes);
      held -= block.bytes;
    }
  }
  const MemoryStats full = memory_stats();
  // what was ever used is little more than what was in use at once
  EXPECT_LT(full.active_bytes + full.cached_bytes - before.active_bytes - before.cached_bytes,
            static_cast<int64_t>(most + most / 3));
  for (const Block& block : blocks) pool_free(block.at, block.bytes);
  EXPECT_EQ(memory_stats().active_bytes, before.active_bytes);
  // joined again: one block takes the place of all
  const MemoryStats joined = memory_stats();
  const auto whole = static_cast<size_t>(joined.cached_bytes - before.cached_bytes) - (size_t{1} << 16);
  pool_free(pool_allocate(whole), whole);
  EXPECT_EQ(memory_stats().system_allocations, joined.system_allocations);
}

TEST(MemoryPool, ReleasedPagesGoBackToTheSystem) {
#if HEED_ASAN
  GTEST_SKIP() << "under AddressSanitizer each block is the system's own";
#endif
  const auto resident = [] {
    std::ifstream file("/proc/self/statm");
    int64_t pages = 0, of_them = 0;
    file >> pages >> of_them;
    return of_them * 4096;
  };
  constexpr size_t kBytes = size_t{64} << 20;
  void* const kept = pool_allocate(1 << 20);
  void* const block = pool_allocate(kBytes);
  std::memset(block, 1, kBytes);
  void* const above = pool_allocate(1 << 20);  // the range does not end with the block
  std::memset(above, 2, 1 << 20);
  const int64_t before = resident();
  pool_free(block, kBytes);
  EXPECT_GE(memory_stats().cached_bytes, static_cast<int64_t>(kBytes));
  release_cached_memory();
  EXPECT_LT(resident(), before - static_cast<int64_t>(kBytes) * 3 / 4);
  EXPECT_LT(memory_stats().cached_bytes, 1 << 20);
  void* const again = pool_allocate(kBytes);
  EXPECT_EQ(static_cast<char*>(again)[kBytes / 2], 0);  // a new page
  pool_free(again, kBytes);
  pool_free(above, 1 << 20);
  pool_free(kept, 1 << 20);
  release_cached_memory();
}

TEST(MemoryPool, ThreadsShareTheLargeBlocks) {
  const int64_t before = memory_stats().active_bytes;
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      std::mt19937 random(t);
      std::vector<std::pair<unsigned char*, size_t>> blocks;
      for (int i = 0; i < 300; ++i) {
        const size_t bytes = (size_t{1} << 16) + random() % (size_t{1} << 18);
        auto* const at = static_cast<unsigned char*>(pool_allocate(bytes));
        std::memset(at, static_cast<int>(t), bytes);
        blocks.emplace_back(at, bytes);
        if (blocks.size() < 8) continue;
        const auto [first, size] = blocks.front();
        EXPECT_TRUE(std::all_of(first, first + size, [&](unsigned char c) { return c == t; }));
        pool_free(first, size);
        blocks.erase(blocks.begin());
      }
      for (const auto& [at, bytes] : blocks) pool_free(at, bytes);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(memory_stats().active_bytes, before);
}

// gcc's AddressSanitizer and clang's alike.
TEST(MemoryPool, ACachedBlockIsPoisonedForAddressSanitizer) {
#if HEED_ASAN
  void* const block = pool_allocate(256);
  EXPECT_FALSE(__asan_address_is_poisoned(static_cast<char*>(block) + 100));
  pool_free(block, 256);
  EXPECT_TRUE(__asan_address_is_poisoned(static_cast<char*>(block) + 100));
#else
  GTEST_SKIP() << "not compiled for AddressSanitizer";
#endif
}

}  // namespace
}  // namespace heed
