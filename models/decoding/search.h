// Greedy decoding and forced decoding of a given target, both with the attention of every output token.
#pragma once

#include <functional>
#include <vector>

#include "models/seq2seq/seq2seq.h"

namespace heed::models {

/// One output: its words and, word by word and for the end of the sentence, what the model looked at.
struct Hypothesis {
  std::vector<int> ids;                       // without </s>
  bool ended = false;                         // whether </s> came before the length limit
  double score = 0;                           // sum of log probabilities (natural) of the words, and of </s> if it came
  std::vector<std::vector<float>> attention;  // [ids + ended][source length]; empty without attention
};

struct GreedyOptions {
  int64_t batch_size = 64;
  double length_factor = 2.0;  // at most length_factor * source length + length_extra words
  int64_t length_extra = 10;
};

/// The most probable word at each step. `sources` end with </s>; the result is in their order and does not depend on how they are
/// batched (scores to rounding). Special tokens but </s> and <unk> are never chosen. `keep_going` is asked between batches; when it says
/// no, the rest stays empty.
std::vector<Hypothesis> greedy_search(const Seq2Seq& model, std::span<const std::vector<int>> sources, GreedyOptions options = {},
                                      const std::function<bool()>& keep_going = {});

/// The model's score and attention for the targets as they are given.
std::vector<Hypothesis> forced_decoding(const Seq2Seq& model, std::span<const EncodedPair> pairs, int64_t batch_size = 64);

}  // namespace heed::models
