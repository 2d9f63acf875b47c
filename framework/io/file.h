// Reading and writing whole files. A crash while writing leaves the complete old content or the complete new
// content.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace heed {

/// Reads a whole file.
/// @param path path of a file or a device; /dev/stdin reads the process's own standard input from its current
///   position
/// @return its bytes
/// @throws IoError with the path and the system's reason
std::string read_file(const std::filesystem::path& path);

/// A file that is written in several parts but appears under its path only when it is complete; see
/// write_file_atomically().
class AtomicFile {
 public:
  /// @param path the file; its folder must exist
  /// @throws IoError
  explicit AtomicFile(const std::filesystem::path& path);
  /// Without a commit() before, discards the new content and leaves the existing file unchanged.
  ~AtomicFile();
  /// @param part bytes to append
  /// @throws IoError
  void write(std::string_view part);
  /// Puts the new file in place of the old one; call it once, after the last write().
  /// @throws IoError
  void commit();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Writes a temporary file in the same folder, fsyncs it, renames it over `path` and fsyncs the folder. The
/// new file keeps the permissions of the file that it replaces. The temporary's name is unpredictable and
/// never overwrites an existing file. Symbolic links are followed; a device or pipe (/dev/null, /dev/stdout)
/// is written directly.
/// @param path the file; its folder must exist
/// @param content its new bytes
/// @throws IoError (no such folder, no permission, disk full, ...); `path` is then unchanged and no temporary
///   file remains
void write_file_atomically(const std::filesystem::path& path, std::string_view content);

/// Appends to a file, which is created if it does not exist. A full disk leaves the file as it was; a crash
/// may leave part of the content.
/// @param path the file
/// @param content bytes to append
/// @throws IoError with the path and the system's reason
void append_to_file(const std::filesystem::path& path, std::string_view content);

/// Whether a path exists, after following symbolic links.
/// @param path path of a file, folder, device, ...
/// @return whether it exists
/// @throws IoError when the system cannot tell: no permission, a name that is too long, a cycle of symbolic
///   links
bool file_exists(const std::filesystem::path& path);

/// Lists the entries of a folder, in no particular order.
/// @param path of the folder
/// @return the paths of its entries
/// @throws IoError with the path and the system's reason
std::vector<std::filesystem::path> list_folder(const std::filesystem::path& path);

/// Creates a folder and its missing parent folders; does nothing if it exists.
/// @param path path of the folder; does nothing if empty
/// @throws IoError with the path and the system's reason
void make_folder(const std::filesystem::path& path);

/// Removes a file or an empty folder; does nothing if the path does not exist.
/// @param path of the file
/// @throws IoError with the path and the system's reason
void remove_file(const std::filesystem::path& path);

}  // namespace heed
