#include "framework/io/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "framework/core/error.h"

namespace heed {
namespace {

[[noreturn]] void fail(const char* what, const std::filesystem::path& path, int error) {
  throw IoError(fmt::format("{} '{}': {}", what, path.string(), std::strerror(error)));
}

class Descriptor {
 public:
  Descriptor(const std::filesystem::path& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {}
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  bool close_checked() { return ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

bool write_all(int fd, std::string_view rest) {
  while (!rest.empty()) {
    const ssize_t n = ::write(fd, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    rest.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

// The stream that a path names: behind it may be a file, which is written on from where the stream stands and not replaced.
int standard_stream(const std::filesystem::path& path) {
  return path == "/dev/stdout" ? STDOUT_FILENO : path == "/dev/stderr" ? STDERR_FILENO : -1;
}

}  // namespace

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
  const std::filesystem::path temporary = path.string() + fmt::format(".tmp{}", ::getpid());
  {
    Descriptor file(temporary, O_WRONLY | O_CREAT | O_TRUNC);
    if (file.get() < 0) fail("cannot write", path, errno);
    if (!write_all(file.get(), content) || ::fsync(file.get()) != 0 || !file.close_checked()) {
      const int error = errno;
      ::unlink(temporary.c_str());
      fail("cannot write", path, error);
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(temporary.c_str());
    fail("cannot write", path, error);
  }
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  const Descriptor directory(folder, O_RDONLY | O_DIRECTORY);
  if (directory.get() >= 0) ::fsync(directory.get());
}

}  // namespace heed
