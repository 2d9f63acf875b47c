// Folders that take the place of others.
#include "framework/io/folder_beside.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <optional>

#include "framework/io/file.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/throws.h"

namespace heed {
namespace {

namespace fs = std::filesystem;

TEST(FolderBeside, TakesThePlaceOfWhatIsThere) {
  const TempDir dir;
  const fs::path place = dir / "place";
  make_folder(place);
  fs::permissions(place, fs::perms::owner_all | fs::perms::group_read);
  write_file_atomically(place / "old", "1");
  write_file_atomically(place / "note", "3");
  fs::create_directory_symlink(place, dir / "link");
  std::optional<FolderBeside> beside(dir / "link/");
  write_file_atomically(beside->path() / "new", "2");
  EXPECT_FALSE(fs::exists(place / "new"));
  beside->take_place("new", {"note", "none"});
  EXPECT_EQ(read_file(place / "new"), "2");
  EXPECT_EQ(read_file(place / "note"), "3");
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
  FolderBeside beside(place / ".");
  beside.take_place("new");
  EXPECT_TRUE(beside.path().empty());
  make_folder(dir / "usual");
  EXPECT_EQ(fs::status(place).permissions(), fs::status(dir / "usual").permissions());
}

TEST(FolderBeside, NamesAPlaceThatCannotHaveOne) {
  const TempDir dir;
  write_file_atomically(dir / "file", "");
  EXPECT_THROW(FolderBeside(dir / "file" / "place"), IoError);
  fs::create_symlink("nowhere", dir / "dangling");
  EXPECT_ERROR(IoError, "'" + (dir / "dangling").string() + "' is a link to nothing",
               FolderBeside(dir / "dangling"));
  FolderBeside beside(dir / "place");
  write_file_atomically(dir / "place", "a file came in between");
  EXPECT_THROW(beside.take_place("new"), IoError);
  EXPECT_EQ(read_file(dir / "place"), "a file came in between");
}

TEST(FolderBeside, ErrorsNameThePlace) {
  const TempDir dir;
  const fs::path place = dir / "place";
  const FolderBeside beside(place);
  EXPECT_ERROR(FormatError, "'" + (place / "a").string() + "' is none", beside.as_in_place([&] {
    throw FormatError("'" + (beside.path() / "a").string() + "' is none");
  }));
  EXPECT_THROW(beside.as_in_place([&] { read_file(beside.path() / "none"); }), IoError);
  EXPECT_EQ(beside.as_in_place([] { return 7; }), 7);
}

// What a process that was killed has left goes with the next one's; what another one writes to stays, and so
// does what is anybody else's.
TEST(FolderBeside, RemovesWhatIsLeftOfProcessesThatWereKilled) {
  const TempDir dir;
  const auto long_ago = fs::file_time_type::clock::now() - std::chrono::minutes(5);
  for (const char* name : {".heed-new-stale1", ".heed-new-locked", ".heed-new-recent", ".heed-backup"}) {
    make_folder(dir / name);
    write_file_atomically(dir / name / "file", "");
    if (name != std::string(".heed-new-recent")) fs::last_write_time(dir / name, long_ago);
  }
  write_file_atomically(dir / ".heed-new-file", "");
  const int lock = ::open((dir / ".heed-new-locked").c_str(), O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(::flock(lock, LOCK_EX | LOCK_NB), 0);
  { const FolderBeside beside(dir / "place"); }
  ::close(lock);
  EXPECT_FALSE(fs::exists(dir / ".heed-new-stale1"));
  for (const char* name : {".heed-new-locked", ".heed-new-recent", ".heed-backup"})
    EXPECT_TRUE(fs::exists(dir / name / "file")) << name;
  EXPECT_TRUE(fs::exists(dir / ".heed-new-file"));
}

// Who stands in the folder stands in the new one: `-o .`.
TEST(FolderBeside, TheWorkingFolderStays) {
  const TempDir dir;
  const fs::path before = fs::current_path();
  const auto go_back = [](const fs::path* to) { fs::current_path(*to); };
  const std::unique_ptr<const fs::path, decltype(go_back)> until_then(&before, go_back);
  make_folder(dir / "place");
  fs::current_path(dir / "place");
  for (const char* name : {"one", "two"}) {
    FolderBeside beside(".");
    write_file_atomically(beside.path() / name, "");
    beside.take_place(name);
    EXPECT_TRUE(file_exists(name));
    EXPECT_TRUE(fs::equivalent(fs::current_path(), dir / "place"));
    EXPECT_EQ(list_folder(dir / "place").size(), 1);
  }
  EXPECT_EQ(list_folder(dir.path()).size(), 1);
}

// No folder is left where there cannot be one (a file system that is read-only).
TEST(FolderBeside, WhatCannotBeMadeLeavesNoFolderAbove) {
  const TempDir dir;
  const fs::path mounted = dir / "mounted";
  fs::create_directory(mounted);
  if (::mount("none", mounted.c_str(), "tmpfs", 0, "nr_inodes=3") != 0) GTEST_SKIP() << "mounting needs root";
  const auto unmount = [](const fs::path* at) { ::umount2(at->c_str(), MNT_DETACH); };
  const std::unique_ptr<const fs::path, decltype(unmount)> until_then(&mounted, unmount);
  write_file_atomically(mounted / "file",
                        "");  // with the root two of three: one is left, for the folder above
  EXPECT_THROW(FolderBeside(mounted / "above" / "place"), IoError);
  EXPECT_EQ(list_folder(mounted).size(), 1);
}

// A mounted folder cannot change places: its files do.
TEST(FolderBeside, OfAMountPointTheFilesChangePlaces) {
  const TempDir dir;
  const fs::path mounted = dir / "mounted";
  fs::create_directory(mounted);
  if (::mount("none", mounted.c_str(), "tmpfs", 0, "size=1m") != 0) GTEST_SKIP() << "mounting needs root";
  const auto unmount = [](const fs::path* at) { ::umount2(at->c_str(), MNT_DETACH); };
  const std::unique_ptr<const fs::path, decltype(unmount)> until_then(&mounted, unmount);
  const auto put = [&](const std::string& name, const std::string& text) {
    FolderBeside beside(mounted);
    write_file_atomically(beside.path() / name, text);
    write_file_atomically(beside.path() / "index", name);
    beside.take_place("index", {"note"});
  };
  put("one", "1");
  EXPECT_EQ(read_file(mounted / "one"), "1");
  write_file_atomically(mounted / "note", "3");
  make_folder(mounted / "sub" / "sub");
  put("two", "2");
  EXPECT_EQ(read_file(mounted / "index"), "two");
  EXPECT_EQ(read_file(mounted / "note"), "3");
  EXPECT_EQ(list_folder(mounted).size(), 3);
  try {
    put("three", std::string(3'000'000, 'x'));
    FAIL() << "there is no room";
  } catch (const IoError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr(mounted.string() + "' needs 3.0 MB beside what is there"));
  }
  EXPECT_EQ(read_file(mounted / "index"), "two");
  EXPECT_EQ(list_folder(mounted).size(), 3);
  EXPECT_EQ(list_folder(dir / "").size(), 1);
}

}  // namespace
}  // namespace heed
