// Whole files, read and written so that a crash leaves the old content or the new one, never half of one.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace heed {

/// Reads a whole file.
/// @param path of a file or a device; /dev/stdin is the process's own standard input, read on from where it stands
/// @return its bytes
/// @throws IoError with the path and the system's reason
std::string read_file(const std::filesystem::path& path);

/// A file that is written part by part and appears whole, or not at all: as write_file_atomically() does it.
class AtomicFile {
 public:
  /// @param path the file; its folder must exist
  /// @throws IoError
  explicit AtomicFile(const std::filesystem::path& path);
  /// Without commit() what was there stays.
  ~AtomicFile();
  /// @param other is left with nothing to write or commit
  AtomicFile(AtomicFile&& other) noexcept;
  /// @param part comes behind the parts before
  /// @throws IoError
  void write(std::string_view part);
  /// Once, at the end: the file takes its place.
  /// @throws IoError
  void commit();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

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

/// Whether there is something of this name, behind links as well.
/// @param path of anything
/// @return false where there is nothing
/// @throws IoError where the system cannot tell: no permission, a name that is too long, links in a ring
bool file_exists(const std::filesystem::path& path);

/// What a folder holds, in no order.
/// @param path of the folder
/// @return the paths of its entries
/// @throws IoError with the path and the system's reason
std::vector<std::filesystem::path> list_folder(const std::filesystem::path& path);

/// Makes a folder and those above it that are missing; nothing where it is there.
/// @param path of the folder; empty: nothing is made
/// @throws IoError with the path and the system's reason
void make_folder(const std::filesystem::path& path);

/// Removes a file or an empty folder; nothing where there is none.
/// @param path of the file
/// @throws IoError with the path and the system's reason
void remove_file(const std::filesystem::path& path);

}  // namespace heed
