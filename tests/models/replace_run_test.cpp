// A finished run in the place of another one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "framework/core/error.h"
#include "framework/io/file.h"
#include "models/run/files.h"
#include "models/run/folder.h"
#include "models/run/new_run.h"
#include "tests/testing/small_run.h"
#include "tests/testing/temp_dir.h"

namespace heed::models {
namespace {

namespace fs = std::filesystem;

std::map<std::string, std::string> files_of(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && entry.path().filename() != run_files::kLock)
      files[fs::relative(entry.path(), folder).string()] = read_file(entry.path());
  }
  return files;
}

// A mounted folder cannot change places with another one.
TEST(ReplaceRun, OneOnAMountPointIsReplacedFileByFile) {
  const TempDir dir;
  const fs::path mounted = dir / "mounted", from = dir / "from";
  fs::create_directory(mounted);
  if (::mount("none", mounted.c_str(), "tmpfs", 0, "size=2m") != 0)
    GTEST_SKIP() << "mounting needs root: " << std::strerror(errno);
  const auto unmount = [](const fs::path* at) { ::umount2(at->c_str(), MNT_DETACH); };
  const std::unique_ptr<const fs::path, decltype(unmount)> until_then(&mounted, unmount);
  const ParallelLines lines{{"a"}, {"b"}};
  train_small(dir / "small", small_config(true), lines);
  fs::copy(dir / "small", mounted);
  train_small(from, small_config(false), lines);
  const LoadedRun run = load_run(from);
  const auto replace = [&](const NamedTensors& weights) {
    replace_run(mounted, /*overwrite=*/true, run.config, text_of_run(from, run.config),
                {.file = run_files::kModel, .tensors = weights}, {});
  };
  const auto before = files_of(mounted);
  NamedTensors large = run.model->state_dict();
  large.emplace_back("large", zeros({1 << 20}));  // 4 MB
  EXPECT_THROW(replace(large), std::exception);
  EXPECT_EQ(files_of(mounted), before);
  replace(run.model->state_dict());
  EXPECT_EQ(load_run(mounted).config.model.architecture().name, run.config.model.architecture().name);
  EXPECT_FALSE(fs::exists(mounted / run_files::kState));
  EXPECT_EQ(files_of(mounted).size(), 4);
}

TEST(ReplaceRun, TheOldOneStaysUntilTheNewOneIsComplete) {
  const TempDir dir;
  const fs::path old = dir / "old", from = dir / "from";
  const ParallelLines lines{{"a"}, {"b"}};
  train_small(old, small_config(true), lines);
  train_small(from, small_config(false), lines);
  write_file_atomically(old / kReport, "{}");
  const auto before = files_of(old);
  const LoadedRun run = load_run(from);
  const auto replace = [&](const std::function<void(const fs::path&)>& check) {
    replace_run(old, /*overwrite=*/true, run.config, text_of_run(from, run.config),
                {.file = run_files::kModel, .tensors = run.model->state_dict()}, check);
  };
  EXPECT_THROW(replace([](const fs::path&) { throw IoError("no"); }), IoError);
  EXPECT_EQ(files_of(old), before);
  EXPECT_THROW(replace_run(old, /*overwrite=*/false, run.config, {}, {}), IoError);
  EXPECT_EQ(files_of(old), before);
  replace({});
  EXPECT_EQ(load_run(old).config.model.architecture().name, run.config.model.architecture().name);
  EXPECT_EQ(read_file(old / kReport), "{}");
  EXPECT_FALSE(fs::exists(old / run_files::kState));
  EXPECT_EQ(std::distance(fs::directory_iterator(dir / ""), fs::directory_iterator()), 2) << "nothing beside";
}

}  // namespace
}  // namespace heed::models
