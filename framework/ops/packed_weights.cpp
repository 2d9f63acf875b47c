#include "framework/ops/packed_weights.h"

#include <algorithm>
#include <type_traits>
#include <vector>

#include "framework/core/autocast.h"
#include "framework/core/stored_values.h"
#include "framework/kernels/kernels.h"

namespace heed {
namespace {

thread_local PackedWeights* current = nullptr;

uint32_t version_of(const Tensor& x) { return x.body()->storage->version; }

// Of more rows BLAS makes as much or more, packing included (measured at K 192, N 192 to 4003).
constexpr int64_t kMostRows = 64;
constexpr int64_t kLeastSize = 32 * 32;
constexpr int64_t kLongestSum = 65536;  // of 8-bit products in 32 bits

// Some elements of a weight, spread over it: what an optimiser of someone's own, which writes through data(),
// changes too.
std::vector<float> sample_of(const Tensor& weight) {
  constexpr int64_t kSamples = 64;
  const int64_t rows = weight.size(0), columns = weight.size(1), n = rows * columns;
  std::vector<float> sample;
  for (int64_t i = 0; i < kSamples; ++i) {
    const int64_t at = i * (n - 1) / (kSamples - 1);
    sample.push_back(
        weight.data<float>()[at / columns * weight.strides()[0] + at % columns * weight.strides()[1]]);
  }
  return sample;
}

bool is_stored(const Tensor& weight, ProductType type) {
  return (type == ProductType::int8 && quantised_rows(weight)) ||
         (type == ProductType::bf16 && bf16_rows(weight));
}

// W [N, K] stands for B = W^T. Null unless the weight is stored in this type and not in f32.
std::shared_ptr<const kernels::KeptMatrix> kept_as_stored(const Tensor& weight, ProductType type) {
  if (!is_stored(weight, type)) return nullptr;
  if (type == ProductType::int8) return std::make_shared<kernels::QuantisedMatrix>(*quantised_rows(weight));
  return std::make_shared<kernels::PanelMatrix<uint16_t>>(*bf16_rows(weight));
}

std::shared_ptr<const kernels::KeptMatrix> kept(const Tensor& weight, ProductType type) {
  const auto made =
      [&]<class Matrix>(std::type_identity<Matrix>) -> std::shared_ptr<const kernels::KeptMatrix> {
    return std::make_shared<Matrix>(weight.size(1), weight.size(0), weight.data<float>(), weight.strides()[1],
                                    weight.strides()[0]);
  };
  switch (type) {
    case ProductType::int8:
      return made(std::type_identity<kernels::QuantisedMatrix>{});
    case ProductType::bf16:
      return made(std::type_identity<kernels::PanelMatrix<uint16_t>>{});
    default:
      return made(std::type_identity<kernels::PanelMatrix<float>>{});
  }
}

}  // namespace

struct PackedWeights::Entry {
  Tensor weight;  // keeps its memory, so that the address means no other tensor
  uint32_t version = 0;
  std::vector<float> sample;
  std::shared_ptr<const kernels::KeptMatrix> packed;
  uint64_t check = 0;  // when it was last found unchanged
};

PackedWeights::PackedWeights() = default;
PackedWeights::~PackedWeights() = default;

void PackedWeights::recheck() {
  const std::lock_guard lock(mutex_);
  ++checks_;
}

void PackedWeights::compute_in(ProductType type) {
  const std::lock_guard lock(mutex_);
  if (type == type_) return;  // nothing is written: others may read it
  entries_.clear();
  type_ = type;
}

void PackedWeights::forget_orphans() {
  std::erase_if(entries_, [](const auto& entry) { return entry.second.weight.body()->storage.unique(); });
}

PackedWeights::Scope::Scope(PackedWeights& cache) : before_(current) { current = &cache; }
PackedWeights::Scope::~Scope() { current = before_; }

size_t PackedWeights::bytes() const {
  const std::lock_guard lock(mutex_);
  size_t bytes = 0;
  for (const auto& [address, entry] : entries_) bytes += entry.packed->bytes();
  return bytes;
}

std::shared_ptr<const kernels::KeptMatrix> detail::packed_weight(const Tensor& weight, int64_t rows) {
  if (!current || weight.dtype() != DType::f32 || weight.numel() < kLeastSize ||
      detail::RoundedProducts::active())
    return nullptr;
  const ProductType type =
      current->type_ == ProductType::int8 && weight.size(1) > kLongestSum ? ProductType::f32 : current->type_;
  if (type == ProductType::f32 && rows > kMostRows) return nullptr;
  const std::lock_guard lock(current->mutex_);
  const std::pair<const void*, int64_t> place{weight.body()->storage.get(), weight.body()->offset};
  if (!current->entries_.contains(place)) current->forget_orphans();
  PackedWeights::Entry& entry = current->entries_[place];
  const bool same = entry.packed && entry.weight.shape() == weight.shape() &&
                    entry.weight.strides() == weight.strides() && entry.version == version_of(weight);
  if (same && entry.check == current->checks_) return entry.packed;
  std::shared_ptr<const kernels::KeptMatrix> stored = same ? nullptr : kept_as_stored(weight, type);
  const bool untouched = stored || (same && is_stored(weight, type));
  // values that do not exist in f32 have not been written to
  std::vector<float> sample = untouched ? std::vector<float>{} : sample_of(weight);
  if (!same || sample != entry.sample) {
    entry.weight = weight.detach();
    entry.version = version_of(weight);
    entry.packed = stored ? std::move(stored) : kept(weight, type);
    entry.sample = std::move(sample);
  }
  entry.check = current->checks_;
  return entry.packed;
}

}  // namespace heed
