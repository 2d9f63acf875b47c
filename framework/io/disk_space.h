// How much room a file system has, so that a long job can see a full disk before it writes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace heed {

/// Bytes that this process may still write to the file system of a path.
/// @param path a file or folder; where it does not exist yet, the nearest folder above it that does
/// @return the bytes; INT64_MAX where the system cannot tell
int64_t disk_space(const std::filesystem::path& path);

/// A number of bytes for a message, in powers of 1000: "820 bytes", "4.1 MB", "12 GB".
/// @param bytes at least 0
/// @return the text
std::string bytes_text(int64_t bytes);

}  // namespace heed
