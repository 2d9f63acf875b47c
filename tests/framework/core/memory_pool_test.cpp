// The caching allocator: a steady state asks the system for nothing, and the counters add up.
#include "framework/core/memory_pool.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>

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
