#include "framework/ops/sequence.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "framework/core/error.h"
#include "framework/core/parallel.h"

namespace heed {

std::vector<int64_t> detail::checked_lengths(const char* op, const Tensor& lengths, int64_t batch,
                                             int64_t steps, const char* what) {
  if (!lengths.defined()) return std::vector<int64_t>(static_cast<size_t>(batch), steps);
  if (lengths.dtype() != DType::i64)
    throw DTypeError(op, fmt::format("{}s must be i64, got {}", what, lengths.describe()));
  if (lengths.shape() != Shape{batch})
    throw ShapeError(op, fmt::format("{}s {} for a batch of {}", what, lengths.shape().str(), batch));
  std::vector<int64_t> values = lengths.to_vector<int64_t>();
  for (const int64_t n : values) {
    if (n < 0 || n > steps) throw IndexError(op, fmt::format("{} {} is outside 0..{}", what, n, steps));
  }
  return values;
}

SequencePacking::SequencePacking(const char* op, const Tensor& lengths, int64_t batch_size,
                                 int64_t step_count)
    : batch(batch_size), steps(step_count) {
  const std::vector<int64_t> length = detail::checked_lengths(op, lengths, batch, steps);
  order.resize(static_cast<size_t>(batch));
  std::iota(order.begin(), order.end(), int64_t{0});
  const auto at = [&](int64_t i) { return length[static_cast<size_t>(i)]; };
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return at(a) > at(b); });
  offsets.assign(1, 0);
  int64_t running = batch;
  for (int64_t t = 0; t < steps; ++t) {
    while (running > 0 && at(order[static_cast<size_t>(running - 1)]) <= t) --running;
    offsets.push_back(offsets.back() + running);
  }
}

template <class T>
void SequencePacking::pack(const T* x, int64_t D, T* packed) const {
  parallel_for(steps, std::max<int64_t>(1, (1 << 15) / std::max<int64_t>(batch * D, 1)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t t = begin; t < end; ++t) {
                   for (int64_t r = 0; r < active(t); ++r) {
                     std::memcpy(packed + (start(t) + r) * D,
                                 x + (order[static_cast<size_t>(r)] * steps + t) * D,
                                 static_cast<size_t>(D) * sizeof(T));
                   }
                 }
               });
}

template <class T>
void SequencePacking::unpack(const T* packed, int64_t D, T* x) const {
  parallel_for(steps, std::max<int64_t>(1, (1 << 15) / std::max<int64_t>(batch * D, 1)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t t = begin; t < end; ++t) {
                   for (int64_t r = 0; r < batch; ++r) {
                     T* row = x + (order[static_cast<size_t>(r)] * steps + t) * D;
                     if (r < active(t)) {
                       std::memcpy(row, packed + (start(t) + r) * D, static_cast<size_t>(D) * sizeof(T));
                     } else {
                       std::fill_n(row, D, T{0});
                     }
                   }
                 }
               });
}

template <class T>
void SequencePacking::rank_rows(const T* x, int64_t D, T* ranked) const {
  for (int64_t r = 0; r < batch; ++r) {
    if (x) {
      std::memcpy(ranked + r * D, x + order[static_cast<size_t>(r)] * D, static_cast<size_t>(D) * sizeof(T));
    } else {
      std::fill_n(ranked + r * D, D, T{0});
    }
  }
}

template <class T>
void SequencePacking::unrank_rows(const T* ranked, int64_t D, T* x) const {
  for (int64_t r = 0; r < batch; ++r) {
    std::memcpy(x + order[static_cast<size_t>(r)] * D, ranked + r * D, static_cast<size_t>(D) * sizeof(T));
  }
}

#define HEED_INSTANTIATE(T)                                              \
  template void SequencePacking::pack(const T*, int64_t, T*) const;      \
  template void SequencePacking::unpack(const T*, int64_t, T*) const;    \
  template void SequencePacking::rank_rows(const T*, int64_t, T*) const; \
  template void SequencePacking::unrank_rows(const T*, int64_t, T*) const;
HEED_INSTANTIATE(float)
HEED_INSTANTIATE(double)

}  // namespace heed
