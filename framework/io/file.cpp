#include "framework/io/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <random>
#include <utility>

#include "framework/core/error.h"

namespace heed {
namespace {

[[noreturn]] void fail(const char* what, const std::filesystem::path& path, int error) {
  throw IoError(fmt::format("{} '{}': {}", what, path.string(), std::strerror(error)));
}

// A call that a signal interrupted is made again.
template <class Call>
int uninterrupted(const Call& call) {
  int result = 0;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

class Descriptor {
 public:
  Descriptor(const std::filesystem::path& path, int flags, mode_t mode = 0666)
      : fd_(uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, mode); })) {}
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  bool close_checked() { return ::close(std::exchange(fd_, -1)) == 0 || errno == EINTR; }  // Linux has closed it all the same

 private:
  int fd_;
};

bool write_all(int fd, std::string_view rest) {
  while (!rest.empty()) {
    const ssize_t n = ::write(fd, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n == 0) errno = EIO;
    if (n <= 0) return false;
    rest.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

bool synced(int fd) {
  return uninterrupted([fd] { return ::fsync(fd); }) == 0;
}

// A new file beside `path`, under a name that nobody can know before: what lies or is linked there already is left alone.
struct Temporary {
  std::filesystem::path path;
  Descriptor file;
};

Temporary make_temporary(const std::filesystem::path& path) {
  std::random_device random;
  const std::string name = path.filename().string().substr(0, 200);  // with what follows it is no longer than a name may be
  std::error_code ignored;
  const bool is_new = !std::filesystem::exists(std::filesystem::symlink_status(path, ignored));
  for (;;) {
    const std::filesystem::path candidate = path.parent_path() / fmt::format("{}.tmp{:08x}{:08x}", name, random(), random());
    Descriptor file(candidate, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, is_new ? 0666 : 0600);
    if (file.get() >= 0) return {candidate, std::move(file)};
    if (errno != EEXIST) fail("cannot write", path, errno);
  }
}

// Gives the file the permissions of the one that it replaces, if there is one, and its owner where that is allowed.
bool same_mode(int fd, const std::filesystem::path& replaced) {
  struct stat old = {}, now = {};
  if (::stat(replaced.c_str(), &old) != 0 || ::fstat(fd, &now) != 0) return true;
  const bool owned = (old.st_uid == now.st_uid && old.st_gid == now.st_gid) || ::fchown(fd, old.st_uid, old.st_gid) == 0;
  static_cast<void>(owned);  // else it is ours, with the same permissions
  return ::fchmod(fd, old.st_mode & 0777U) == 0;
}

// The stream that a path names: behind it may be a file, which is written on from where the stream stands and not replaced.
int standard_stream(const std::filesystem::path& path) {
  return path == "/dev/stdout" ? STDOUT_FILENO : path == "/dev/stderr" ? STDERR_FILENO : -1;
}

}  // namespace

void append_to_file(const std::filesystem::path& path, std::string_view content) {
  Descriptor file(path, O_WRONLY | O_CREAT | O_APPEND);
  if (file.get() < 0 || !write_all(file.get(), content) || !file.close_checked()) fail("cannot write", path, errno);
}

std::string read_file(const std::filesystem::path& path) {
  Descriptor file(path, O_RDONLY);
  if (file.get() < 0) fail("cannot open", path, errno);
  std::string content;
  char buffer[1 << 16];
  for (;;) {
    const ssize_t n = ::read(file.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("cannot read", path, errno);
    if (n == 0) return content;
    content.append(buffer, static_cast<size_t>(n));
  }
}

void write_file_atomically(const std::filesystem::path& wanted, std::string_view content) {
  if (const int stream = standard_stream(wanted); stream >= 0) {
    std::fflush(nullptr);  // what was printed before stands before
    Descriptor copy(::dup(stream));
    if (copy.get() < 0 || !write_all(copy.get(), content) || !copy.close_checked()) fail("cannot write", wanted, errno);
    return;
  }
  std::error_code ignored;
  std::filesystem::path path = wanted;
  if (std::filesystem::exists(path, ignored) && !std::filesystem::is_regular_file(path, ignored) &&
      !std::filesystem::is_directory(path, ignored)) {  // a device or a pipe, also behind a link: there is nothing to replace
    Descriptor device(path, O_WRONLY);
    if (device.get() < 0 || !write_all(device.get(), content) || !device.close_checked()) fail("cannot write", path, errno);
    return;
  }
  for (int hops = 0; hops < 16 && std::filesystem::is_symlink(path, ignored); ++hops) {  // also one that points at nothing yet
    path = path.parent_path() / std::filesystem::read_symlink(path, ignored);
  }
  Temporary temporary = make_temporary(path);
  if (!write_all(temporary.file.get(), content) || !same_mode(temporary.file.get(), path) || !synced(temporary.file.get()) ||
      !temporary.file.close_checked() || uninterrupted([&] { return ::rename(temporary.path.c_str(), path.c_str()); }) != 0) {
    const int error = errno;
    ::unlink(temporary.path.c_str());
    fail("cannot write", path, error);
  }
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  const Descriptor directory(folder, O_RDONLY | O_DIRECTORY);
  if (directory.get() >= 0) synced(directory.get());
}

}  // namespace heed
