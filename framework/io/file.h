// Whole files, read and written so that a crash leaves the old content or the new one, never half of one.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace heed {

/// Reads a whole file.
/// @param path of a file or a device
/// @return its bytes
/// @throws IoError with the path and the system's reason
std::string read_file(const std::filesystem::path& path);

/// Writes to a temporary beside `path`, fsyncs it, renames it over `path` and fsyncs the folder.
/// What is replaced keeps its permissions; the temporary's name cannot be known before, and nothing that lies there is touched.
/// A symbolic link is followed; a device or pipe (/dev/null, /dev/stdout) is written as it is.
/// @param path the file; its folder must exist
/// @param content its new bytes
/// @throws IoError (no such folder, no permission, disk full, ...), and then leaves `path` as it was and no temporary behind
void write_file_atomically(const std::filesystem::path& path, std::string_view content);

/// Writes behind what the file holds, which is made when it is not there. Not atomic: a crash or a full disk may leave a part.
/// @param path the file
/// @param content what comes behind
/// @throws IoError with the path and the system's reason
void append_to_file(const std::filesystem::path& path, std::string_view content);

}  // namespace heed
