// The rows of a search and the sentences that they translate: a sentence's encoding stays once however many
// rows read it, and their queries lie side by side.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "framework/core/tensor.h"

namespace heed::models {

/// Which sentence each row reads. At first row i reads sentence i.
class SourceRows {
 public:
  /// @param sentences number of encoded sentences
  explicit SourceRows(int64_t sentences);

  /// Keeps only some rows.
  /// @param rows as for Decoding::select
  /// @return sentences that the caller is to keep of what it has encoded, in this order: given when a
  ///   third of them or more is read by no row, or when the rows are the sentences again
  std::optional<std::vector<int64_t>> select(const std::vector<int64_t>& rows);
  /// Brings the rows of one sentence together, as the queries of attention.
  /// @param x [R, *], a vector for each row
  /// @return [sentences, K, *], where K is the largest number of rows that read a sentence; places without a
  ///   row repeat the first one
  Tensor side_by_side(const Tensor& x) const;
  /// The inverse of side_by_side.
  /// @param x [sentences, K, *]
  /// @return [R, *]
  Tensor apart(const Tensor& x) const;

 private:
  void arrange();
  std::vector<int64_t> sentence_;  // by row
  int64_t sentences_;
  bool one_to_one_ = true;              // row i reads sentence i
  int64_t widest_ = 1;                  // K
  Tensor row_of_place_, place_of_row_;  // i64 [sentences * K], [R]; undefined when one to one
};

}  // namespace heed::models
