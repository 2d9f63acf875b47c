// A file lock that the operating system releases when its holder ends, even by a crash.
#pragma once

#include <filesystem>

#include "framework/core/error.h"

namespace heed {

/// Thrown when the lock is held by someone else.
class LockHeld : public IoError {
 public:
  using IoError::IoError;
};

/// Holds a lock while the object exists, between processes and within one process. The lock is a file that
/// contains the holder's process id and is removed at the end. On a file system without lock support it has
/// no effect: nothing is locked and nobody is refused.
class FileLock {
 public:
  /// @param path the lock file; created if it does not exist
  /// @throws LockHeld `'run/run.lock' is held by process 4711` when another holds it
  /// @throws IoError when the file cannot be created
  explicit FileLock(std::filesystem::path path);
  /// Releases the lock and removes the file.
  ~FileLock();
  /// Takes over the lock of `other`.
  /// @param other holds no lock afterwards
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

}  // namespace heed
