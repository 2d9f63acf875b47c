#include "framework/io/folder_beside.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>   // NOLINT: renameat2
#include <stdlib.h>  // NOLINT: mkdtemp
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <system_error>
#include <vector>

#include "framework/io/disk_space.h"
#include "framework/io/file.h"

namespace heed {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kPrefix = ".heed-new-";

fs::path without_links(const fs::path& given) {
  fs::path folder = given.lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();
  std::error_code error;
  const fs::path found = fs::weakly_canonical(folder, error);
  const fs::path place = error ? fs::absolute(folder) : found;
  if (fs::is_symlink(fs::symlink_status(place, error)))
    throw IoError(fmt::format("'{}' is a link to nothing", given.string()));
  return place;
}

// mkdtemp's are the owner's alone.
void give_permissions(const fs::path& folder, const fs::path& place) {
  struct stat old = {};
  if (::stat(place.c_str(), &old) == 0) {
    // another user's may be refused, and some file systems have no owners
    [[maybe_unused]] const int refused = ::chown(folder.c_str(), old.st_uid, old.st_gid);
    fs::permissions(folder, static_cast<fs::perms>(old.st_mode & 07777U));
    return;
  }
  const mode_t mask = ::umask(0);
  ::umask(mask);
  fs::permissions(folder, static_cast<fs::perms>(0777U & ~mask));
}

// The lock on a folder; -1: another process has it, or there is none to be had.
int locked(const fs::path& folder) {
  const int file = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (file >= 0 && ::flock(file, LOCK_EX | LOCK_NB) == 0) return file;
  if (file >= 0) ::close(file);
  return -1;
}

// Folders of processes that were killed: nobody has them locked, and who makes one now does so within a
// minute.
void remove_stale(const fs::path& among) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(among, error)) {
    if (!entry.path().filename().string().starts_with(kPrefix)) continue;
    struct stat found = {};
    if (::lstat(entry.path().c_str(), &found) != 0 || !S_ISDIR(found.st_mode) ||
        ::time(nullptr) - found.st_mtime < 60)
      continue;
    if (const int file = locked(entry.path()); file >= 0) {
      fs::remove_all(entry.path(), error);
      ::close(file);
    }
  }
}

// Whether the program was started there: who stands in a folder that is renamed and removed stands nowhere.
bool is_working_folder(const fs::path& folder) {
  std::error_code error;
  return fs::equivalent(folder, fs::current_path(error), error);
}

bool has(std::initializer_list<std::string_view> names, const fs::path& file) {
  return std::ranges::find(names, file.filename().string()) != names.end();
}

}  // namespace

FolderBeside::FolderBeside(const fs::path& place) : given_(place), place_(without_links(place)) {
  for (fs::path above = place_.parent_path(); !file_exists(above) && above.has_relative_path();
       above = above.parent_path())
    made_ = above;
  make_folder(place_.parent_path());
  remove_stale(place_.parent_path());
  std::string pattern = (place_.parent_path() / (std::string(kPrefix) + "XXXXXX")).string();
  if (!::mkdtemp(pattern.data())) {
    const int error = errno;
    remove_made();
    throw IoError(fmt::format("cannot make a folder beside '{}': {}", given_.string(), std::strerror(error)));
  }
  path_ = pattern;
  lock_ = locked(path_);
  give_permissions(path_, place_);
}

FolderBeside::~FolderBeside() {
  std::error_code error;
  if (!path_.empty()) fs::remove_all(path_, error);
  if (lock_ >= 0) ::close(lock_);
  remove_made();
}

// Those that are empty, from within.
void FolderBeside::remove_made() {
  if (made_.empty()) return;
  std::error_code error;
  for (fs::path above = place_.parent_path(); fs::remove(above, error) && above != made_;
       above = above.parent_path()) {
  }
}

std::string FolderBeside::named(std::string message) const {
  const std::string beside = path_.string(), place = given_.string();
  for (size_t at = 0; !beside.empty() && (at = message.find(beside, at)) != std::string::npos;
       at += place.size())
    message.replace(at, beside.size(), place);
  return message;
}

void FolderBeside::fail() const {
  throw IoError(fmt::format("cannot put a folder to '{}': {}", given_.string(), std::strerror(errno)));
}

// By a rename of the folder; false where its place cannot be renamed.
bool FolderBeside::rename_into_place() {
  const auto cannot = [] { return errno == EBUSY || errno == EXDEV; };
  if (::rename(path_.c_str(), place_.c_str()) == 0) {  // over nothing, or an empty folder
    path_.clear();
    return true;
  }
  if (cannot()) return false;
  if (errno != ENOTEMPTY && errno != EEXIST) fail();
  if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, place_.c_str(), RENAME_EXCHANGE) == 0) return true;
  const fs::path aside = path_.string() + ".old";  // a file system that cannot exchange
  if (::rename(place_.c_str(), aside.c_str()) != 0) {
    if (cannot()) return false;
    fail();
  }
  if (::rename(path_.c_str(), place_.c_str()) != 0) {
    const int error = errno;
    ::rename(aside.c_str(), place_.c_str());
    errno = error;
    fail();
  }
  path_ = aside;
  return true;
}

void FolderBeside::replace_files(std::string_view last, std::initializer_list<std::string_view> kept) {
  std::vector<fs::path> files = list_folder(path_), old = list_folder(place_), copies;
  const auto goes_last = [&](const fs::path& file) { return file.filename() == last; };
  std::ranges::sort(files, {}, goes_last);
  std::ranges::sort(old, {}, goes_last);
  std::erase_if(old, [&](const fs::path& file) { return has(kept, file); });
  int64_t bytes = 0;
  for (const fs::path& file : files) bytes += static_cast<int64_t>(fs::file_size(file));
  if (disk_space(place_) < bytes) {
    throw IoError(fmt::format("'{}' needs {} beside what is there, and its file system has {} left",
                              given_.string(), bytes_text(bytes), bytes_text(disk_space(place_))));
  }
  try {
    for (const fs::path& file : files) {
      copies.push_back(place_ / (file.filename().string() + ".tmp0"));
      fs::remove(copies.back());  // of one that was killed; a link that is planted there is not followed
      fs::copy_file(file, copies.back());
    }
  } catch (const fs::filesystem_error& error) {
    std::error_code ignored;
    for (const fs::path& copy : copies) fs::remove(copy, ignored);
    throw IoError(fmt::format("cannot copy to '{}': {}", given_.string(), error.code().message()));
  }
  std::erase_if(old, [&](const fs::path& file) { return std::ranges::count(copies, file) > 0; });
  for (const fs::path& file : old) fs::remove_all(file);
  for (const fs::path& copy : copies) fs::rename(copy, place_ / copy.stem());
}

void FolderBeside::take_place(std::string_view last, std::initializer_list<std::string_view> kept) {
  if (is_working_folder(place_) || !rename_into_place()) return replace_files(last, kept);
  made_.clear();
  for (const std::string_view name : kept) {
    const fs::path old = path_.empty() ? fs::path() : path_ / name;
    std::error_code error;
    if (!old.empty() && fs::exists(fs::symlink_status(old, error))) fs::rename(old, place_ / name, error);
  }
}

}  // namespace heed
