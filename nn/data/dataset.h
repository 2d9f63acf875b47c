// Data sets: samples by number, whole or in parts.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "framework/core/tensor.h"

namespace heed::nn {

/// What belongs together: the tensors of one sample, such as {image, label}, or of a batch of them.
using Sample = std::vector<Tensor>;

/// Samples that are known by their number. Derive from it and define size() and get(); a DataLoader calls
/// get() in several threads at once.
class Dataset {
 public:
  virtual ~Dataset() = default;
  /// @return the number of samples
  virtual int64_t size() const = 0;
  /// One sample. Random changes to it draw from default_generator(), which a DataLoader sets for each sample.
  /// @param i 0 .. size() - 1
  /// @return its tensors: the same number, shapes and dtypes for all samples, unless batch() is defined as
  /// well
  virtual Sample get(int64_t i) const = 0;
  /// Several samples, stacked along a new first dimension.
  /// @param ids numbers of samples
  /// @return their tensors, [B, *] each
  /// @throws what get() throws; ShapeError, DTypeError for samples that do not stack
  virtual Sample batch(std::span<const int64_t> ids) const;
  /// @return whether a DataLoader should call batch(), which then draws no random numbers, and not get() for
  ///   each sample
  virtual bool batches_at_once() const { return false; }
};

/// Tensors whose first dimension counts the samples.
class TensorDataset : public Dataset {
 public:
  /// @param tensors [N, *] each
  /// @throws ShapeError for different N or a scalar, ValueError for none
  explicit TensorDataset(std::vector<Tensor> tensors);
  /// @param first,more the same, without braces
  template <class... More>
  explicit TensorDataset(const Tensor& first, const More&... more)
      : TensorDataset(std::vector<Tensor>{first, more...}) {}
  int64_t size() const override { return size_; }
  Sample get(int64_t i) const override;
  Sample batch(std::span<const int64_t> ids) const override;
  bool batches_at_once() const override { return true; }

 private:
  std::vector<Tensor> tensors_;
  int64_t size_;
};

/// Some samples of another data set, in an order of its own.
class Subset : public Dataset {
 public:
  /// @param whole the other data set
  /// @param ids numbers of its samples; this one's sample i is number ids[i] there
  /// @throws IndexError for a number outside
  Subset(std::shared_ptr<const Dataset> whole, std::vector<int64_t> ids);
  int64_t size() const override { return static_cast<int64_t>(ids_.size()); }
  /// @param i 0 .. size() - 1
  /// @return the other data set's sample
  /// @throws IndexError for a number outside, as batch() does
  Sample get(int64_t i) const override { return whole_->get(there(i)); }
  Sample batch(std::span<const int64_t> ids) const override;
  bool batches_at_once() const override { return whole_->batches_at_once(); }

 private:
  int64_t there(int64_t i) const;  // the number of sample i in the other one
  std::shared_ptr<const Dataset> whole_;
  std::vector<int64_t> ids_;
};

/// The samples of another data set, each changed when it is asked for: augmentation, scaling.
class MappedDataset : public Dataset {
 public:
  /// @param whole the other data set
  /// @param change makes of a sample the one that is used; called in several threads at once
  /// @throws ValueError for none of the two
  MappedDataset(std::shared_ptr<const Dataset> whole, std::function<Sample(Sample)> change);
  int64_t size() const override { return whole_->size(); }
  Sample get(int64_t i) const override { return change_(whole_->get(i)); }

 private:
  std::shared_ptr<const Dataset> whole_;
  std::function<Sample(Sample)> change_;
};

/// Cuts a data set into two at random.
/// @param whole all samples
/// @param test_share part of them that goes to the second, in [0, 1]; rounded to whole samples
/// @param seed selects which
/// @return for training, for testing
/// @throws ValueError for a share outside [0, 1] or no data set
std::pair<std::shared_ptr<const Dataset>, std::shared_ptr<const Dataset>> train_test_split(
    std::shared_ptr<const Dataset> whole, double test_share, uint64_t seed = 0);

}  // namespace heed::nn
