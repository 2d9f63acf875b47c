#include "nn/data/dataset.h"

#include <fmt/format.h>

#include <cmath>
#include <numeric>
#include <utility>

#include "framework/core/random.h"
#include "framework/ops/ops.h"

namespace heed::nn {
namespace {

std::shared_ptr<const Dataset> required(const char* op, std::shared_ptr<const Dataset> data) {
  if (!data) throw ValueError(op, "no data set given");
  return data;
}

}  // namespace

MappedDataset::MappedDataset(std::shared_ptr<const Dataset> whole, std::function<Sample(Sample)> change)
    : whole_(required("MappedDataset", std::move(whole))), change_(std::move(change)) {
  if (!change_) throw ValueError("MappedDataset", "no change given");
}

Sample Dataset::batch(std::span<const int64_t> ids) const {
  std::vector<std::vector<Tensor>> columns;  // for each tensor of a sample, those of all samples
  bool first = true;
  for (const int64_t id : ids) {
    Sample sample = get(id);
    if (std::exchange(first, false)) columns.resize(sample.size());
    if (sample.size() != columns.size()) {
      throw ShapeError("Dataset",
                       fmt::format("sample {} has {} tensors, others {}", id, sample.size(), columns.size()));
    }
    for (size_t i = 0; i < sample.size(); ++i) columns[i].push_back(std::move(sample[i]));
  }
  Sample batch;
  for (const std::vector<Tensor>& column : columns) batch.push_back(stack(column, 0));
  return batch;
}

TensorDataset::TensorDataset(std::vector<Tensor> tensors) : tensors_(std::move(tensors)) {
  if (tensors_.empty()) throw ValueError("TensorDataset", "no tensors given");
  for (const Tensor& x : tensors_) {
    if (x.ndim() == 0) throw ShapeError("TensorDataset", "a scalar has no samples");
    if (x.size(0) != tensors_.front().size(0)) {
      throw ShapeError("TensorDataset", fmt::format("{} samples and {}: {} and {}", tensors_.front().size(0),
                                                    x.size(0), tensors_.front().describe(), x.describe()));
    }
  }
  size_ = tensors_.front().size(0);
}

Sample TensorDataset::get(int64_t i) const {
  if (i < 0 || i >= size_) throw IndexError("TensorDataset", fmt::format("sample {} of {}", i, size_));
  Sample sample;
  for (const Tensor& x : tensors_) sample.push_back(select(x, 0, i));
  return sample;
}

Sample TensorDataset::batch(std::span<const int64_t> ids) const {
  const Tensor chosen =
      from_vector(std::vector<int64_t>(ids.begin(), ids.end()), {static_cast<int64_t>(ids.size())});
  Sample batch;
  for (const Tensor& x : tensors_) batch.push_back(index_select(x, 0, chosen));
  return batch;
}

Subset::Subset(std::shared_ptr<const Dataset> whole, std::vector<int64_t> ids)
    : whole_(required("Subset", std::move(whole))), ids_(std::move(ids)) {
  for (const int64_t id : ids_) {
    if (id < 0 || id >= whole_->size())
      throw IndexError("Subset", fmt::format("sample {} of {}", id, whole_->size()));
  }
}

Sample Subset::batch(std::span<const int64_t> ids) const {
  std::vector<int64_t> there;
  there.reserve(ids.size());
  for (const int64_t id : ids) there.push_back(this->there(id));
  return whole_->batch(there);
}

int64_t Subset::there(int64_t i) const {
  if (i < 0 || i >= size()) throw IndexError("Subset", fmt::format("sample {} of {}", i, size()));
  return ids_[static_cast<size_t>(i)];
}

std::pair<std::shared_ptr<const Dataset>, std::shared_ptr<const Dataset>> train_test_split(
    std::shared_ptr<const Dataset> whole, double test_share, uint64_t seed) {
  whole = required("train_test_split", std::move(whole));
  if (!(test_share >= 0 && test_share <= 1))
    throw ValueError("train_test_split", fmt::format("a share of {} is not in [0, 1]", test_share));
  std::vector<int64_t> ids(static_cast<size_t>(whole->size()));
  std::iota(ids.begin(), ids.end(), 0);
  Generator generator(seed);
  for (size_t i = ids.size(); i > 1; --i) std::swap(ids[i - 1], ids[generator.next_below(i)]);
  const auto test = static_cast<std::ptrdiff_t>(std::llround(test_share * static_cast<double>(ids.size())));
  return {std::make_shared<Subset>(whole, std::vector<int64_t>(ids.begin() + test, ids.end())),
          std::make_shared<Subset>(whole, std::vector<int64_t>(ids.begin(), ids.begin() + test))};
}

}  // namespace heed::nn
