#include "framework/io/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>
#include <random>
#include <utility>

#include "framework/core/error.h"

namespace heed {
namespace {

constexpr const char* kStandardInput = "/dev/stdin";

[[noreturn]] void fail(const char* what, const std::filesystem::path& path, int error) {
  const std::string name = path == kStandardInput ? "standard input" : "'" + path.string() + "'";
  throw IoError(fmt::format("{} {}: {}", what, name, std::strerror(error)));
}

// Repeats a system call that was interrupted by a signal.
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
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const { return fd_; }
  // on Linux the descriptor is closed even then
  bool close_checked() { return ::close(std::exchange(fd_, -1)) == 0 || errno == EINTR; }

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

// A new temporary file in the folder of `path`. Where the file system supports it, the file has no name until
// it is complete, so a killed writer leaves nothing behind. The name is unpredictable, and an existing file
// or link is never overwritten.
class Temporary {
 public:
  explicit Temporary(const std::filesystem::path& path)
      : path_(path), file_(folder_of(path), O_WRONLY | O_TMPFILE, mode_for(path)) {
    if (file_.get() >= 0) return;
    named_as_new([&](const std::filesystem::path& candidate) {
      file_ = Descriptor(candidate, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode_for(path));
      return file_.get() >= 0;
    });
  }
  ~Temporary() {
    if (!name_.empty()) ::unlink(name_.c_str());  // the write failed
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  int fd() const { return file_.get(); }
  // Renames the temporary over the file at the path.
  bool replace() {
    if (name_.empty()) {
      const std::string file = fmt::format("/proc/self/fd/{}", file_.get());
      named_as_new([&](const std::filesystem::path& candidate) {
        return uninterrupted([&] {
                 return ::linkat(AT_FDCWD, file.c_str(), AT_FDCWD, candidate.c_str(), AT_SYMLINK_FOLLOW);
               }) == 0;
      });
    }
    if (!file_.close_checked() || uninterrupted([&] { return ::rename(name_.c_str(), path_.c_str()); }) != 0)
      return false;
    name_.clear();
    return true;
  }
  static std::filesystem::path folder_of(const std::filesystem::path& path) {
    return path.has_parent_path() ? path.parent_path() : ".";
  }

 private:
  static mode_t mode_for(const std::filesystem::path& path) {
    std::error_code ignored;
    return std::filesystem::exists(std::filesystem::symlink_status(path, ignored)) ? 0600 : 0666;
  }
  template <class Make>
  void named_as_new(const Make& make) {
    std::random_device random;
    // with the suffix it stays within the limit of a file name
    const std::string name = path_.filename().string().substr(0, 200);
    for (;;) {
      std::filesystem::path candidate =
          path_.parent_path() / fmt::format("{}.tmp{:08x}{:08x}", name, random(), random());
      if (make(candidate)) {
        name_ = std::move(candidate);
        return;
      }
      if (errno != EEXIST) fail("cannot write", path_, errno);
    }
  }
  std::filesystem::path path_, name_;
  Descriptor file_;
};

// Copies the permissions of the file that is replaced, if there is one, and its owner if that is allowed.
bool same_mode(int fd, const std::filesystem::path& replaced) {
  struct stat old = {}, now = {};
  if (::stat(replaced.c_str(), &old) != 0 || ::fstat(fd, &now) != 0) return true;
  const bool owned =
      (old.st_uid == now.st_uid && old.st_gid == now.st_gid) || ::fchown(fd, old.st_uid, old.st_gid) == 0;
  static_cast<void>(owned);  // if not allowed, the file is ours, with the same permissions
  return ::fchmod(fd, old.st_mode & 0777U) == 0;
}

// The standard stream that a path names. It may be redirected to a file, which is then written from the
// stream's position and not replaced.
int standard_stream(const std::filesystem::path& path) {
  return path == "/dev/stdout" ? STDOUT_FILENO : path == "/dev/stderr" ? STDERR_FILENO : -1;
}

}  // namespace

void append_to_file(const std::filesystem::path& path, std::string_view content) {
  Descriptor file(path, O_WRONLY | O_CREAT | O_APPEND);
  if (file.get() < 0) fail("cannot write", path, errno);
  struct stat before = {};
  const bool regular = ::fstat(file.get(), &before) == 0 && S_ISREG(before.st_mode);
  if (!write_all(file.get(), content)) {
    const int error = errno;
    // a part of the content would stand before what is appended next
    if (regular) uninterrupted([&] { return ::ftruncate(file.get(), before.st_size); });
    fail("cannot write", path, error);
  }
  if (!file.close_checked()) fail("cannot write", path, errno);
}

std::string read_file(const std::filesystem::path& path) {
  // Standard input is read from its current position; it may be a socket or closed, and opening its path
  // would open it anew.
  Descriptor file = path == kStandardInput ? Descriptor(::dup(STDIN_FILENO)) : Descriptor(path, O_RDONLY);
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

struct AtomicFile::State {
  std::filesystem::path path;
  std::optional<Descriptor> direct;    // a standard stream, a device or a pipe, which is written directly
  std::optional<Temporary> temporary;  // otherwise: a file that is replaced
  void check(bool good) const {
    if (!good) fail("cannot write", path, errno);
  }
};

AtomicFile::AtomicFile(const std::filesystem::path& path) : state_(std::make_unique<State>()) {
  State& s = *state_;
  s.path = path;
  std::error_code ignored;
  if (const int stream = standard_stream(path); stream >= 0) {
    std::fflush(nullptr);  // so that text printed earlier comes first
    s.direct.emplace(::dup(stream));
  } else if (std::filesystem::exists(path, ignored) && !std::filesystem::is_regular_file(path, ignored) &&
             !std::filesystem::is_directory(path, ignored)) {  // also through a symbolic link
    s.direct.emplace(path, O_WRONLY);
  } else {
    // also a link whose target does not exist yet
    for (int hops = 0; hops < 16 && std::filesystem::is_symlink(s.path, ignored); ++hops) {
      s.path = s.path.parent_path() / std::filesystem::read_symlink(s.path, ignored);
    }
    s.temporary.emplace(s.path);
  }
  s.check(!s.direct || s.direct->get() >= 0);
}

AtomicFile::~AtomicFile() = default;

void AtomicFile::write(std::string_view part) {
  state_->check(write_all(state_->direct ? state_->direct->get() : state_->temporary->fd(), part));
}

void AtomicFile::commit() {
  State& s = *state_;
  if (s.direct) return s.check(s.direct->close_checked());
  s.check(same_mode(s.temporary->fd(), s.path) && synced(s.temporary->fd()) && s.temporary->replace());
  const Descriptor directory(Temporary::folder_of(s.path), O_RDONLY | O_DIRECTORY);
  if (directory.get() >= 0) synced(directory.get());
}

void write_file_atomically(const std::filesystem::path& path, std::string_view content) {
  AtomicFile file(path);
  file.write(content);
  file.commit();
}

bool file_exists(const std::filesystem::path& path) {
  std::error_code error;
  const bool found = std::filesystem::exists(path, error);
  if (error) fail("cannot look for", path, error.value());
  return found;
}

std::vector<std::filesystem::path> list_folder(const std::filesystem::path& path) {
  std::vector<std::filesystem::path> entries;
  std::error_code error;
  for (std::filesystem::directory_iterator at(path, error), end; !error && at != end; at.increment(error))
    entries.push_back(at->path());
  if (error) fail("cannot read the folder", path, error.value());
  return entries;
}

void make_folder(const std::filesystem::path& path) {
  std::error_code error;
  if (!path.empty()) std::filesystem::create_directories(path, error);
  if (error) fail("cannot make the folder", path, error.value());
}

void remove_file(const std::filesystem::path& path) {
  if (uninterrupted([&] { return std::remove(path.c_str()); }) != 0 && errno != ENOENT)
    fail("cannot remove", path, errno);
}

}  // namespace heed
