#include "models/corpus/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "framework/core/error.h"
#include "models/corpus/packed_stream.h"
#include "models/text/unicode.h"

namespace heed::models {

namespace fs = std::filesystem;

namespace {

// A member's name as libarchive has it may be none in this locale; it is shown and compared as bytes.
std::string path_of(archive_entry* entry) {
  if (const char* const bytes = archive_entry_pathname(entry)) return bytes;
  if (const char* const utf8 = archive_entry_pathname_utf8(entry)) return utf8;
  return "?";
}

// What the ending of a name promises: "a.tsv.gz" is packed, "a.tar.gz" is packed and an archive.
struct Promise {
  bool packed = false, archive = false;
};

Promise promise_of(const std::string& file) {
  std::string name = to_lower(file);
  Promise promise;
  for (const char* const ending : {".gz", ".bz2", ".xz", ".lzma", ".zst", ".lz4"}) {
    if (!name.ends_with(ending)) continue;
    promise.packed = true;
    name.resize(name.size() - std::strlen(ending));
    break;
  }
  promise.archive = name.ends_with(".tar") || name.ends_with(".zip");
  for (const char* const ending : {".tgz", ".tbz2", ".txz"}) {
    if (name.ends_with(ending)) promise = {.packed = true, .archive = true};
  }
  return promise;
}

}  // namespace

struct Unpacker::State {
  std::string file, member;
  ArchiveReader reader;
  UnpackLimits limits;
  uint64_t taken = 0;  // bytes of the file, where it is fed through `more`
  uint64_t unpacked = 0, streamed = 0;
  bool is_stream = false;  // a stream that archives cannot be in
  bool fed = true, was_packed = false, is_archive = false, judged = false, ended = false;
  std::vector<char> buffer = std::vector<char>(size_t{1} << 16);

  State(std::string name, UnpackLimits limit)
      : file(std::move(name)), reader(fmt::format("'{}'", file)), limits(limit) {
    archive_read_support_format_raw(reader.get());
    archive_read_support_format_empty(reader.get());
  }

