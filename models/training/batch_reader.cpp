#include "models/training/batch_reader.h"

#include <algorithm>
#include <utility>

namespace heed::models {
namespace {

constexpr size_t kAhead = 8;                     // updates that wait to be made
constexpr uint64_t kPages = uint64_t{1} << 26;   // bytes that are read before pages are given back
constexpr uint64_t kAround = uint64_t{1} << 16;  // that Linux maps about a page that is read

}  // namespace

BatchReader::BatchReader(EncodedPairs pairs, UpdateSizes sizes, uint64_t seed, int64_t epoch, int64_t update)
    : pairs_(std::move(pairs)), sizes_(sizes), seed_(seed), epoch_(epoch), update_(update) {
  thread_ = std::thread([this] {
    try {
      read();
    } catch (...) {
      const std::lock_guard lock(mutex_);
      failure_ = std::current_exception();
      changed_.notify_all();
    }
  });
}

BatchReader::~BatchReader() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

UpdatePairs BatchReader::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !ready_.empty() || failure_; });
  if (ready_.empty()) std::rethrow_exception(failure_);
  UpdatePairs update = std::move(ready_.front());
  ready_.pop_front();
  changed_.notify_all();
  return update;
}

// Whether it should go on.
bool BatchReader::put(UpdatePairs update) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return ready_.size() < kAhead || ends_; });
  if (ends_) return false;
  ready_.push_back(std::move(update));
  changed_.notify_all();
  return true;
}

void BatchReader::read() {
  uint64_t bytes = 0;
  for (;; ++epoch_, update_ = 0) {
    const EpochBatches batches(pairs_.lengths(), sizes_.batch, seed_, epoch_);
    const int64_t updates = sizes_.updates_of(batches.size());
    if (update_ >= updates) {
      put({.batches = {}, .updates = updates});
      return;
    }
    for (; update_ < updates; ++update_) {
      UpdatePairs update{.batches = {}, .updates = updates};
      const int64_t first = update_ * sizes_.accumulate;
      for (int64_t i = first; i < std::min(first + sizes_.accumulate, batches.size()); ++i) {
        std::vector<EncodedPair>& batch = update.batches.emplace_back();
        for (const uint32_t index : batches[i]) {
          batch.push_back(pairs_[index]);
          bytes += kAround + (batch.back().source.size() + batch.back().target.size()) * sizeof(int);
        }
      }
      if (bytes > kPages) {
        pairs_.release_pages();
        bytes = 0;
      }
      if (!put(std::move(update))) return;
    }
  }
}

}  // namespace heed::models
