// Exercise 11: with attention and without, by length. Read lesson.md first; ./run learn run checks this and
// trains.
#include "11_lengths/exercise.h"

/// memory [B, S, H], lengths, integers [B], each at least 1 -> [B, H]: the state after the last letter of
/// each sequence.
Tensor last_states(const Tensor& memory, const Tensor& lengths) {
  const std::vector<int64_t> length = lengths.to_vector<int64_t>();
  std::vector<Tensor> rows;  // one for each sequence
  gap("last_states");
  return stack(rows, 0);
}

/// written and target, integers [N, T]; lengths, integers [N] -> `groups` numbers from 0 to 1, the share of
/// sequences that are right: group g has the lengths g width + 1 to (g + 1) width; 0 for a group without
/// sequences. A sequence of length n is right when its first n + 1 columns, letters and end mark, are equal;
/// what comes after them does not count.
std::vector<double> accuracy_by_length(const Tensor& written, const Tensor& target, const Tensor& lengths,
                                       int64_t width, int64_t groups) {
  const std::vector<int64_t> ours = written.to_vector<int64_t>(), theirs = target.to_vector<int64_t>(),
                             length = lengths.to_vector<int64_t>();
  const int64_t T = target.size(1);
  std::vector<double> right(static_cast<size_t>(groups)), all(static_cast<size_t>(groups));
  // ours[b * T + t] is letter t of sequence b. Count the sequences of each group, and those that are right;
  // then divide.
  gap("accuracy_by_length");
  return right;
}
