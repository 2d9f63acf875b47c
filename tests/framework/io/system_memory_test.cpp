// What a machine says of its memory.
#include "framework/io/system_memory.h"

#include <gtest/gtest.h>

namespace heed {
namespace {

TEST(SystemMemory, HasRoomForThisTest) {
  const SystemMemory memory = system_memory();
  EXPECT_GT(memory.available, 10'000'000);
  EXPECT_LE(memory.available, memory.total);
  EXPECT_LT(memory.total, INT64_MAX);
}

}  // namespace
}  // namespace heed
