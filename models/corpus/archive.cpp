#include "models/corpus/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <clocale>
#include <cstring>
#include <exception>

#include "framework/core/error.h"

namespace heed::models {

namespace fs = std::filesystem;

struct Unpacker::State {
  archive* reader = nullptr;
  std::function<std::string_view()> more;
  std::exception_ptr from_more;  // libarchive is C: an exception goes around it
  std::string file, member;
  UnpackLimits limits;
  uint64_t unpacked = 0;
  bool is_archive = false;
  std::vector<char> buffer = std::vector<char>(size_t{1} << 18);

  State(std::string name, UnpackLimits limit)
      : reader(archive_read_new()), file(std::move(name)), limits(limit) {
    if (!reader) throw MemoryError("libarchive has no memory");
    archive_read_support_filter_gzip(reader);
    archive_read_support_filter_bzip2(reader);
    archive_read_support_filter_xz(reader);
    archive_read_support_filter_lzma(reader);
    archive_read_support_filter_zstd(reader);
    archive_read_support_filter_lz4(reader);
    archive_read_support_format_raw(reader);
    archive_read_support_format_empty(reader);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { archive_read_free(reader); }

  std::string name() const {
    return member.empty() ? fmt::format("'{}'", file) : fmt::format("'{}': '{}'", file, member);
  }
  // What libarchive says, in one line and without what it repeats.
  [[noreturn]] void refuse() {
    if (from_more) std::rethrow_exception(from_more);
    const char* const said = archive_error_string(reader);
    std::string why = said ? said : "it cannot be read";
    std::ranges::replace_if(
        why, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
    while (why.ends_with(' ') || why.ends_with('.')) why.pop_back();
    throw FormatError(fmt::format("{} is broken: {}", name(), why));
  }
  static la_ssize_t give(archive*, void* data, const void** bytes) {
    auto& state = *static_cast<State*>(data);
    try {
      const std::string_view piece = state.more();
      *bytes = piece.data();
      return static_cast<la_ssize_t>(piece.size());
    } catch (...) {
      state.from_more = std::current_exception();
      return ARCHIVE_FATAL;
    }
  }
  void require(int result) {
    if (result != ARCHIVE_OK && result != ARCHIVE_WARN) refuse();
  }
};

namespace {

// A member's name as libarchive has it may be none in this locale; it is shown and compared as bytes.
std::string path_of(archive_entry* entry) {
  if (const char* const bytes = archive_entry_pathname(entry)) return bytes;
  if (const char* const utf8 = archive_entry_pathname_utf8(entry)) return utf8;
  return "?";
}

}  // namespace

Unpacker::Unpacker(const fs::path& path, UnpackLimits limits)
    : state_(std::make_unique<State>(path == "/dev/stdin" ? "standard input" : path.string(), limits)) {
  archive_read_support_format_tar(state_->reader);
  archive_read_support_format_zip(state_->reader);
  std::error_code error;
  if (fs::is_directory(path, error))
    throw IoError(fmt::format("'{}' is a folder, not a file", path.string()));
  constexpr size_t kBlock = size_t{1} << 16;
  const int opened = path == "/dev/stdin" ? archive_read_open_fd(state_->reader, 0, kBlock)
                                          : archive_read_open_filename(state_->reader, path.c_str(), kBlock);
  if (opened == ARCHIVE_OK) return;
  const int code = archive_errno(state_->reader);
  if (code > 0 && code < 200)  // the system's own numbers
    throw IoError(fmt::format("cannot read '{}': {}", state_->file, std::strerror(code)));
  state_->require(opened);
}
Unpacker::Unpacker(std::function<std::string_view()> more, std::string name, UnpackLimits limits)
    : state_(std::make_unique<State>(std::move(name), limits)) {
  state_->more = std::move(more);
  state_->require(archive_read_open(state_->reader, state_.get(), nullptr, State::give, nullptr));
}

Unpacker::Unpacker(Unpacker&&) noexcept = default;
Unpacker& Unpacker::operator=(Unpacker&&) noexcept = default;
Unpacker::~Unpacker() = default;

bool Unpacker::next() {
  State& s = *state_;
  s.member.clear();
  for (archive_entry* entry = nullptr;;) {
    const int result = archive_read_next_header(s.reader, &entry);
    if (result == ARCHIVE_EOF) {
      const int format = archive_format(s.reader);  // an archive without members is one as well
      s.is_archive = format != ARCHIVE_FORMAT_RAW && format != ARCHIVE_FORMAT_EMPTY && format != 0;
      return false;
    }
    s.require(result);
    s.is_archive = archive_format(s.reader) != ARCHIVE_FORMAT_RAW;
    if (!s.is_archive) return true;
    const auto type = archive_entry_filetype(entry);
    if (type != AE_IFREG && type != 0) continue;  // folders, links
    if (archive_entry_hardlink(entry)) continue;
    s.member = path_of(entry);
    if (s.member.ends_with('/')) continue;
    return true;
  }
}

const std::string& Unpacker::member() const { return state_->member; }
bool Unpacker::is_archive() const { return state_->is_archive; }
std::string Unpacker::name() const { return state_->name(); }

std::string_view Unpacker::read() {
  State& s = *state_;
  const la_ssize_t count = archive_read_data(s.reader, s.buffer.data(), s.buffer.size());
  if (count < 0) {
    if (archive_read_has_encrypted_entries(s.reader) == 1)
      throw FormatError(fmt::format("{} is encrypted; unpack it with its password first", s.name()));
    s.refuse();
  }
  s.unpacked += static_cast<uint64_t>(count);
  const auto packed = static_cast<uint64_t>(std::max<la_int64_t>(archive_filter_bytes(s.reader, -1), 1));
  if (s.unpacked > s.limits.free_bytes && s.unpacked / s.limits.ratio > packed) {
    throw FormatError(fmt::format(
        "{} unpacks to more than {} times its size, as no text does; unpack it first if it is one", s.name(),
        s.limits.ratio));
  }
  return {s.buffer.data(), static_cast<size_t>(count)};
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
  const auto inner =
      std::make_shared<Unpacker>([archive] { return archive->read(); }, name.substr(1, name.size() - 2));
  if (!inner->next()) return {[] { return std::string_view(); }, name};
  return {[inner] { return inner->read(); }, name};
}

}  // namespace heed::models
