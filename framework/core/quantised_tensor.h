// f32 tensors that are stored as whole numbers of 8 bits with a scale a row. Their values in f32 are made when
// something first asks for them, which a translator with products in 8 bits never does.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "framework/core/tensor.h"

namespace heed {

/// Rows of whole numbers with a scale each: the value at (r, c) is whole[r * columns + c] * scales[r].
struct QuantisedRows {
  const int8_t* whole = nullptr;   // [rows, columns], dense
  const float* scales = nullptr;   // [rows], finite and not negative
  int64_t rows = 0, columns = 0;

  /// Writes the values of a row in f32.
  /// @param row in [0, rows)
  /// @param into room for `columns` values
  void restore(int64_t row, float* into) const;
};

/// A tensor whose values are whole numbers with a scale for each index of the first dimension. They stay in 8
/// bits until its data are asked for; from then on they are in f32 like any tensor's, and may be written to.
/// @param whole the whole numbers, densely in row-major order
/// @param scales one for each index of the first dimension, each finite and not negative
/// @param shape of one dimension or more
/// @param owner keeps `whole`
/// @return the tensor, f32
/// @throws ShapeError where the number of scales is not the first extent
Tensor from_quantised(const int8_t* whole, std::vector<float> scales, const Shape& shape,
                      std::shared_ptr<void> owner);
/// @param x a tensor
/// @return the rows of a matrix that from_quantised() made, or of some of its rows, or of the matrix that a
///   tensor of more dimensions is; none once its values are in f32, and for every other tensor
std::optional<QuantisedRows> quantised_rows(const Tensor& x);

namespace detail {
// What the Storage of such a tensor points to; its owner keeps it.
struct DeferredValues {
  const int8_t* whole;
  std::vector<float> scales;
  int64_t columns;
  std::shared_ptr<void> owner;
  std::once_flag once;
  void* made = nullptr;  // the pool's
  size_t bytes = 0;

  DeferredValues(const int8_t* numbers, std::vector<float> row_scales, int64_t row_length,
                 std::shared_ptr<void> keeper)
      : whole(numbers), scales(std::move(row_scales)), columns(row_length), owner(std::move(keeper)) {}
  DeferredValues(const DeferredValues&) = delete;
  DeferredValues& operator=(const DeferredValues&) = delete;
  ~DeferredValues();
  QuantisedRows rows() const {
    return {whole, scales.data(), static_cast<int64_t>(scales.size()), columns};
  }
};
}  // namespace detail

}  // namespace heed
