#include "models/decoding/search.h"

#include <algorithm>
#include <cmath>

#include "models/text/vocabulary.h"

namespace heed::models {
namespace {

// The best word of one row of logits, and its log probability.
struct Choice {
  int id;
  double log_probability;
};
Choice best_word(const float* logits, int64_t V) {
  constexpr int kFirst = Vocabulary::kEos;  // <pad> and <s> are never output
  static_assert(Vocabulary::kPad < kFirst && Vocabulary::kBos < kFirst);
  const float* const best = std::max_element(logits + kFirst, logits + V);
  double total = 0;
  for (int64_t v = 0; v < V; ++v) total += std::exp(static_cast<double>(logits[v] - *best));
  return {static_cast<int>(best - logits), -std::log(total)};
}

// Rows of every tensor of the state, so that finished sentences leave the batch.
void keep_rows(Encoded& encoded, DecoderState& state, const std::vector<int64_t>& rows) {
  const Tensor index = from_vector(rows, {static_cast<int64_t>(rows.size())});
  const auto pick = [&](Tensor& x) {
    if (!x.defined() || x.dtype() == DType::i64) return;
    Shape shape = x.shape();
    const Tensor flat = reshape(x, {shape[0], x.numel() / shape[0]});
    shape[0] = index.numel();
    x = reshape(embedding(flat, index), shape);
  };
  std::vector<int64_t> lengths;
  for (const int64_t row : rows) lengths.push_back(encoded.memory.lengths.data<int64_t>()[row]);
  encoded.memory.lengths = from_vector(lengths, {index.numel()});
  for (Tensor* x :
       {&encoded.memory.keys, &encoded.memory.projected, &encoded.summary, &encoded.cell, &state.hidden, &state.cell, &state.context}) {
    pick(*x);
  }
}

void decode_batch(const Seq2Seq& model, const Batch& batch, std::span<const int64_t> indices, const GreedyOptions& options,
                  std::vector<Hypothesis>& results) {
  Encoded encoded = model.encode(batch.source, batch.source_lengths);
  DecoderState state = model.decoder().start(encoded);
  std::vector<int64_t> running(indices.begin(), indices.end());  // which result each row of the batch belongs to
  std::vector<int64_t> words(running.size(), Vocabulary::kBos);
  while (!running.empty()) {
    const StepResult step = model.decoder().step(encoded, state, from_vector(words, {static_cast<int64_t>(words.size())}));
    const int64_t V = step.logits.size(1), S = step.weights.defined() ? step.weights.size(1) : 0;
    std::vector<int64_t> kept;
    for (size_t row = 0; row < running.size(); ++row) {
      Hypothesis& result = results[static_cast<size_t>(running[row])];
      const Choice choice = best_word(step.logits.data<float>() + static_cast<int64_t>(row) * V, V);
      const int64_t length = encoded.memory.lengths.data<int64_t>()[row];
      result.score += choice.log_probability;
      if (S > 0) {
        const float* const weights = step.weights.data<float>() + static_cast<int64_t>(row) * S;
        result.attention.emplace_back(weights, weights + length);
      }
      if (choice.id == Vocabulary::kEos) {
        result.ended = true;
        continue;
      }
      result.ids.push_back(choice.id);
      const auto limit = options.length_factor * static_cast<double>(length) + static_cast<double>(options.length_extra);
      if (static_cast<double>(result.ids.size()) < limit) kept.push_back(static_cast<int64_t>(row));
    }
    if (kept.size() == running.size()) {
      for (size_t row = 0; row < running.size(); ++row) words[row] = results[static_cast<size_t>(running[row])].ids.back();
      continue;
    }
    if (kept.empty()) return;
    keep_rows(encoded, state, kept);
    std::vector<int64_t> still, next;
    for (const int64_t row : kept) {
      still.push_back(running[static_cast<size_t>(row)]);
      next.push_back(results[static_cast<size_t>(still.back())].ids.back());
    }
    running = std::move(still);
    words = std::move(next);
  }
}

}  // namespace

std::vector<Hypothesis> greedy_search(const Seq2Seq& model, std::span<const std::vector<int>> sources, GreedyOptions options,
                                      const std::function<bool()>& keep_going) {
  const NoGradGuard no_grad;
  std::vector<Hypothesis> results(sources.size());
  for (const std::vector<int64_t>& indices : batches_by_length(sources, options.batch_size)) {
    if (keep_going && !keep_going()) break;
    decode_batch(model, make_source_batch(sources, indices), indices, options, results);
  }
  return results;
}

std::vector<Hypothesis> forced_decoding(const Seq2Seq& model, std::span<const EncodedPair> pairs, int64_t batch_size) {
  const NoGradGuard no_grad;
  std::vector<std::vector<int>> sources;
  for (const EncodedPair& pair : pairs) sources.push_back(pair.source);
  std::vector<Hypothesis> results(pairs.size());
  for (const std::vector<int64_t>& indices : batches_by_length(sources, batch_size)) {
    const Batch batch = make_batch(pairs, indices);
    const Seq2Seq::Forced forced = model.forced(batch);
    const int64_t T = batch.target_out.size(1);
    for (size_t row = 0; row < indices.size(); ++row) {
      const EncodedPair& pair = pairs[static_cast<size_t>(indices[row])];
      Hypothesis& result = results[static_cast<size_t>(indices[row])];
      result.ids = pair.target;
      result.ended = true;
      for (int64_t t = 0; t <= static_cast<int64_t>(pair.target.size()); ++t) {
        const int64_t at = static_cast<int64_t>(row) * T + t;
        result.score += static_cast<double>(forced.log_probabilities.data<float>()[at]);
        if (forced.weights.defined()) {
          const float* const weights = forced.weights.data<float>() + at * forced.weights.size(2);
          result.attention.emplace_back(weights, weights + pair.source.size());
        }
      }
    }
  }
  return results;
}

}  // namespace heed::models
