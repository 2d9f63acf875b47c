// A folder that takes the place of another one when it is complete.
#pragma once

#include <filesystem>
#include <string>

namespace heed {

/// A new folder beside the place where it will stand: what is there stays as it is until all is written. What
/// lies beside goes with the object.
class FolderBeside {
 public:
  /// Makes it, and the folders above it that are not there.
  /// @param place where it will stand, a folder or nothing: "out/" is "out", a link to a folder that folder
  /// @throws IoError
  explicit FolderBeside(const std::filesystem::path& place);
  FolderBeside(const FolderBeside&) = delete;
  FolderBeside& operator=(const FolderBeside&) = delete;
  ~FolderBeside();

  /// @return the new folder; after take_place() the one that it replaced, or an empty path
  const std::filesystem::path& path() const { return path_; }
  /// @return the place, behind links
  const std::filesystem::path& place() const { return place_; }
  /// @param message about a file in path()
  /// @return the message with the place as it was given
  std::string as_in_place(std::string message) const;
  /// Puts the folder in its place; it and a folder that is there change places at once.
  /// @return false, and nothing is changed, where the place is a mount point, which cannot be renamed
  /// @throws IoError
  bool take_place();

 private:
  [[noreturn]] void fail() const;
  std::filesystem::path given_, place_, path_;
  std::filesystem::path made_;  // the outermost folder that was made for it
};

}  // namespace heed
