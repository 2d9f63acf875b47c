#include "apps/fetch/download.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <exception>
#include <fstream>
#include <thread>

#include "apps/fetch/http_get.h"
#include "framework/core/error.h"
#include "framework/io/disk_space.h"
#include "framework/io/file.h"
#include "models/corpus/archive.h"
#include "models/corpus/packed_stream.h"
#include "models/text/unicode.h"

namespace heed::fetch {
namespace {

namespace fs = std::filesystem;

// The file on its way, locked against a second process.
class PartFile {
 public:
  explicit PartFile(const fs::path& path)
      : path_(path),
        from_(path.string() + ".from"),
        file_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
    if (file_ < 0) fail();
    if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
      ::close(file_);
      throw IoError(fmt::format("'{}' is being fetched by another process", path_.string()));
    }
    size_ = static_cast<uint64_t>(std::max<off_t>(::lseek(file_, 0, SEEK_END), 0));
  }
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;
  ~PartFile() {
    if (size_ == 0) discard();  // nothing to go on with
    ::close(file_);
  }
  const fs::path& path() const { return path_; }
  uint64_t size() const { return size_; }
  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::write(file_, bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail();
      size_ += static_cast<uint64_t>(count);
      bytes.remove_prefix(static_cast<size_t>(count));
    }
  }
  void clear() {
    if (::ftruncate(file_, 0) != 0 || ::lseek(file_, 0, SEEK_SET) < 0) fail();
    size_ = 0;
  }
  void discard() {
    std::error_code error;
    fs::remove(path_, error);
    fs::remove(from_, error);
  }
  // Where its bytes are of: address, validator, bytes of the whole.
  struct From {
    std::string url, validator;
    uint64_t total = 0;
    bool operator==(const From&) const = default;
  };
  From from() const {
    From from;
    std::error_code error;
    if (!fs::is_regular_file(from_, error)) return from;
    const std::string text = read_file(from_);
    const size_t a = text.find('\n'), b = a == text.npos ? a : text.find('\n', a + 1);
    if (b == text.npos) return from;
    from.url = text.substr(0, a);
    from.validator = text.substr(a + 1, b - a - 1);
    from.total = std::strtoull(text.c_str() + b + 1, nullptr, 10);
    return from;
  }
  void set_from(const From& from) const {
    write_file_atomically(from_, fmt::format("{}\n{}\n{}\n", from.url, from.validator, from.total));
  }
  void put(const fs::path& place) {
    if (::fsync(file_) != 0) fail();
    fs::rename(path_, place);
    std::error_code error;
    fs::remove(from_, error);
    const int folder = ::open(place.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0) {
      ::fsync(folder);
      ::close(folder);
    }
  }

 private:
  [[noreturn]] void fail() const {
    throw IoError(fmt::format("cannot write '{}': {}", path_.string(), std::strerror(errno)));
  }
  fs::path path_, from_;
  int file_;
  uint64_t size_ = 0;
};

// Why these first bytes are not of such a file; empty: they may be.
std::string why_no_archive(const std::string& name, std::string_view head) {
  using namespace std::string_view_literals;
  const std::string low = models::to_lower(head.substr(0, 100));
  if (low.find("<!doctype html") != low.npos || low.find("<html") != low.npos)
    return "a page (HTML) comes in the place of the file";
  const bool gzip = head.starts_with("\x1F\x8B"sv), zip = head.starts_with("PK"sv);
  const bool packed = name.ends_with(".gz") || name.ends_with(".tgz") || name.ends_with(".zip");
  if (packed && !gzip && !zip) return "what comes is neither gzip nor zip";
  return {};
}

class Download {
 public:
  explicit Download(const DownloadOptions& options) : o_(options), place_(o_.folder / o_.name) {}

  bool run() {
    make_folder(o_.folder);
    std::error_code error;
    if (fs::exists(place_, error)) {
      std::vector<models::FileAddress> right;
      for (const Source& source : o_.sources)
        right.insert(right.end(), source.right.begin(), source.right.end());
      if (const std::string why = why_wrong(place_, right, o_.poll); !why.empty())
        throw IoError(fmt::format("'{}' is not the file that is meant: {}; remove it", place_.string(), why));
      return false;
    }
    PartFile part(place_.string() + ".part");
    std::vector<std::string> failures;
    for (const Source& source : o_.sources) {
      const std::string why = fetch(part, source);
      if (why.empty()) return true;
      failures.push_back(fmt::format("{}: {}", source.url, why));
      if (failures.size() < o_.sources.size()) o_.note(failures.back());
    }
    const std::string kept = part.size() > 0 ? fmt::format(" ({} are kept, and the same call goes on)",
                                                           bytes_text(static_cast<int64_t>(part.size())))
                                             : "";
    throw Unreachable(fmt::format("cannot fetch '{}': {}{}", o_.name, fmt::join(failures, "; "), kept));
  }

