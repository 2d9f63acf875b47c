// Lines as they come: a file in parts, a pipe or a terminal as far as its writer has got, so that a program
// or a person can converse.
#pragma once

#include <string>
#include <vector>

namespace heed::apps {

/// Reads lines of UTF-8 text (LF or CR LF) from a file or from standard input.
class LineReader {
 public:
  /// Opens the file.
  /// @param path of a file; "-" for standard input
  /// @throws IoError when it cannot be opened
  explicit LineReader(const std::string& path);
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  /// Waits for a line; then takes further ones while they are there.
  /// @param most lines to return
  /// @return 1 to `most` lines; none at the end of the input
  /// @throws IoError when reading fails, FormatError for a line that is not UTF-8
  std::vector<std::string> next(size_t most);

 private:
  bool fill();
  bool waits() const;
  std::string name_;  // in messages
  int descriptor_;
  std::string buffer_;
  size_t at_ = 0, searched_ = 0;  // where the next line begins; up to where no line end was found
  size_t lines_ = 0;
  bool ended_ = false;
};

}  // namespace heed::apps
