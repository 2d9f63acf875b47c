#include "framework/io/folder_beside.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>   // NOLINT: renameat2
#include <stdlib.h>  // NOLINT: mkdtemp
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "framework/core/error.h"
#include "framework/io/file.h"

namespace heed {

namespace fs = std::filesystem;

namespace {

fs::path without_links(fs::path folder) {
  if (!folder.has_filename()) folder = folder.parent_path();
  std::error_code error;
  const fs::path found = fs::weakly_canonical(folder, error);
  return error ? fs::absolute(folder) : found;
}

fs::perms usual_permissions() {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return static_cast<fs::perms>(0777U & ~mask);
}

}  // namespace

FolderBeside::FolderBeside(const fs::path& place) : given_(place), place_(without_links(place)) {
  for (fs::path above = place_.parent_path(); !file_exists(above) && above.has_relative_path();
       above = above.parent_path())
    made_ = above;
  make_folder(place_.parent_path());
  std::string pattern =
      (place_.parent_path() / fmt::format(".{}.XXXXXX", place_.filename().string())).string();
  if (!::mkdtemp(pattern.data()))
    throw IoError(fmt::format("cannot make a folder beside '{}': {}", given_.string(), std::strerror(errno)));
  path_ = pattern;
  // mkdtemp's are the owner's alone
  fs::permissions(path_, file_exists(place_) ? fs::status(place_).permissions() : usual_permissions());
}

FolderBeside::~FolderBeside() {
  std::error_code error;
  if (!path_.empty()) fs::remove_all(path_, error);
  if (made_.empty()) return;  // else those that are empty, from within
  for (fs::path above = place_.parent_path(); fs::remove(above, error) && above != made_;
       above = above.parent_path()) {
  }
}

std::string FolderBeside::as_in_place(std::string message) const {
  const std::string beside = path_.string(), place = given_.string();
  for (size_t at = 0; (at = message.find(beside, at)) != std::string::npos; at += place.size())
    message.replace(at, beside.size(), place);
  return message;
}

void FolderBeside::fail() const {
  throw IoError(fmt::format("cannot put a folder to '{}': {}", given_.string(), std::strerror(errno)));
}

bool FolderBeside::take_place() {
  if (::rename(path_.c_str(), place_.c_str()) == 0) {  // over nothing, or an empty folder
    path_.clear();
    made_.clear();
    return true;
  }
  if (errno == EBUSY) return false;
  if (errno != ENOTEMPTY && errno != EEXIST) fail();
  if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, place_.c_str(), RENAME_EXCHANGE) == 0) return true;
  const fs::path aside = path_.string() + ".old";  // a file system that cannot exchange
  if (::rename(place_.c_str(), aside.c_str()) != 0) {
    if (errno == EBUSY) return false;
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

}  // namespace heed
