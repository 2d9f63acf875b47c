// Text files as lines, and pairs of files whose lines belong together.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace heed::models {

/// The lines of a text, without their ends (LF or CR LF) and without a byte order mark. Only LF ends a line, so the count is that of
/// `wc -l`, plus a last line without an end.
/// @param text UTF-8
/// @param name used in error messages
/// @return the lines in order
/// @throws FormatError `'train.de' line 17 is not UTF-8`, and as refuse_packed
std::vector<std::string> split_lines(std::string_view text, std::string_view name);

/// Refuses what is packed by its first bytes: gzip, bzip2, xz, zstd, zip.
/// @param text the beginning of a file
/// @param name stands in the message
/// @throws FormatError `'train.en.gz' is a gzip file: unpack it first`
void refuse_packed(std::string_view text, std::string_view name);

/// split_lines of a whole file.
/// @param path of the file
/// @return the lines in order
/// @throws IoError for a file that cannot be read, FormatError as split_lines
std::vector<std::string> read_lines(const std::filesystem::path& path);

/// Line i of `source` is translated by line i of `target`.
struct ParallelLines {
  std::vector<std::string> source, target;  // equally many
};

/// Reads both files.
/// @param source,target the files
/// @return lines that belong together
/// @throws ValueError `'a.en' has 3 lines, 'a.de' has 4` and for a corpus without a line; IoError, FormatError
ParallelLines read_parallel(const std::filesystem::path& source, const std::filesystem::path& target);

}  // namespace heed::models
