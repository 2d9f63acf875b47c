#include "models/corpus/packed_stream.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "framework/core/error.h"
#include "models/corpus/gzip.h"

namespace heed::models {

namespace fs = std::filesystem;

struct ArchiveCallbacks {
  static la_ssize_t give(archive*, void* data, const void** bytes) {
    auto& self = *static_cast<ArchiveReader*>(data);
    try {
      const std::string_view piece = self.next_piece();
      *bytes = piece.data();
      return static_cast<la_ssize_t>(piece.size());
    } catch (...) {
      self.from_more_ = std::current_exception();
      return ARCHIVE_FATAL;
    }
  }
};

ArchiveReader::ArchiveReader(std::string name) : reader_(archive_read_new()), name_(std::move(name)) {
  if (!reader_) throw MemoryError("libarchive has no memory");
}

ArchiveReader::~ArchiveReader() { archive_read_free(reader_); }

void ArchiveReader::open(std::function<std::string_view()> more) {
  more_ = std::move(more);
  require(archive_read_open(reader_, this, nullptr, ArchiveCallbacks::give, nullptr));
}

std::string_view ArchiveReader::next_piece() {
  const std::string_view piece = more_();
  taken_ += piece.size();
  return piece;
}

bool ArchiveReader::at_end() { return next_piece().empty(); }

void ArchiveReader::require(int result) {
  if (result != ARCHIVE_OK && result != ARCHIVE_WARN) fail(name_);
}

// What libarchive says, in one line and without what it repeats.
void ArchiveReader::fail(const std::string& name) {
  if (from_more_) std::rethrow_exception(from_more_);
  const char* const said = archive_error_string(reader_);
  std::string why = said ? said : "it cannot be read";
  std::ranges::replace_if(
      why, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  if (why.find("No progress is possible") != why.npos)
    why = "it ends too early, or something follows its end";
  while (why.ends_with(' ') || why.ends_with('.')) why.pop_back();
  throw FormatError(fmt::format("{} is broken: {}", name, why));
}

namespace {

thread_local std::function<void()> watch;

class FileBytes {
 public:
  explicit FileBytes(const fs::path& path)
      : name_(path.string()),
        file_(path == "/dev/stdin" ? ::dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (file_ < 0) fail();
  }
  FileBytes(const FileBytes&) = delete;
  FileBytes& operator=(const FileBytes&) = delete;
  ~FileBytes() {
    if (file_ >= 0) ::close(file_);
  }
  std::string_view read() {
    ssize_t count = 0;
    do {
      if (watch) watch();
      count = ::read(file_, buffer_.data(), buffer_.size());
    } while (count < 0 && errno == EINTR);
    if (count < 0) fail();
    return {buffer_.data(), static_cast<size_t>(count)};
  }

 private:
  [[noreturn]] void fail() const {
    throw IoError(fmt::format("cannot read '{}': {}", name_, std::strerror(errno)));
  }
  std::string name_;
  int file_;
  std::vector<char> buffer_ = std::vector<char>(size_t{1} << 16);
};

// Looks at a stream's first bytes.
class Peeked {
 public:
  explicit Peeked(std::function<std::string_view()> more) : more_(std::move(more)) {}
  bool starts_with(std::string_view magic) {
    while (head_.size() < magic.size()) {
      const std::string_view piece = more_();
      if (piece.empty()) return false;
      head_ += piece;
    }
    return head_.starts_with(magic);
  }
  std::string_view read() {
    if (given_ || head_.empty()) return more_();
    given_ = true;
    return head_;
  }

 private:
  std::function<std::string_view()> more_;
  std::string head_;
  bool given_ = false;
};

// What libarchive's filters make of a stream; the stream itself where it is not packed.
class Filtered {
 public:
  Filtered(std::function<std::string_view()> more, std::string name) : reader_(name), name_(std::move(name)) {
    archive* const reader = reader_.get();
    archive_read_support_filter_bzip2(reader);
    archive_read_support_filter_xz(reader);
    archive_read_support_filter_lzma(reader);
    archive_read_support_filter_zstd(reader);
    archive_read_support_filter_lz4(reader);
    archive_read_support_format_raw(reader);
    archive_read_support_format_empty(reader);
    reader_.open(std::move(more));
    archive_entry* entry = nullptr;
    const int result = archive_read_next_header(reader, &entry);
    empty_ = result == ARCHIVE_EOF;
    if (!empty_) reader_.require(result);
    filters_ = archive_filter_count(reader) - 1;  // the last one is the stream itself
  }
  bool was_packed() const { return filters_ > 0; }
  std::string_view read() {
    if (ended_) return {};
    const la_ssize_t count = empty_ ? 0 : archive_read_data(reader_.get(), buffer_.data(), buffer_.size());
    if (count < 0) reader_.fail(name_);  // a warning too, as of data whose size is not what it says
    if (count > 0) return {buffer_.data(), static_cast<size_t>(count)};
    ended_ = true;
    // bzip2 and lz4 end where another member is broken, and libarchive says nothing
    const auto used = static_cast<uint64_t>(archive_filter_bytes(reader_.get(), -1));
    if (was_packed() && (used != reader_.taken() || !reader_.at_end()))
      throw FormatError(fmt::format("{} is broken: what follows its end is no {}", name_,
                                    archive_filter_name(reader_.get(), 0)));
    return {};
  }

 private:
  ArchiveReader reader_;
  std::string name_;
  std::vector<char> buffer_ = std::vector<char>(size_t{1} << 16);
  int filters_ = 0;
  bool empty_ = false, ended_ = false;
};

// A reader as a function.
template <class Reader>
std::function<std::string_view()> reading(std::shared_ptr<Reader> reader) {
  return [reader = std::move(reader)] { return reader->read(); };
}

}  // namespace

ReadWatch::ReadWatch(std::function<void()> look) : before_(std::exchange(watch, std::move(look))) {}
ReadWatch::~ReadWatch() { watch = std::move(before_); }

std::function<std::string_view()> open_bytes(const fs::path& path) {
  return reading(std::make_shared<FileBytes>(path));
}

Unpacked unpack_stream(std::function<std::string_view()> more, const std::string& name) {
  constexpr int kLayers = 8;
  Unpacked result{std::move(more)};
  for (int layer = 0; layer < kLayers; ++layer) {
    const auto peeked = std::make_shared<Peeked>(std::move(result.more));
    if (peeked->starts_with("\x1F\x8B")) {
      result = {reading(std::make_shared<GzipStream>(reading(peeked), name)), true};
      continue;
    }
    const auto filtered = std::make_shared<Filtered>(reading(peeked), name);
    result.more = reading(filtered);
    if (!filtered->was_packed()) break;
    result.was_packed = true;
  }
  return result;
}

}  // namespace heed::models
