// Folders that take the place of others.
#include "framework/io/folder_beside.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <optional>

#include "framework/core/error.h"
#include "framework/io/file.h"
#include "tests/testing/temp_dir.h"

namespace heed {
namespace {

namespace fs = std::filesystem;

TEST(FolderBeside, TakesThePlaceOfWhatIsThere) {
  const TempDir dir;
  const fs::path place = dir / "place";
  make_folder(place);
  fs::permissions(place, fs::perms::owner_all | fs::perms::group_read);
  write_file_atomically(place / "old", "1");
  fs::create_directory_symlink(place, dir / "link");
  std::optional<FolderBeside> beside(dir / "link/");
  EXPECT_EQ(beside->place(), fs::canonical(place));
  write_file_atomically(beside->path() / "new", "2");
  EXPECT_EQ(beside->as_in_place("no '" + (beside->path() / "new").string() + "'"),
            "no '" + (dir / "link/").string() + "/new'");
  EXPECT_FALSE(fs::exists(place / "new"));
  ASSERT_TRUE(beside->take_place());
  EXPECT_EQ(read_file(place / "new"), "2");
  EXPECT_FALSE(fs::exists(place / "old"));
  EXPECT_EQ(read_file(beside->path() / "old"), "1");
  EXPECT_EQ(fs::status(place).permissions(), fs::perms::owner_all | fs::perms::group_read);
  beside.reset();
  EXPECT_EQ(list_folder(dir / "").size(), 2) << "nothing is left beside";
  EXPECT_TRUE(fs::is_symlink(dir / "link"));
}

TEST(FolderBeside, IsTheUsersWhereNothingWas) {
  const TempDir dir;
  const fs::path place = dir / "a" / "b" / "c";
  {
    const FolderBeside given_up(place);
    write_file_atomically(given_up.path() / "new", "2");
  }
  EXPECT_TRUE(list_folder(dir / "").empty()) << "what was made for it goes as well";
  FolderBeside beside(place);
  ASSERT_TRUE(beside.take_place());
  EXPECT_TRUE(beside.path().empty());
  make_folder(dir / "usual");
  EXPECT_EQ(fs::status(place).permissions(), fs::status(dir / "usual").permissions());
}

TEST(FolderBeside, NamesAPlaceThatCannotHaveOne) {
  const TempDir dir;
  write_file_atomically(dir / "file", "");
  EXPECT_THROW(FolderBeside(dir / "file" / "place"), IoError);
  FolderBeside beside(dir / "place");
  write_file_atomically(dir / "place", "a file came in between");
  EXPECT_THROW(beside.take_place(), IoError);
  EXPECT_EQ(read_file(dir / "place"), "a file came in between");
}

}  // namespace
}  // namespace heed
