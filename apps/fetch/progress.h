// How far a download is: a line that is written over on a terminal, a line now and then elsewhere.
#pragma once

#include <cstdint>
#include <string>

namespace heed::fetch {

class DownloadProgress {
 public:
  /// @param name of the file
  explicit DownloadProgress(std::string name);
  ~DownloadProgress();
  /// @param done bytes that are there
  /// @param total of the file; 0: not known
  void show(uint64_t done, uint64_t total);
  /// Before another line is written.
  void clear_line();

 private:
  std::string name_;
  bool terminal_, shown_ = false, begun_ = false;
  double begin_ = 0, last_ = 0;
  uint64_t first_ = 0;  // bytes that were there before
};

}  // namespace heed::fetch
