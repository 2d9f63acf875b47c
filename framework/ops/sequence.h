// Packing a padded batch of sequences without its padding. The sequences are sorted by length, longest first,
// so that those still running at a step are always the first rows, and no matrix product computes on padding.
#pragma once

#include <vector>

#include "framework/core/tensor.h"

namespace heed {

namespace detail {
/// Checks the sequence lengths that recurrent layers, masks and attention take: i64 [B], each in 0 .. steps,
/// or undefined, which means `steps` for all.
/// @param op name of the calling op, used in error messages
/// @param lengths lengths given by the caller
/// @param batch,steps B, and the largest allowed length
/// @param what name of one length in error messages
/// @return the B lengths
/// @throws DTypeError when they are not i64, ShapeError for another shape, IndexError for a length outside 0
///   .. steps
std::vector<int64_t> checked_lengths(const char* op, const Tensor& lengths, int64_t batch, int64_t steps,
                                     const char* what = "length");
}  // namespace detail

/// Describes which sequences of a batch are still running at each step, and where their rows are in packed
/// order.
struct SequencePacking {
  int64_t batch = 0, steps = 0;  // B, T
  std::vector<int64_t> order;    // order[rank] = index in the batch, by falling length, ties in batch order
  std::vector<int64_t> offsets;  // offsets[t] = first packed row of step t; steps + 1 entries

  /// @param op name of the calling op, used in error messages
  /// @param lengths i64 [B], each in 0..steps, or undefined for all `steps`
  /// @param batch,steps B, T
  /// @throws as checked_lengths()
  SequencePacking(const char* op, const Tensor& lengths, int64_t batch, int64_t steps);
  /// @param t step, 0 .. steps - 1
  /// @return the number of sequences that are longer than t
  int64_t active(int64_t t) const {
    return offsets[static_cast<size_t>(t) + 1] - offsets[static_cast<size_t>(t)];
  }
  /// @param t step, 0 .. steps - 1
  /// @return index of the first packed row of step t
  int64_t start(int64_t t) const { return offsets[static_cast<size_t>(t)]; }
  /// @return the total number of packed rows
  int64_t rows() const { return offsets.back(); }

  /// @{
  /// Copies a padded batch to packed rows, and back; unpack sets the rows of padding to zero.
  /// @param x [B, T, D] dense
  /// @param D number of elements in a row
  /// @param packed [rows(), D]
  template <class T>
  void pack(const T* x, int64_t D, T* packed) const;
  template <class T>
  void unpack(const T* packed, int64_t D, T* x) const;
  /// @}
  /// @{
  /// Reorders one row per sequence from batch order to length order, and back.
  /// @param x [B, D] in batch order; null: zeros
  /// @param D number of elements in a row
  /// @param ranked [B, D], in order of falling length
  template <class T>
  void rank_rows(const T* x, int64_t D, T* ranked) const;
  template <class T>
  void unrank_rows(const T* ranked, int64_t D, T* x) const;
  /// @}
};

}  // namespace heed
