// A lock on a file that the system takes back when its holder ends, however it ends.
#pragma once

#include <filesystem>

#include "framework/core/error.h"

namespace heed {

/// Another holds the lock.
class LockHeld : public IoError {
 public:
  using IoError::IoError;
};

/// Holds a file of its own, with the holder's process id in it, for as long as it lives; then the file is gone. Between processes and
/// within one. Where the file system knows no locks it holds nothing and hinders nobody.
class FileLock {
 public:
  /// @param path the file; made when it is not there
  /// @throws LockHeld `'run/run.lock' is held by process 4711` when another holds it
  /// @throws IoError when the file cannot be made
  explicit FileLock(std::filesystem::path path);
  /// Lets go and removes the file.
  ~FileLock();
  /// The new one holds what `other` held.
  /// @param other holds nothing any more
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

}  // namespace heed
