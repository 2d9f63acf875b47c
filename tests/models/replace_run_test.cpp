// A finished run in the place of another one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
