// A file's bytes without its packing: gzip through zlib, other streams through libarchive, in any order.
#pragma once

#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

struct archive;

namespace heed::models {

/// libarchive's reader, fed by a function. It is C: what the function throws goes around it.
class ArchiveReader {
 public:
  /// @param name of what is read, for messages
  explicit ArchiveReader(std::string name);
  ArchiveReader(const ArchiveReader&) = delete;
  ArchiveReader& operator=(const ArchiveReader&) = delete;
  ~ArchiveReader();
  /// @return libarchive's own handle
  archive* get() const { return reader_; }
  /// Begins to read.
  /// @param more gives the next bytes, none at the end
  /// @throws as require()
  void open(std::function<std::string_view()> more);
  /// Throws unless libarchive is content.
  /// @param result of one of its functions
  /// @throws FormatError `'a.zip' is broken: ...`; what `more` throws
  void require(int result);
  /// Throws what libarchive said last.
  /// @param name of what is read now, such as a member
  /// @throws as require()
  [[noreturn]] void fail(const std::string& name);
  /// @return how many bytes `more` gave
  uint64_t taken() const { return taken_; }
  /// @return whether `more` has no further byte
  bool at_end();

 private:
  friend struct ArchiveCallbacks;
  std::string_view next_piece();
  archive* reader_;
  std::string name_;
  std::function<std::string_view()> more_;
  std::exception_ptr from_more_;
  uint64_t taken_ = 0;
};

/// While one exists, `look` is called on its thread before each piece that open_bytes() reads and after a
/// signal came while it waited; what it throws ends the reading. Input without end, or that never comes, can
/// be stopped so.
class ReadWatch {
 public:
  /// @param look called often; it may throw
  explicit ReadWatch(std::function<void()> look);
  ~ReadWatch();
  ReadWatch(const ReadWatch&) = delete;
  ReadWatch& operator=(const ReadWatch&) = delete;

 private:
  std::function<void()> before_;
};

/// The bytes of a file.
/// @param path of the file; /dev/stdin reads the standard input of the process
/// @return gives the next bytes, none at the end
/// @throws IoError `cannot read 'a.tsv': Permission denied`, also later
std::function<std::string_view()> open_bytes(const std::filesystem::path& path);

/// What is behind the packing of a stream.
struct Unpacked {
  std::function<std::string_view()> more;  // the next bytes, none at the end
  bool was_packed = false;                 // whether the stream was packed at all
};

/// Unpacks gzip, bzip2, xz, lzma, zstd and lz4, one within another too, found by looking into the stream. All
/// of it is used: what a format has of check sums is checked, and nothing may follow its end.
/// @param more gives the next packed bytes, none at the end
/// @param name of the stream in messages
/// @return the stream without packing
/// @throws FormatError for a broken stream, also from `more` of what is returned
Unpacked unpack_stream(std::function<std::string_view()> more, const std::string& name);

}  // namespace heed::models
