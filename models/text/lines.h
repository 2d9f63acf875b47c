// Text files as lines, and pairs of files whose lines belong together.
#pragma once

#include <filesystem>
#include <istream>
#include <string>
#include <string_view>
#include <vector>

namespace heed::models {

/// The lines of a text, without their ends (LF or CR LF) and without a byte order mark. Only LF ends a line, so
/// the count is that of `wc -l`, plus a last line without an end. `name` is for messages. Throws FormatError
/// `'train.de' line 17 is not UTF-8`.
std::vector<std::string> split_lines(std::string_view text, std::string_view name);

/// split_lines of a whole file or stream. Throws IoError for a file that cannot be read.
std::vector<std::string> read_lines(const std::filesystem::path& path);
std::vector<std::string> read_lines(std::istream& in, std::string_view name);

/// Line i of `source` is translated by line i of `target`.
struct ParallelLines {
  std::vector<std::string> source, target;
};

/// Reads both files. Throws ValueError `'a.en' has 3 lines, 'a.de' has 4` and for a corpus without a line.
ParallelLines read_parallel(const std::filesystem::path& source, const std::filesystem::path& target);

}  // namespace heed::models
