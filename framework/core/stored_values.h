// f32 tensors that are stored in fewer bits: as whole numbers of 8 bits with a scale a row, or in bf16. Their
// values in f32 are made when something first asks for them, which a translator never does whose products
// take them as they are stored.
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
  const int8_t* whole = nullptr;  // [rows, columns], dense
  const float* scales = nullptr;  // [rows], finite and not negative
  int64_t rows = 0;               // how many
  int64_t columns = 0;            // length of each

  /// Writes the values of a row in f32.
  /// @param row in [0, rows)
  /// @param into room for `columns` values
  void restore(int64_t row, float* into) const;
};
/// Rows of bf16.
struct Bf16Rows {
  const uint16_t* bits = nullptr;  // [rows, columns], dense: bit patterns of bfloat16
  int64_t rows = 0;                // how many
  int64_t columns = 0;             // length of each

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
/// A tensor whose values are bf16, which stay so until its data are asked for.
/// @param bits bit patterns of bfloat16, densely in row-major order
/// @param shape of one dimension or more
/// @param owner keeps `bits`
/// @return the tensor, f32
/// @throws ShapeError for a shape without dimensions
Tensor from_bf16_rows(const uint16_t* bits, const Shape& shape, std::shared_ptr<void> owner);

/// @param x a tensor
/// @return the rows of a matrix that from_quantised() made, or of some of its rows, or of the matrix that a
///   tensor of more dimensions is; none once its values are in f32, and for every other tensor
std::optional<QuantisedRows> quantised_rows(const Tensor& x);
/// As quantised_rows(), of what from_bf16_rows() made.
/// @param x a tensor
/// @return its rows
std::optional<Bf16Rows> bf16_rows(const Tensor& x);

namespace detail {
// What the Storage of such a tensor points to; its owner keeps it.
struct DeferredValues {
  std::vector<float> scales;    // of whole numbers
  QuantisedRows quantised;      // either these
  Bf16Rows bf16;                // or these
  std::shared_ptr<void> owner;  // keeps the numbers
  std::once_flag once;
  void* made = nullptr;  // the values in f32: the pool's
  size_t bytes = 0;

  DeferredValues() = default;
  DeferredValues(const DeferredValues&) = delete;
  DeferredValues& operator=(const DeferredValues&) = delete;
  ~DeferredValues();
};
}  // namespace detail

}  // namespace heed
