// Reads files that are packed: gzip, bzip2, xz, lzma, zstd and lz4 streams (packed_stream.h), zip and tar
// archives through libarchive; what is not packed is read as it is. Nothing is unpacked to disk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace heed::models {

/// How much more than the packed file what comes out of it may be.
struct UnpackLimits {
  uint64_t free_bytes = uint64_t{1} << 26;  // bytes that are not judged
  uint64_t ratio = 250;                     // beyond these, bytes out for a byte in; text packs to 3 to 20
};

/// One file, packed or not: a stream, or members of an archive in their order.
class Unpacker {
 public:
  /// Opens a file; the format is found by looking into it.
  /// @param path of the file; /dev/stdin reads the standard input of the process
  /// @param limits beyond which a file is refused
  /// @throws IoError for a file that cannot be read, FormatError for a broken archive
  explicit Unpacker(const std::filesystem::path& path, UnpackLimits limits = {});
  /// Opens a stream, such as a packed member of an archive; it may be packed, and is no archive itself.
  /// @param more gives the next bytes, none at the end
  /// @param name of the stream in messages
  /// @param limits as above
  /// @throws what `more` throws, FormatError for a broken stream
  Unpacker(std::function<std::string_view()> more, std::string name, UnpackLimits limits = {});
  Unpacker(Unpacker&&) noexcept;  ///< takes over the stream
  /// @return this, with the stream of the other
  Unpacker& operator=(Unpacker&&) noexcept;
  ~Unpacker();

  /// Goes to the next member that is a file, and before the first one at the beginning.
  /// @return whether there is one; a stream that is no archive is one member without a name. At the end the
  ///   rest of the file is read, so that its check sums are checked
  /// @throws FormatError for a broken archive, and for a file that is not packed though its name says so
  /// (.gz)
  bool next();
  /// @return name of the member in the archive; empty for a stream that is no archive
  const std::string& member() const;
  /// @return whether the file is an archive with members, known after the first next()
  bool is_archive() const;
  /// Reads on in the member.
  /// @return the next bytes, valid until the next call; none at the end of the member
  /// @throws FormatError `'a.zip': 'a.txt' is encrypted`, for a broken archive, and for one that unpacks to
  ///   more than the limits
  std::string_view read();
  /// @return how messages call what is read: `'a.zip': 'a.txt'` or `'a.tsv.gz'`
  std::string name() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Lists the members of an archive.
/// @param path of the file
/// @return names of its files in their order; empty for a file that is no archive
/// @throws as Unpacker; FormatError for an archive without a file
std::vector<std::string> archive_members(const std::filesystem::path& path);

/// Reads all of a file, packed or not, for the check sums and ends that its format has.
/// @param path of the file
/// @throws as Unpacker; FormatError for a file that is broken or cut off
void require_whole(const std::filesystem::path& path);

/// The lines of a text that comes in pieces. Lines end at LF alone; a CR before it belongs to the line end,
/// and a byte order mark at the beginning is skipped, as in split_lines.
class LineSource {
 public:
  /// @param more gives the next bytes, none at the end
  /// @param name of the text in messages
  LineSource(std::function<std::string_view()> more, std::string name);
  /// Reads a line; bytes that are not UTF-8 are the caller's to judge.
  /// @param line set to the line, valid until the next call
  /// @return whether there was one
  /// @throws FormatError for a line of more than a mebibyte, for a zero byte (UTF-16, or no text at all), and
  ///   what `more` throws
  bool next(std::string_view& line);
  /// @return number of the line that next() gave, from 1
  uint64_t number() const { return number_; }
  /// @return name of the text in messages
  const std::string& name() const { return name_; }

 private:
  std::function<std::string_view()> more_;
  std::string name_, kept_;  // kept_: the beginning of a line whose end is in the next piece
  std::string_view piece_;
  uint64_t number_ = 0;
  bool ended_ = false;
};

/// Opens a file, or one member of an archive, as lines; a member that is packed itself (train.src.gz in a
/// tar) is unpacked.
/// @param path of the file
/// @param member of the archive; empty for a file that is none
/// @return its lines
/// @throws as Unpacker; FormatError for an archive without this member
LineSource open_lines(const std::filesystem::path& path, const std::string& member = "");

}  // namespace heed::models
