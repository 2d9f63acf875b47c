// Batches of sequences without their padding: step by step, the sequences that still run, longest first, so that the active ones are
// always the first rows of a step and no product touches padding.
#pragma once

#include <vector>

#include "framework/core/tensor.h"

namespace heed {

namespace detail {
/// The one contract for lengths, of recurrent layers, masks and attention: i64 [B], each in 0 .. steps, or undefined for all `steps`.
/// @param op name of the calling op, used in error messages
/// @param lengths as they were given
/// @param batch,steps B, and the longest that there is
/// @param what one of them is called
/// @return B numbers
/// @throws DTypeError when they are not i64, ShapeError for another shape, IndexError for one outside
std::vector<int64_t> checked_lengths(const char* op, const Tensor& lengths, int64_t batch, int64_t steps, const char* what = "length");
}  // namespace detail

/// Which rows of a batch run at which step.
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
  /// @return how many sequences still run
  int64_t active(int64_t t) const { return offsets[static_cast<size_t>(t) + 1] - offsets[static_cast<size_t>(t)]; }
  /// @param t step, 0 .. steps - 1
  /// @return its first packed row
  int64_t start(int64_t t) const { return offsets[static_cast<size_t>(t)]; }
  /// @return all packed rows
  int64_t rows() const { return offsets.back(); }

  /// @{
  /// From a padded batch to packed rows, and back; coming back, rows of padding are set to zero.
  /// @param x [B, T, D] dense
  /// @param D elements of a row
  /// @param packed [rows, D]
  template <class T>
  void pack(const T* x, int64_t D, T* packed) const;
  template <class T>
  void unpack(const T* packed, int64_t D, T* x) const;
  /// @}
  /// @{
  /// From batch order to rank, and back.
  /// @param x [B, D] in batch order; null: zeros
  /// @param D elements of a row
  /// @param ranked [B, D], the longest sequence's first
  template <class T>
  void rank_rows(const T* x, int64_t D, T* ranked) const;
  template <class T>
  void unrank_rows(const T* ranked, int64_t D, T* x) const;
  /// @}
};

}  // namespace heed
