// Sums and sizes of files, as a download is judged by; what servers do is in tests/data.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/fetch/download.h"
#include "framework/core/error.h"
#include "tests/apps/translator_process.h"

namespace heed {
namespace {

constexpr const char* kSha256 =
    "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";  // of abc
constexpr const char* kMd5 = "md5:900150983cd24fb0d6963f7d28e17f72";

TEST(WhyWrong, OneOfTheRightFilesMustFit) {
  const TempDir dir;
  write(dir / "abc", "abc");
  const auto why = [&](const std::vector<models::FileAddress>& right) {
    return fetch::why_wrong(dir / "abc", right, [] {});
  };
  EXPECT_EQ(why({{"", 3, kSha256}}), "");
  EXPECT_EQ(why({{"", 0, kMd5}}), "");
  EXPECT_EQ(why({{"", 0, ""}}), "");
  EXPECT_EQ(why({{"", 4, ""}}), "it has 3 bytes, and 4 are expected");
  EXPECT_EQ(why({{"", 4, ""}, {"", 3, ""}}), "");
  EXPECT_EQ(why({{"", 4, ""}, {"", 3, "md5:00"}}),
            "its md5 is 900150983cd24fb0d6963f7d28e17f72, and 00 is expected");
  EXPECT_THROW(why({{"", 0, "crc:00"}}), IoError);
  EXPECT_THROW(fetch::why_wrong(dir / "abc", {{"", 0, kMd5}}, [] { throw ValueError("stop"); }), ValueError);
}

}  // namespace
}  // namespace heed