  std::string name() const {
    return member.empty() ? fmt::format("'{}'", file) : fmt::format("'{}': '{}'", file, member);
  }
  void require_sane(uint64_t bytes) {
    const uint64_t packed =
        fed ? taken : static_cast<uint64_t>(std::max<la_int64_t>(archive_filter_bytes(reader.get(), -1), 1));
    if (bytes > limits.free_bytes && bytes / limits.ratio > packed) {
      throw FormatError(fmt::format(
          "{} unpacks to more than {} times its size, as no text does; unpack it first if it is one", name(),
          limits.ratio));
    }
  }
  // The stream behind the packing of what `more` gives.
  std::function<std::string_view()> unpacked_stream(std::function<std::string_view()> more) {
    Unpacked stream = unpack_stream(
        [this, more = std::move(more)] {
          const std::string_view piece = more();
          taken += piece.size();
          return piece;
        },
        name());
    was_packed = stream.was_packed;
    return [this, next = std::move(stream.more)] {
      const std::string_view piece = next();
      streamed += piece.size();
      require_sane(streamed);
      return piece;
    };
  }
  // A file whose beginning is damaged looks like text: its name tells.
  void judge() {
    if (std::exchange(judged, true)) return;
    const Promise promise = promise_of(file);
    if (promise.archive && !is_stream && !is_archive)
      throw FormatError(
          fmt::format("{} is no archive, as its name says: it is damaged, or named wrongly", name()));
    if (promise.packed && !was_packed && !is_archive)
      throw FormatError(
          fmt::format("{} is not packed, as its name says: it is damaged, or named wrongly", name()));
  }
};

Unpacker::Unpacker(const fs::path& path, UnpackLimits limits)
    : state_(std::make_unique<State>(path == "/dev/stdin" ? "standard input" : path.string(), limits)) {
  State& s = *state_;
  archive_read_support_format_tar(s.reader.get());
  archive_read_support_format_zip(s.reader.get());
  std::error_code error;
  if (fs::is_directory(path, error))
    throw IoError(fmt::format("'{}' is a folder, not a file", path.string()));
  auto more = s.unpacked_stream(open_bytes(path));
  if (s.was_packed || path == "/dev/stdin" || !fs::is_regular_file(path, error)) {
    s.reader.open(std::move(more));
    return;
  }
  s.fed = false;  // the list of a zip archive is at its end: libarchive moves in the file
  constexpr size_t kBlock = size_t{1} << 16;
  s.reader.require(archive_read_open_filename(s.reader.get(), path.c_str(), kBlock));
}
Unpacker::Unpacker(std::function<std::string_view()> more, std::string name, UnpackLimits limits)
    : state_(std::make_unique<State>(std::move(name), limits)) {
  state_->is_stream = true;
  state_->reader.open(state_->unpacked_stream(std::move(more)));
}

Unpacker::Unpacker(Unpacker&&) noexcept = default;
Unpacker& Unpacker::operator=(Unpacker&&) noexcept = default;
Unpacker::~Unpacker() = default;

bool Unpacker::next() {
  State& s = *state_;
  s.member.clear();
  archive* const reader = s.reader.get();
  for (archive_entry* entry = nullptr; !s.ended;) {
    const int result = archive_read_next_header(reader, &entry);
    const int format = archive_format(reader);  // an archive without members is one as well
    s.is_archive = format != ARCHIVE_FORMAT_RAW && format != ARCHIVE_FORMAT_EMPTY && format != 0;
    if (result == ARCHIVE_EOF) {
      s.ended = true;
      // an archive ends before its packing does, which has check sums at its own end
      while (s.fed && !s.reader.at_end()) {
      }
      s.judge();
      break;
    }
    s.reader.require(result);
    s.judge();
    if (!s.is_archive) return true;
    const auto type = archive_entry_filetype(entry);
    if (type != AE_IFREG && type != 0) continue;  // folders, links
    if (archive_entry_hardlink(entry)) continue;
    s.member = path_of(entry);
    if (s.member.ends_with('/')) continue;
    return true;
  }
  return false;
}

const std::string& Unpacker::member() const { return state_->member; }
bool Unpacker::is_archive() const { return state_->is_archive; }
std::string Unpacker::name() const { return state_->name(); }

std::string_view Unpacker::read() {
  State& s = *state_;
  if (s.ended) return {};
  const la_ssize_t count = archive_read_data(s.reader.get(), s.buffer.data(), s.buffer.size());
  if (count < 0) {
    if (archive_read_has_encrypted_entries(s.reader.get()) == 1)
      throw FormatError(fmt::format("{} is encrypted; unpack it with its password first", s.name()));
    s.reader.fail(s.name());  // a warning too, as of data whose size is not what it says
  }
  s.unpacked += static_cast<uint64_t>(count);
  s.require_sane(s.unpacked);
  return {s.buffer.data(), static_cast<size_t>(count)};
}

void require_whole(const std::filesystem::path& path) {
  Unpacker file(path);
  while (file.next()) {
    while (!file.read().empty()) {
    }
  }
}

std::vector<std::string> archive_members(const fs::path& path) {
  Unpacker archive(path);
  std::vector<std::string> names;
  while (archive.next()) {
    if (!archive.is_archive()) return {};
    names.push_back(archive.member());
  }
  if (names.empty() && archive.is_archive())
    throw FormatError(fmt::format("{} holds no file", archive.name()));
  return names;
}

namespace {

constexpr size_t kLongestLine = size_t{1} << 20;

}  // namespace

LineSource::LineSource(std::function<std::string_view()> more, std::string name)
    : more_(std::move(more)), name_(std::move(name)) {}

bool LineSource::next(std::string_view& line) {
  using namespace std::string_view_literals;
  if (ended_) return false;
  const auto give = [&](std::string_view found) {
    line = found;
    ++number_;
    if (number_ == 1) {
      if (line.starts_with("\xFF\xFE"sv) || line.starts_with("\xFE\xFF"sv))
        throw FormatError(fmt::format("{} is UTF-16: convert it (iconv -f UTF-16 -t UTF-8)", name_));
      for (const auto& [magic, kind] :
           {std::pair("7z\xBC\xAF\x27\x1C"sv, "7-Zip"), std::pair("Rar!\x1A"sv, "RAR"),
            std::pair("%PDF-"sv, "PDF"), std::pair("PK\x03\x04"sv, "zip")}) {
        if (line.starts_with(magic))
          throw FormatError(fmt::format("{} is a {} file: unpack it first", name_, kind));
      }
      if (line.starts_with("\xEF\xBB\xBF"sv)) line.remove_prefix(3);
    }
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find('\0') != line.npos)
      throw FormatError(fmt::format("{} line {} has a zero byte: this is no text in UTF-8", name_, number_));
    return true;
  };
  kept_.clear();
  for (;;) {
    const size_t end = piece_.find('\n');
    if (kept_.size() + std::min(end, piece_.size()) > kLongestLine) {
      throw FormatError(
          fmt::format("{} line {} is longer than {} bytes: this is no text with a sentence a line", name_,
                      number_ + 1, kLongestLine));
    }
    if (end != piece_.npos) {
      std::string_view found = piece_.substr(0, end);
      piece_.remove_prefix(end + 1);
      if (!kept_.empty()) found = kept_.append(found);
      return give(found);
    }
    kept_.append(piece_);
    piece_ = more_();
    if (piece_.empty()) {
      ended_ = true;
      return !kept_.empty() && give(kept_);
    }
  }
}

LineSource open_lines(const fs::path& path, const std::string& member) {
  const auto archive = std::make_shared<Unpacker>(path);
  bool found = archive->next();
  while (found && archive->member() != member) found = archive->next();
  if (!found && (archive->is_archive() || !member.empty())) {
    throw FormatError(member.empty() ? fmt::format("{} is an archive, and which of its members is meant is "
                                                   "not known: unpack it, or give --member",
                                                   archive->name())
                                     : fmt::format("{} has no member '{}'", archive->name(), member));
  }
  const std::string name = archive->name();
  if (!found) return {[] { return std::string_view(); }, name};  // an empty file
  if (!archive->is_archive()) return {[archive] { return archive->read(); }, name};
  const auto to_its_end = [archive] {
    const std::string_view piece = archive->read();
    while (piece.empty() && archive->next()) {
    }
    return piece;
  };
  const auto inner = std::make_shared<Unpacker>(to_its_end, name.substr(1, name.size() - 2));
  if (!inner->next()) return {[] { return std::string_view(); }, name};
  return {[inner] { return inner->read(); }, name};
}

}  // namespace heed::models
