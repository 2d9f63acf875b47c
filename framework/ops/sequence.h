// Batches of sequences without their padding: step by step, the sequences that still run, longest first, so that the active ones are
// always the first rows of a step and no product touches padding.
#pragma once

#include <vector>

#include "framework/core/tensor.h"

namespace heed {

struct SequencePacking {
  int64_t batch = 0, steps = 0;
  std::vector<int64_t> order;    // order[rank] = index in the batch, by falling length, ties in batch order
  std::vector<int64_t> offsets;  // offsets[t] = first packed row of step t; steps + 1 entries

  /// lengths i64 [B], each in 1..steps, or undefined for all `steps`. Throws IndexError naming `op` otherwise.
  SequencePacking(const char* op, const Tensor& lengths, int64_t batch, int64_t steps);
  int64_t active(int64_t t) const { return offsets[static_cast<size_t>(t) + 1] - offsets[static_cast<size_t>(t)]; }
  int64_t start(int64_t t) const { return offsets[static_cast<size_t>(t)]; }
  int64_t rows() const { return offsets.back(); }

  /// x [B, T, D] dense -> packed [rows, D], and back (rows of padding are set to zero).
  template <class T>
  void pack(const T* x, int64_t D, T* packed) const;
  template <class T>
  void unpack(const T* packed, int64_t D, T* x) const;
  /// [B, D] in batch order -> by rank (zeros where x is null), and back.
  template <class T>
  void rank_rows(const T* x, int64_t D, T* ranked) const;
  template <class T>
  void unrank_rows(const T* ranked, int64_t D, T* x) const;
};

}  // namespace heed
