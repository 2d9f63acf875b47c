// A folder that takes the place of another one when it is complete.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>

#include "framework/core/error.h"

namespace heed {

/// A new folder beside the place where it will stand: what is there stays as it is until all is written. What
/// lies beside goes with the object; what a process left there that was killed goes with the next one's.
class FolderBeside {
 public:
  /// Makes it, and the folders above it that are not there.
  /// @param place where it will stand, a folder or nothing: "out/" is "out", a link to a folder that folder
  /// @throws IoError
  explicit FolderBeside(const std::filesystem::path& place);
  FolderBeside(const FolderBeside&) = delete;
  FolderBeside& operator=(const FolderBeside&) = delete;
  ~FolderBeside();

  /// @return the new folder; after take_place() what it replaced, if that is still there
  const std::filesystem::path& path() const { return path_; }
  /// Puts the folder in its place. Both change places at once; where the place cannot be renamed (a mount
  /// point, a lower layer of an overlay) or is the working folder the files change theirs one by one, once
  /// all of them are there.
  /// @param last the file by which the folder is known: the last of the old ones to go, of the new ones to
  /// come
  /// @param kept files of the old folder that stay in the place
  /// @throws IoError; then what was there is there
  void take_place(std::string_view last, std::initializer_list<std::string_view> kept = {});

  /// Calls a function; in the messages of IoError and FormatError the files have the place that was given.
  /// @param f writes to path()
  /// @return the result of f
  template <class F>
  auto as_in_place(const F& f) const {
    try {
      return f();
    } catch (const IoError& error) {
      throw IoError(named(error.what()));
    } catch (const FormatError& error) {
      throw FormatError(named(error.what()));
    }
  }

 private:
  std::string named(std::string message) const;
  void remove_made();
  bool rename_into_place();
  void replace_files(std::string_view last, std::initializer_list<std::string_view> kept);
  [[noreturn]] void fail() const;
  std::filesystem::path given_, place_, path_;
  std::filesystem::path made_;  // the outermost folder that was made for it
  int lock_ = -1;               // on path_, as long as this lives
};

}  // namespace heed
