#include "framework/core/quantised_tensor.h"

#include <fmt/format.h>

#include "framework/core/error.h"
#include "framework/core/memory_pool.h"

namespace heed {

void QuantisedRows::restore(int64_t row, float* into) const {
  const int8_t* const from = whole + row * columns;
  const float scale = scales[row];
  for (int64_t c = 0; c < columns; ++c) into[c] = static_cast<float>(from[c]) * scale;
}

detail::DeferredValues::~DeferredValues() {
  if (made) pool_free(made, bytes);
}

void* detail::make_values(Storage& storage) {
  DeferredValues* const deferred = storage.deferred;
  if (!deferred) return nullptr;  // memory of no bytes
  std::call_once(deferred->once, [&] {
    deferred->bytes = storage.bytes;
    deferred->made = pool_allocate(deferred->bytes);
    const QuantisedRows rows = deferred->rows();
    for (int64_t row = 0; row < rows.rows; ++row)
      rows.restore(row, static_cast<float*>(deferred->made) + row * rows.columns);
  });
  storage.data.store(deferred->made, std::memory_order_release);
  return deferred->made;
}

Tensor from_quantised(const int8_t* whole, std::vector<float> scales, const Shape& shape,
                      std::shared_ptr<void> owner) {
  const auto rows = static_cast<int64_t>(scales.size());
  if (shape.ndim() < 1 || shape[0] != rows)
    throw ShapeError("from_quantised", fmt::format("{} scales for {}", rows, shape.str()));
  if (shape.numel() == 0) return empty(shape, DType::f32);
  const auto deferred = std::make_shared<detail::DeferredValues>(whole, std::move(scales),
                                                                 shape.numel() / rows, std::move(owner));
  const Tensor x = from_memory(nullptr, shape, DType::f32, deferred);
  x.body()->storage->deferred = deferred.get();
  return x;
}

std::optional<QuantisedRows> quantised_rows(const Tensor& x) {
  const TensorBody& body = *x.body();
  const Storage& storage = *body.storage;
  if (!storage.deferred || storage.data.load(std::memory_order_acquire)) return std::nullopt;
  QuantisedRows rows = storage.deferred->rows();
  const int64_t begin = body.offset / rows.columns;
  if (!x.is_contiguous() || body.offset % rows.columns != 0 || x.ndim() < 1 || x.numel() == 0 ||
      x.numel() / x.size(0) != rows.columns)
    return std::nullopt;
  rows.whole += body.offset;
  rows.scales += begin;
  rows.rows = x.size(0);
  return rows;
}

}  // namespace heed
