// Random numbers of a part of a batch: where several processes compute one batch, each some of its rows, they
// draw what one process would draw for the whole.
#pragma once

#include <cstdint>

#include "framework/core/tensor.h"

namespace heed {

/// While it exists, dropout on the calling thread gives the rows of its argument the mask that they would
/// have among all rows of a larger batch. The innermost guard holds. What checkpoint() runs again in backward
/// draws under the guard that its first run had.
class RandomRows {
 public:
  /// Rows of a batch: tensors whose first dimension is `count` are its rows from `first` on.
  struct Rows {
    int64_t count;  // 0: there are no such tensors
    int64_t first;  // from 0
  };
  /// What a guard sets, to be set again elsewhere.
  struct State {
    Rows sentences, tokens;  // as of the constructor
  };
  /// @return what the calling thread draws under
  static State current() { return current_; }

  /// @param sentences,tokens what the first dimension of a tensor may be: the sentences of the batch, or all
  ///   their tokens; where both have the same count, it is the sentences
  RandomRows(Rows sentences, Rows tokens) : RandomRows(State{sentences, tokens}) {}
  /// @param state a result of current()
  explicit RandomRows(State state) : before_(current_) { current_ = state; }
  ~RandomRows() { current_ = before_; }
  RandomRows(const RandomRows&) = delete;
  RandomRows& operator=(const RandomRows&) = delete;

  /// @param x [rows, *]
  /// @return index of its first element in the whole tensor that it is a part of; 0 without a guard
  static int64_t first_element(const Tensor& x) {
    if (x.ndim() == 0) return 0;
    for (const Rows& rows : {current_.sentences, current_.tokens}) {
      if (rows.count > 0 && rows.count == x.size(0)) return rows.first * (x.numel() / rows.count);
    }
    return 0;
  }

 private:
  static inline thread_local State current_{{0, 0}, {0, 0}};
  State before_;
};

}  // namespace heed
