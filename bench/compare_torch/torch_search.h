// Greedy and beam search in libtorch, the same for every translator: no softmax over the vocabulary, but its
// best logits and, for a beam, the logarithm of the sum.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <vector>

namespace torch_side {

/// The hypotheses of a batch of sentences, which all go on for the same number of words.
class Search {
 public:
  /// B sentences; beam 1: greedy.
  Search(int64_t B, int64_t beam);
  /// The last word of each hypothesis, i64 [rows]: B rows before the first step, B * beam after.
  const torch::Tensor& ids() const { return ids_; }
  /// Takes each hypothesis' next word by its logits [rows, V]. Returns the rows that the hypotheses now held
  /// go on from, i64 [B * beam]; undefined where each goes on from its own.
  torch::Tensor advance(const torch::Tensor& logits);
  /// The words [B, steps] of the most probable hypothesis of each sentence.
  torch::Tensor words() const;

 private:
  int64_t B_, beam_;
  torch::Tensor ids_, scores_;
  std::vector<torch::Tensor> words_, parents_;
};

}  // namespace torch_side
