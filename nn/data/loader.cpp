#include "nn/data/loader.h"

#include <fmt/format.h>

#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <numeric>
#include <optional>
#include <thread>
#include <vector>

#include "framework/autograd/grad_mode.h"
#include "framework/core/check.h"
#include "framework/core/parallel.h"
#include "framework/core/random.h"

namespace heed::nn {
namespace {

constexpr int kMostWorkers = 1024;

// Forwards to a data set, each sample with random numbers of its own.
class Drawn : public Dataset {
 public:
  Drawn(const Dataset& data, uint64_t seed) : data_(data), seed_(seed) {}
  int64_t size() const override { return data_.size(); }
  Sample get(int64_t i) const override {
    const GeneratorScope drawing({seed_, static_cast<uint64_t>(i) << 32});
    return data_.get(i);
  }

 private:
  const Dataset& data_;
  uint64_t seed_;
};

}  // namespace

class DataLoader::Epoch {
 public:
  Epoch(std::shared_ptr<const Dataset> data, const LoaderOptions& options, int64_t number, int64_t batches)
      : data_(std::move(data)),
        options_(options),
        batches_(batches),
        order_(static_cast<size_t>(data_->size())) {
    Generator generator(options.seed);
    generator.set_state({options.seed, static_cast<uint64_t>(number) << 32});
    seed_ = generator.next_uint64();
    std::iota(order_.begin(), order_.end(), 0);
    if (options.shuffle) {
      for (size_t i = order_.size(); i > 1; --i) std::swap(order_[i - 1], order_[generator.next_below(i)]);
    }
    for (int i = 0; i < options.workers; ++i)
      workers_.emplace_back([this](const std::stop_token& stop) { work(stop); });
  }
  // The next batch; none at the end.
  std::optional<Sample> next() {
    std::unique_lock lock(mutex_);
    if (given_ == batches_) return std::nullopt;
    const int64_t wanted = given_++;
    if (workers_.empty()) return make(wanted);
    room_.notify_one();
    arrived_.wait(lock, [&] { return ready_.contains(wanted); });
    Made made = std::move(ready_.extract(wanted).mapped());
    lock.unlock();
    if (made.error) std::rethrow_exception(made.error);
    return std::move(made.batch);
  }

 private:
  struct Made {
    Sample batch;
    std::exception_ptr error;
  };

  Sample make(int64_t number) const {
    const NoGradGuard no_grad;
    const auto begin = static_cast<size_t>(number * options_.batch_size);
    const size_t end = std::min(order_.size(), begin + static_cast<size_t>(options_.batch_size));
    const std::span<const int64_t> ids(order_.data() + begin, end - begin);
    return data_->batches_at_once() ? data_->batch(ids) : Drawn(*data_, seed_).batch(ids);
  }

  void work(const std::stop_token& stop) {
    const heed::detail::ProductThreads alone(/*small=*/true);  // the workers are the threads
    for (;;) {
      int64_t number;
      {
        std::unique_lock lock(mutex_);
        const int64_t most = std::min(options_.ahead, batches_) * options_.workers;
        room_.wait(lock, stop, [&] { return taken_ == batches_ || taken_ < given_ + most; });
        if (stop.stop_requested() || taken_ == batches_) return;
        number = taken_++;
      }
      Made made;
      try {
        made.batch = make(number);
      } catch (...) {
        made.error = std::current_exception();
      }
      {
        const std::lock_guard lock(mutex_);
        ready_.emplace(number, std::move(made));
      }
      arrived_.notify_one();
    }
  }

  const std::shared_ptr<const Dataset> data_;
  const LoaderOptions options_;
  const int64_t batches_;
  std::vector<int64_t> order_;  // numbers of the samples
  uint64_t seed_ = 0;           // of this epoch's samples

  std::mutex mutex_;                  // guards the rest
  std::condition_variable_any room_;  // which a request to stop wakes as well
  std::condition_variable arrived_;
  std::map<int64_t, Made> ready_;
  int64_t taken_ = 0, given_ = 0;      // the next batch to be made, and to be given
  std::vector<std::jthread> workers_;  // last: they end before what they use
};

DataLoader::DataLoader(std::shared_ptr<const Dataset> data, const LoaderOptions& options)
    : data_(std::move(data)), options_(options) {
  if (!data_) throw ValueError("DataLoader", "no data set given");
  check_at_least("DataLoader", "batch_size", options.batch_size, 1);
  check_at_least("DataLoader", "workers", options.workers, 0);
  if (options.workers > kMostWorkers) {
    throw ValueError("DataLoader",
                     fmt::format("workers must be at most {}, got {}", kMostWorkers, options.workers));
  }
  check_at_least("DataLoader", "ahead", options.ahead, 1);
}

int64_t DataLoader::size() const {
  const int64_t n = data_->size(), batch = options_.batch_size;
  return n / batch + (options_.drop_last || n % batch == 0 ? 0 : 1);
}

DataLoader::Iterator DataLoader::begin() {
  return Iterator(std::make_shared<Epoch>(data_, options_, epoch_++, size()));
}

DataLoader::Iterator::Iterator(std::shared_ptr<Epoch> epoch) : epoch_(std::move(epoch)) { ++*this; }

DataLoader::Iterator& DataLoader::Iterator::operator++() {
  std::optional<Sample> batch = epoch_->next();
  if (batch) {
    batch_ = std::move(*batch);
  } else {
    epoch_.reset();
    batch_.clear();
  }
  return *this;
}

}  // namespace heed::nn
