// Reads text files as lines, and pairs of files with corresponding lines.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace heed::models {

/// Splits a text into lines, without line ends (LF or CR LF) and without a byte order mark. Only LF ends a
/// line, so the number of lines is that of `wc -l`, plus one for a last line without a line end.
/// @param text UTF-8
/// @param name used in error messages
/// @return the lines in order
/// @throws FormatError `'train.de' line 17 is not UTF-8`, and as refuse_packed
std::vector<std::string> split_lines(std::string_view text, std::string_view name);

/// Throws if the first bytes of a file are those of a compressed one: gzip, bzip2, xz, zstd, zip.
/// @param text the beginning of a file
/// @param name used in the error message
/// @throws FormatError `'train.en.gz' is a gzip file: unpack it first`
void refuse_packed(std::string_view text, std::string_view name);

/// Reads a file and splits it with split_lines.
/// @param path path of the file
/// @return the lines in order
/// @throws IoError for a file that cannot be read, FormatError as split_lines
std::vector<std::string> read_lines(const std::filesystem::path& path);

/// Line i of `source` is translated by line i of `target`.
struct ParallelLines {
  std::vector<std::string> source, target;  // lines of each file; both have the same number
  std::vector<uint64_t> documents = {};     // the number of lines of each document, where that is known
};

/// Reads two parallel files.
/// @param source,target paths of the files
/// @return the lines of both
/// @throws ValueError `'a.en' has 3 lines, 'a.de' has 4` and for a corpus without a line; IoError,
/// FormatError
ParallelLines read_parallel(const std::filesystem::path& source, const std::filesystem::path& target);

}  // namespace heed::models
