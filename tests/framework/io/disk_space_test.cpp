// What a file system has left, and numbers of bytes in messages.
#include "framework/io/disk_space.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace heed {
namespace {

TEST(DiskSpace, IsThatOfTheNearestFolderThatIsThere) {
  const int64_t here = disk_space(std::filesystem::temp_directory_path());
  EXPECT_GT(here, 0);
  // others write meanwhile
  EXPECT_NEAR(static_cast<double>(disk_space(std::filesystem::temp_directory_path() / "none" / "such")),
              static_cast<double>(here), 0.05 * static_cast<double>(here) + 1e9);
  EXPECT_EQ(disk_space("/proc"), INT64_MAX);  // it has no size
}

TEST(DiskSpace, BytesHaveOneDigitBehindThePointOrThreeInAll) {
  EXPECT_EQ(bytes_text(0), "0 bytes");
  EXPECT_EQ(bytes_text(999), "999 bytes");
  EXPECT_EQ(bytes_text(1000), "1.0 kB");
  EXPECT_EQ(bytes_text(41'861), "42 kB");
  EXPECT_EQ(bytes_text(999'499), "999 kB");
  EXPECT_EQ(bytes_text(999'500), "1.0 MB");
  EXPECT_EQ(bytes_text(657'632'379), "658 MB");
  EXPECT_EQ(bytes_text(1'694'000'000), "1.7 GB");
  EXPECT_EQ(bytes_text(INT64_MAX), "9223372 TB");
}

}  // namespace
}  // namespace heed
