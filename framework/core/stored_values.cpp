#include "framework/core/stored_values.h"

#include <fmt/format.h>

#include "framework/core/error.h"
#include "framework/core/half.h"
#include "framework/core/memory_pool.h"

namespace heed {
namespace {

template <class Rows>
void restore_all(const Rows& rows, float* into) {
  for (int64_t row = 0; row < rows.rows; ++row) rows.restore(row, into + row * rows.columns);
}

Tensor tensor_of(const Shape& shape, std::shared_ptr<detail::DeferredValues> deferred) {
  detail::DeferredValues* const values = deferred.get();
  Tensor x = from_memory(nullptr, shape, DType::f32, std::move(deferred));
  x.body()->storage->deferred = values;
  return x;
}

// Of the rows of a whole storage those that x has; none where its values are in f32, where the rows are other
// ones, and where x is something else than some of them.
template <class Rows>
std::optional<Rows> rows_of(const Tensor& x, Rows detail::DeferredValues::*member) {
  const TensorBody& body = *x.body();
  const Storage& storage = *body.storage;
  if (!storage.deferred || storage.data.load(std::memory_order_acquire)) return std::nullopt;
  Rows rows = storage.deferred->*member;
  if (rows.rows == 0 || !x.is_contiguous() || x.ndim() < 1 || x.numel() == 0 ||
      body.offset % rows.columns != 0 || x.numel() / x.size(0) != rows.columns)
    return std::nullopt;
  rows.rows = x.size(0);
  return rows;
}

}  // namespace

void QuantisedRows::restore(int64_t row, float* into) const {
  const int8_t* const from = whole + row * columns;
  const float scale = scales[row];
  for (int64_t c = 0; c < columns; ++c) into[c] = static_cast<float>(from[c]) * scale;
}

void Bf16Rows::restore(int64_t row, float* into) const {
  const uint16_t* const from = bits + row * columns;
  for (int64_t c = 0; c < columns; ++c) into[c] = from_bf16(from[c]);
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
    restore_all(deferred->quantised, static_cast<float*>(deferred->made));
    restore_all(deferred->bf16, static_cast<float*>(deferred->made));
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
  auto deferred = std::make_shared<detail::DeferredValues>();
  deferred->scales = std::move(scales);
  deferred->quantised = {whole, deferred->scales.data(), rows, shape.numel() / rows};
  deferred->owner = std::move(owner);
  return tensor_of(shape, std::move(deferred));
}

Tensor from_bf16_rows(const uint16_t* bits, const Shape& shape, std::shared_ptr<void> owner) {
  if (shape.ndim() < 1) throw ShapeError("from_bf16_rows", fmt::format("no rows in {}", shape.str()));
  if (shape.numel() == 0) return empty(shape, DType::f32);
  auto deferred = std::make_shared<detail::DeferredValues>();
  deferred->bf16 = {bits, shape[0], shape.numel() / shape[0]};
  deferred->owner = std::move(owner);
  return tensor_of(shape, std::move(deferred));
}

std::optional<QuantisedRows> quantised_rows(const Tensor& x) {
  std::optional<QuantisedRows> rows = rows_of(x, &detail::DeferredValues::quantised);
  if (rows) {
    rows->whole += x.body()->offset;
    rows->scales += x.body()->offset / rows->columns;
  }
  return rows;
}

std::optional<Bf16Rows> bf16_rows(const Tensor& x) {
  std::optional<Bf16Rows> rows = rows_of(x, &detail::DeferredValues::bf16);
  if (rows) rows->bits += x.body()->offset;
  return rows;
}

}  // namespace heed