 private:
  // Why it cannot be had from there; empty: it is in its place.
  std::string fetch(PartFile& part, const Source& source) {
    constexpr int kAttempts = 3;  // that bring nothing new
    std::string why;
    uint64_t most = part.size();  // of the file so far: a server may make it begin again and again
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      if (attempt > 0) wait(attempt);
      if (part.from().url != source.url) part.clear();
      appended_ = part.size() > 0;
      bool again = false;
      why = transfer(part, source, again);
      if (why.empty()) why = check(part, source);
      if (why.empty()) {
        part.put(place_);
        return {};
      }
      if (wrong_) {
        wrong_ = false;
        part.clear();
        if (!appended_) return why;
        continue;  // what was there before does not fit what came: once more from the beginning
      }
      if (!again) return why;
      if (part.size() > most) attempt = 0;
      most = std::max(most, part.size());
    }
    return why;
  }

  // One request. Why it failed; empty: all has come.
  std::string transfer(PartFile& part, const Source& source, bool& again) {
    const PartFile::From known = part.size() > 0 ? part.from() : PartFile::From();
    if (part.size() > 0 && known.total == part.size()) return {};  // it was stopped before it was checked
    std::string refusal;
    std::exception_ptr thrown;
    std::string head;  // first bytes, until they are judged
    uint64_t total = 0;
    const auto guarded = [&](const auto& work) {  // through libcurl, which is C
      try {
        return work();
      } catch (...) {
        thrown = std::current_exception();
        return false;
      }
    };
    bool judged = part.size() > 0;
    const auto judge = [&](bool end) {
      if (judged || (head.size() < kHead && !end)) return true;
      judged = true;
      refusal = why_no_archive(o_.name, head);
      wrong_ = !refusal.empty();
      return refusal.empty();
    };
    GetRequest request;
    request.url = source.url;
    request.from = part.size();
    request.validator = known.validator;
    request.user_agent = o_.user_agent;
    request.idle_seconds = o_.idle_seconds;
    request.head = [&](const ReplyHead& reply) {
      return guarded([&] {
        total = reply.total;
        const PartFile::From now{source.url, reply.validator, reply.total};
        appended_ = reply.status == 206 && reply.from == part.size() && known == now;
        if (appended_) return true;
        if (reply.status == 416 || (reply.status == 206 && part.size() > 0)) {  // the file is another one now
          part.clear();
          again = true;
          refusal = "the file at the server has changed";
          return false;
        }
        if (reply.status != 200) {
          again = reply.status >= 500 || reply.status == 429;
          refusal = fmt::format("the server answers {}", reply.status);
          return false;
        }
        part.clear();  // it knows no ranges, or the file has changed
        judged = false;
        require_room(part, reply.total);
        part.set_from(now);
        return true;
      });
    };
    request.body = [&](std::string_view bytes) {
      return guarded([&] {
        if (!judged) head.append(bytes.substr(0, kHead));
        part.write(bytes);
        o_.progress(part.size(), total);
        return judge(false);
      });
    };
    request.poll = [&] {
      return guarded([&] {
        o_.poll();
        return true;
      });
    };
    const GetResult result = fetch_module().get(request);
    if (thrown) std::rethrow_exception(thrown);
    if (!refusal.empty()) return refusal;
    if (!result.complete) {
      again = !result.hopeless;
      return result.error;
    }
    return judge(true) ? std::string() : refusal;
  }

  // Where no sum is known the file's own have to do.
  std::string check(const PartFile& part, const Source& source) {
    std::string why = why_wrong(part.path(), source.right, o_.poll);
    if (why.empty()) {
      std::string head(kHead, '\0');
      std::ifstream file(part.path(), std::ios::binary);
      file.read(head.data(), static_cast<std::streamsize>(kHead));
      why = why_no_archive(o_.name, head.substr(0, static_cast<size_t>(file.gcount())));
    }
    if (why.empty()) {
      try {
        models::require_no_page(part.path(), fmt::format("'{}'", o_.name));
        if (std::ranges::any_of(source.right, [](const auto& known) { return known.sum.empty(); })) {
          const models::ReadWatch watch(o_.poll);
          models::require_whole(part.path());
        }
      } catch (const FormatError& error) {
        why = error.what();
      }
    }
    wrong_ = !why.empty();
    return why;
  }

  void require_room(const PartFile& part, uint64_t total) const {
    const auto needed = static_cast<int64_t>(total), room = disk_space(o_.folder);
    if (room < needed - static_cast<int64_t>(part.size())) {
      throw IoError(fmt::format("'{}' has room for {}, and '{}' has {}", o_.folder.string(), bytes_text(room),
                                o_.name, bytes_text(needed)));
    }
  }

  void wait(int attempt) const {
    for (int i = 0; i < 5 * attempt; ++i) {
      o_.poll();
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }

  static constexpr size_t kHead = 64;
  const DownloadOptions& o_;
  fs::path place_;
  bool wrong_ = false;     // what came is another file, or broken
  bool appended_ = false;  // to what was there before
};

}  // namespace

std::string why_wrong(const fs::path& path, const std::vector<models::FileAddress>& right,
                      const std::function<void()>& poll) {
  const uint64_t bytes = fs::file_size(path);
  std::exception_ptr thrown;
  const auto polled = [&] {
    try {
      poll();
      return true;
    } catch (...) {
      thrown = std::current_exception();
      return false;
    }
  };
  std::string why;
  for (const models::FileAddress& known : right) {
    if (known.bytes > 0 && known.bytes != bytes) {
      why = fmt::format("it has {} bytes, and {} are expected", bytes, known.bytes);
      continue;
    }
    if (known.sum.empty()) return {};
    const size_t colon = known.sum.find(':');
    const std::string kind = known.sum.substr(0, colon), expected = known.sum.substr(colon + 1);
    std::string error;
    const std::string sum = fetch_module().sum(kind, path, polled, error);
    if (thrown) std::rethrow_exception(thrown);
    if (!error.empty()) throw IoError(error);
    if (sum == expected) return {};
    why = fmt::format("its {} is {}, and {} is expected", kind, sum, expected);
  }
  return why;
}

bool download(const DownloadOptions& options) { return Download(options).run(); }

}  // namespace heed::fetch
