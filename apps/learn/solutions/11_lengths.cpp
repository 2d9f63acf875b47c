// Exercise 11: with attention and without, by length. Read lesson.md first; ./run learn run checks this and
// trains.
#include "11_lengths/exercise.h"

/// memory [B, S, H], lengths, integers [B], each at least 1 -> [B, H]: the state after the last letter of
/// each sequence.
Tensor last_states(const Tensor& memory, const Tensor& lengths) {
  const std::vector<int64_t> length = lengths.to_vector<int64_t>();
  std::vector<Tensor> rows;
  for (size_t b = 0; b < length.size(); ++b)
    rows.push_back(select(select(memory, 0, static_cast<int64_t>(b)), 0, length[b] - 1));
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
  for (int64_t b = 0; b < target.size(0); ++b) {
    const int64_t n = length[static_cast<size_t>(b)];
    bool equal = true;
    for (int64_t t = 0; t <= n; ++t) {
      const auto at = static_cast<size_t>(b * T + t);
      equal = equal && ours[at] == theirs[at];
    }
    const auto group = static_cast<size_t>((n - 1) / width);
    all[group] += 1;
    if (equal) right[group] += 1;
  }
  for (size_t g = 0; g < right.size(); ++g) right[g] = all[g] > 0 ? right[g] / all[g] : 0;
  return right;
}
