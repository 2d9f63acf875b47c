// The rows of a batch that one of several ranks computes.
#pragma once

#include <cstdint>

#include "models/corpus/batches.h"

namespace heed::models {

/// Some rows of a batch, padded as the whole, and what the whole has. Of a batch with fewer rows than ranks
/// some ranks get the first row with a weight of 0, so that they draw as many random numbers as the others.
struct BatchShare {
  Batch batch;                // the rows
  int64_t target_tokens = 0;  // of the whole batch
  int64_t linked_tokens = 0;  // of the whole batch
  int64_t first_row = 0;      // index of the first row in the whole batch
  int64_t first_token = 0;    // number of target tokens of the rows before it
  bool counts = true;         // false: the rows are another rank's
  /// @param whole the only rank's batch
  explicit BatchShare(Batch whole)
      : batch(std::move(whole)), target_tokens(batch.target_tokens), linked_tokens(batch.linked_tokens) {}
  /// @param whole the batch of all ranks
  /// @param rank,size the rank and the number of ranks
  BatchShare(const Batch& whole, int rank, int size);
  /// @return number of target tokens that this rank adds to the loss
  int64_t own_tokens() const { return counts ? batch.target_tokens : 0; }
  /// @return number of target tokens with links that this rank adds to the loss
  int64_t own_linked_tokens() const { return counts ? batch.linked_tokens : 0; }
};

}  // namespace heed::models
