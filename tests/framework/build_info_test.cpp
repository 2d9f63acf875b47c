// build_info says what is true of this build, this process and this machine.
#include "framework/build_info.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "framework/core/autocast.h"
#include "framework/core/parallel.h"
#include "framework/core/sanitizers.h"

namespace heed {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

constexpr const char* kVersion = "[0-9]+[.][0-9]+([.][0-9]+)*(-[a-z0-9]+)?";

TEST(BuildInfo, VersionsAreVersions) {
  const BuildInfo info = build_info();
  for (const std::string& version : {info.version, info.openblas, info.onednn, info.highway, info.fmt}) {
    EXPECT_THAT(version, MatchesRegex(kVersion));
  }
  EXPECT_THAT(info.compiler, MatchesRegex("(GCC|Clang) [0-9]+[.][0-9]+[.][0-9]+"));
}

TEST(BuildInfo, SaysWithWhichSanitizersItWasBuilt) {
#if HEED_ASAN
  EXPECT_THAT(build_info().sanitizers, HasSubstr("address"));
#elif HEED_TSAN
  EXPECT_THAT(build_info().sanitizers, HasSubstr("thread"));
#else
  EXPECT_EQ(build_info().sanitizers, "");
#endif
}

TEST(BuildInfo, SaysWhatTheProcessComputesWith) {
  const int before = num_threads();
  set_num_threads(3);
  const BuildInfo info = build_info();
  set_num_threads(before);
  EXPECT_EQ(info.threads, 3);
  EXPECT_EQ(info.bf16_products, has_bf16_products());
  EXPECT_NE(info.instruction_set, "");
  EXPECT_NE(info.blas_core, "");
}

TEST(BuildInfo, TextHasEveryFact) {
  const BuildInfo info = build_info();
  const std::string text = info.str();
  for (const std::string& fact :
       {info.version, info.compiler, info.build_type, info.sanitizers, "OpenBLAS " + info.openblas,
        "oneDNN " + info.onednn, "Highway " + info.highway, "fmt " + info.fmt, info.instruction_set,
        info.blas_core, "threads: " + std::to_string(info.threads)}) {
    EXPECT_THAT(text, HasSubstr(fact));
  }
  EXPECT_NE(text.back(), '\n');
}

TEST(BuildInfo, WarnsOfAForcedCore) {
  const char* const set = std::getenv("OPENBLAS_CORETYPE");
  const std::string before = set ? set : "";
  build_info();  // OpenBLAS has read its variable
  ::setenv("OPENBLAS_CORETYPE", "Nehalem", 1);
  const std::string with = build_info().str();
  ::unsetenv("OPENBLAS_CORETYPE");
  const std::string without = build_info().str();
  if (set) ::setenv("OPENBLAS_CORETYPE", before.c_str(), 1);
  EXPECT_THAT(with, HasSubstr("\nwarning: OPENBLAS_CORETYPE=Nehalem is set"));
  EXPECT_THAT(without, testing::Not(HasSubstr("warning")));
}

}  // namespace
}  // namespace heed
