// DataLoader: the batches of a data set, epoch after epoch, made by worker threads ahead of their use.
#pragma once

#include <cstdint>
#include <iterator>
#include <memory>
#include <utility>

#include "nn/data/dataset.h"

namespace heed::nn {

/// How a DataLoader makes batches.
struct LoaderOptions {
  int64_t batch_size = 32;  // samples of a batch, at least 1
  bool shuffle = false;     // another order in each epoch
  uint64_t seed = 0;        // selects the orders, and the random numbers of the samples
  int workers = 0;          // threads that make batches, at most 1024; 0: the one that asks
  int64_t ahead = 2;        // batches that each worker may be ahead, at least 1
  bool drop_last = false;   // whether an incomplete last batch is left out
};

/// Gives the batches of a data set. The same seed gives the same bits for any number of workers: the order of
/// an epoch and the random numbers of a sample depend on the seed, the epoch and the sample alone, and the
/// numbers of the thread that asks are not touched.
///   DataLoader loader(TensorDataset(x, y), {.batch_size = 64, .shuffle = true});
///   for (int epoch = 0; epoch < 10; ++epoch)
///     for (const Sample& batch : loader) train(batch[0], batch[1]);
class DataLoader {
 public:
  /// @param data the samples
  /// @param options how batches are made
  /// @throws ValueError for options outside their range or undefined data
  explicit DataLoader(std::shared_ptr<const Dataset> data, const LoaderOptions& options = {});
  /// @param data the samples, copied
  /// @param options how batches are made
  template <class Data>
  requires std::derived_from<Data, Dataset>
  explicit DataLoader(Data data, const LoaderOptions& options = {})
      : DataLoader(std::make_shared<const Data>(std::move(data)), options) {}
  /// @return batches of an epoch
  int64_t size() const;
  /// @return the epoch that the next begin() starts, from 0 on
  int64_t epoch() const { return epoch_; }
  /// Goes on somewhere else: a training that is resumed.
  /// @param epoch the epoch that the next begin() starts
  void set_epoch(int64_t epoch) { epoch_ = epoch; }

  /// The batches of one epoch; it ends its workers when it is destroyed.
  class Epoch;
  /// Reads an epoch once, from front to end.
  class Iterator {
   public:
    /// @{
    /// What the standard library asks of an iterator.
    using iterator_category = std::input_iterator_tag;
    using value_type = Sample;
    using difference_type = std::ptrdiff_t;
    using pointer = const Sample*;
    using reference = const Sample&;
    /// @}
    /// The end of every epoch.
    Iterator() = default;
    /// @param epoch the batches
    explicit Iterator(std::shared_ptr<Epoch> epoch);
    /// @return the batch
    const Sample& operator*() const { return batch_; }
    /// @return the batch
    const Sample* operator->() const { return &batch_; }
    /// @return the next batch
    /// @throws what the data set threw for it
    Iterator& operator++();
    /// Steps on.
    void operator++(int) { ++*this; }
    /// @param other end()
    /// @return whether both are at the end
    bool operator==(const Iterator& other) const { return epoch_ == other.epoch_; }

   private:
    std::shared_ptr<Epoch> epoch_;  // null: the end
    Sample batch_;
  };
  /// Starts the next epoch.
  /// @return its first batch
  /// @throws what the data set threw for it
  Iterator begin();
  /// @return the end of every epoch
  static Iterator end() { return {}; }

 private:
  std::shared_ptr<const Dataset> data_;
  LoaderOptions options_;
  int64_t epoch_ = 0;
};

}  // namespace heed::nn
