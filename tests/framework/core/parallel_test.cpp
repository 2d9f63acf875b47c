// parallel_for: every index once, nested calls inline, several user threads at a time.
#include "framework/core/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "framework/core/error.h"
#include "tests/testing/throws.h"

namespace heed {
namespace {

class ParallelTest : public testing::Test {
 protected:
  ~ParallelTest() override { set_num_threads(before_); }

 private:
  int before_ = num_threads();
};

TEST_F(ParallelTest, CoversEveryIndexOnce) {
  for (const int threads : {1, 2, 3, 7}) {
    set_num_threads(threads);
    for (const int64_t n : {0, 1, 2, 5, 100, 1001}) {
      for (const int64_t grain : {1, 3, 1000}) {
        // plain ints: ThreadSanitizer sees an index that is done twice
        std::vector<int> seen(static_cast<size_t>(n));
        parallel_for(n, grain, [&](int64_t begin, int64_t end) {
          ASSERT_LE(begin, end);
          for (int64_t i = begin; i < end; ++i) ++seen[static_cast<size_t>(i)];
        });
        EXPECT_EQ(seen, std::vector<int>(static_cast<size_t>(n), 1));
      }
    }
  }
}

TEST_F(ParallelTest, ASmallRangeAndANestedOneRunInline) {
  set_num_threads(4);
  int calls = 0;
  const auto here = std::this_thread::get_id();
  parallel_for(10, 10, [&](int64_t begin, int64_t end) {
    ++calls;
    EXPECT_EQ(std::this_thread::get_id(), here);
    EXPECT_EQ(end - begin, 10);
  });
  EXPECT_EQ(calls, 1);
  parallel_for(19, 10, [&](int64_t begin, int64_t end) { calls += end - begin == 19; });
  EXPECT_EQ(calls, 2);
  for (const int64_t n : {20, 29, 31, 45, 1000}) {
    std::atomic<int64_t> covered{0}, ranges{0};
    parallel_for(n, 10, [&](int64_t begin, int64_t end) {
      EXPECT_GE(end - begin, 10);
      covered += end - begin;
      ++ranges;
    });
    EXPECT_EQ(covered, n);
    EXPECT_EQ(ranges, std::min<int64_t>(4, n / 10));
  }
  std::atomic<int> outer{0}, inner{0};
  parallel_for(4, 1, [&](int64_t begin, int64_t end) {
    const auto mine = std::this_thread::get_id();
    outer += static_cast<int>(end - begin);
    parallel_for(100, 1, [&](int64_t b, int64_t e) {
      EXPECT_EQ(std::this_thread::get_id(), mine);
      EXPECT_EQ(e - b, 100);
      ++inner;
    });
  });
  EXPECT_EQ(outer, 4);
  EXPECT_LE(inner, 4);
}

TEST_F(ParallelTest, WhatThreadsWroteIsSeenAfterwardsAndTheOtherWayRound) {
  set_num_threads(4);
  std::vector<int64_t> values(4096, 1);
  for (int round = 0; round < 50; ++round) {
    parallel_for(4096, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) values[static_cast<size_t>(i)] *= 3;
    });
    for (int64_t& v : values) v %= 1009;
  }
  for (const int64_t v : values) EXPECT_EQ(v, values[0]);
}

TEST_F(ParallelTest, SeveralThreadsMayCallIt) {
  set_num_threads(2);
  std::vector<std::thread> users;
  std::atomic<int64_t> total{0};
  for (int u = 0; u < 3; ++u) {
    users.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        parallel_for(100, 1, [&](int64_t begin, int64_t end) { total += end - begin; });
      }
    });
  }
  for (std::thread& user : users) user.join();
  EXPECT_EQ(total, 3 * 20 * 100);
}

TEST_F(ParallelTest, ThrowsOnWhatAThreadThrew) {
  set_num_threads(4);
  for (const int64_t thrower : {0, 3, 99}) {
    std::atomic<int> done{0};
    const auto work = [&](int64_t begin, int64_t end) {
      if (begin <= thrower && thrower < end) throw ValueError("thrown inside");
      done += static_cast<int>(end - begin);
    };
    EXPECT_ERROR(ValueError, "thrown inside", parallel_for(100, 1, work));
    EXPECT_GT(done, 0);  // the others had gone on to their ends
  }
  EXPECT_ERROR(ValueError, "thrown inside",
               parallel_for(100, 1, [](int64_t, int64_t) { throw ValueError("thrown inside"); }));
  int64_t sum = 0;
  parallel_for(5, 10, [&](int64_t begin, int64_t end) { sum += end - begin; });
  EXPECT_EQ(sum, 5);
}

TEST_F(ParallelTest, AtLeastOneThread) {
  EXPECT_GE(available_threads(), 1);
  EXPECT_ERROR(ValueError, "set_num_threads: takes 1 to 1024 threads, got 0", set_num_threads(0));
  EXPECT_ERROR(ValueError, "set_num_threads: takes 1 to 1024 threads, got 1025", set_num_threads(1025));
}

}  // namespace
}  // namespace heed
