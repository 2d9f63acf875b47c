#include "framework/io/file_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "framework/core/error.h"

namespace heed {
namespace {

// The process id that the holder wrote, or "" if it has not written it yet.
std::string holder(int descriptor) {
  char digits[24];
  const ssize_t n = ::pread(descriptor, digits, sizeof digits, 0);
  std::string id(digits, n > 0 ? static_cast<size_t>(n) : 0);
  id.resize(std::min(id.size(), id.find_first_not_of("0123456789")));
  return id;
}

// Whether the path still names the open file. A holder that ends removes the file, and a lock on a removed
// file protects nothing.
bool still_named(int descriptor, const std::filesystem::path& path) {
  struct stat opened = {}, named = {};
  return ::fstat(descriptor, &opened) == 0 && ::lstat(path.c_str(), &named) == 0 &&
         opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

}  // namespace

FileLock::FileLock(std::filesystem::path path) : path_(std::move(path)) {
  for (;;) {
    const int descriptor = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (descriptor < 0 && errno == EINTR) continue;
    if (descriptor < 0)
      throw IoError(fmt::format("cannot write '{}': {}", path_.string(), std::strerror(errno)));
    int failed = 0;
    do {
      failed = ::flock(descriptor, LOCK_EX | LOCK_NB);
    } while (failed != 0 && errno == EINTR);
    if (failed != 0 && errno == EWOULDBLOCK) {
      const std::string id = holder(descriptor);
      ::close(descriptor);
      throw LockHeld(fmt::format("'{}' is held by {}", path_.string(),
                                 id.empty() ? "another process" : "process " + id));
    }
    if (!still_named(descriptor, path_)) {
      ::close(descriptor);
      continue;
    }
    const std::string id = fmt::format("{}\n", ::getpid());
    const bool named = ::ftruncate(descriptor, 0) == 0 && ::pwrite(descriptor, id.data(), id.size(), 0) >= 0;
    static_cast<void>(named);  // on a full disk the lock is held without a process id in it
    descriptor_ = descriptor;
    return;
  }
}

FileLock::FileLock(FileLock&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock::~FileLock() {
  if (descriptor_ < 0) return;
  ::unlink(path_.c_str());  // removed before unlocking: a process that opens the path now creates a new file
  ::close(descriptor_);
}

}  // namespace heed
