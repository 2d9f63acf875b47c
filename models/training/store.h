// Writes the weights of a training without filling the disk: a file for which there is no room is held in
// memory and written later, and the training goes on. The previous file stays until the new one is whole.
// What is kept beside the training never takes the room of the state, without which a kill loses the work.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <string>

#include "framework/io/safetensors.h"

namespace heed::models {

/// Gives the bytes that may still be written to the file system of a path.
using FreeBytes = std::function<int64_t(const std::filesystem::path&)>;

/// The files of weights of one training, in the order in which they are written.
class Store {
 public:
  /// Writes the tensors that it is given to their file.
  using Write = std::function<void(const NamedTensors&)>;

  /// Whether a state may be written while a file waits: not where it speaks of the file.
  enum class Need : uint8_t { before_state, beside };
  static constexpr int64_t kMargin = 1
                                     << 20;  // bytes for headers, small files and what others write meanwhile

  /// @param folder folder of the run
  /// @param free see FreeBytes; empty: disk_space()
  /// @param full called with a line when something is not written for want of room, and when all is written
  ///   after that; may be empty
  Store(std::filesystem::path folder, FreeBytes free, std::function<void(const std::string&)> full);
  /// Writes a file now, or, where the disk is full or an earlier one still waits, when flush() finds room.
  /// @param need beside: written only where the state has room as well (reserve())
  /// @param group files of which the newest replace the older ones while they wait
  /// @param most how many of a group may wait at most
  /// @param tensors what is written; copied where it has to wait
  /// @param write writes it
  /// @throws IoError when it cannot be written for another reason than a full disk
  void put(Need need, const std::string& group, size_t most, const NamedTensors& tensors, const Write& write);
  /// @param bytes of a state, which files that are kept beside it leave free
  void reserve(int64_t bytes) { reserved_ = bytes; }
  /// @return what reserve() was told
  int64_t reserved() const { return reserved_; }
  /// Writes what waits.
  /// @return whether nothing waits any more
  bool flush() { return flush(Need::before_state) && flush(Need::beside); }
  /// Writes a state, which is not held: before it the files that it needs.
  /// @param what names it in the line about a full disk: "the state of update 120"
  /// @param bytes its size
  /// @param write writes it
  /// @return whether it is written; false where the disk is full
  /// @throws IoError when it cannot be written for another reason
  bool write(const std::string& what, int64_t bytes, const std::function<void()>& write);
  /// Writes something small, where there is room.
  /// @param bytes its size
  /// @param write writes it
  /// @return whether it is written; false where the disk is full
  /// @throws IoError when it cannot be written for another reason
  bool attempt(int64_t bytes, const std::function<void()>& write) const;
  /// Writes what waits and is needed so, or throws as require_room().
  /// @param need which files
  void require_written(Need need);
  /// Throws unless there is room.
  /// @param what names what is to be written
  /// @param bytes its size
  /// @throws IoError `disk: the state of update 120 needs 4.1 MB, and the file system of 'run' has 1 MB left`
  void require_room(const std::string& what, int64_t bytes) const;
  /// @return bytes that are left
  int64_t room() const { return free_(folder_); }

 private:
  struct Held {
    Need need;
    std::string group;
    NamedTensors tensors;
    Write write;
  };
  bool flush(Need need);
  // Of what such a file needs.
  int64_t room_for(Need need, int64_t bytes) const { return bytes + (need == Need::beside ? reserved_ : 0); }
  bool has_room(int64_t bytes) const;
  std::string lack(const std::string& what, int64_t bytes) const;
  void say_full(const std::string& what, int64_t bytes);

  std::filesystem::path folder_;
  FreeBytes free_;
  std::function<void(const std::string&)> full_;
  std::deque<Held> held_;
  int64_t reserved_ = 0;
  bool said_ = false;  // that the disk is full
};

}  // namespace heed::models
