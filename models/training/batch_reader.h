// Reads the pairs of the batches that come next, in a thread of its own, so that an update does not wait for
// the disk.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "models/corpus/encoded_pairs.h"

namespace heed::models {

/// The pairs of one update.
struct UpdatePairs {
  std::vector<std::vector<EncodedPair>> batches;  // of each batch; none behind the end of the epoch
  int64_t updates = 0;                            // of its epoch
};

/// How an epoch is divided into updates.
struct UpdateSizes {
  BatchSizes batch;        // of its batches
  int64_t accumulate = 1;  // batches per update; the last one of an epoch takes what is left
  /// @param batches of an epoch
  /// @return its updates
  int64_t updates_of(int64_t batches) const { return (batches + accumulate - 1) / accumulate; }
};

/// Updates in the order in which a training makes them, epoch after epoch.
class BatchReader {
 public:
  /// @param pairs whose links do not change while it lives
  /// @param sizes how an epoch is divided
  /// @param seed of the order
  /// @param epoch,update where it begins: an update of an epoch, both from 0
  BatchReader(EncodedPairs pairs, UpdateSizes sizes, uint64_t seed, int64_t epoch, int64_t update);
  BatchReader(const BatchReader&) = delete;
  BatchReader& operator=(const BatchReader&) = delete;
  ~BatchReader();
  /// Waits for the next update.
  /// @return its pairs; of a beginning behind the end of its epoch an update without batches, and then none
  /// @throws FormatError for a damaged file of ids
  UpdatePairs next();

 private:
  void read();
  bool put(UpdatePairs update);

  EncodedPairs pairs_;
  UpdateSizes sizes_;
  uint64_t seed_;
  int64_t epoch_, update_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<UpdatePairs> ready_;  // under the mutex, as what follows
  std::exception_ptr failure_;
  bool ends_ = false;
  std::thread thread_;
};

}  // namespace heed::models
