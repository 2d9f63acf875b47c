#include "apps/learn/check/reversing.h"

#include <fmt/format.h>

#include <algorithm>

#include "apps/heatmap/viewer_page.h"
#include "apps/learn/check/check.h"
#include "models/run/translation.h"

namespace heed::learn {

Letters draw_letters(int64_t count, int64_t shortest, int64_t longest) {
  const auto below = [](int64_t n) {
    return static_cast<int64_t>(default_generator().next_below(static_cast<size_t>(n)));
  };
  std::vector<int64_t> lengths;
  for (int64_t b = 0; b < count; ++b) lengths.push_back(shortest + below(longest - shortest + 1));
  const int64_t S = *std::ranges::max_element(lengths), T = S + 1;
  std::vector<int64_t> source(static_cast<size_t>(count * S)), target(static_cast<size_t>(count * T));
  for (int64_t b = 0; b < count; ++b) {
    const int64_t n = lengths[static_cast<size_t>(b)];
    for (int64_t i = 0; i < n; ++i) {
      const int64_t letter = kFirstLetter + below(kLetters);
      source[static_cast<size_t>(b * S + i)] = letter;
      target[static_cast<size_t>(b * T + n - 1 - i)] = letter;
    }
    target[static_cast<size_t>(b * T + n)] = kEndMark;
  }
  return {from_vector(source, {count, S}), from_vector(lengths, {count}), from_vector(target, {count, T})};
}

Reverser::Reverser(int64_t hidden, AttentionStep attention, DecoderInputs inputs, const nn::Scope& scope)
    : Module(scope),
      attention_(std::move(attention)),
      inputs_(std::move(inputs)),
      source_(kFirstLetter + kLetters, hidden / 2),
      target_(kFirstLetter + kLetters, hidden / 2),
      reader_(hidden / 2, hidden),
      writer_(hidden / 2, hidden),
      query_(hidden, hidden),
      hidden_(2 * hidden, hidden),
      output_(hidden, kFirstLetter + kLetters) {
  child("source", source_);
  child("target", target_);
  child("reader", reader_);
  child("writer", writer_);
  child("query", query_);
  child("hidden", hidden_);
  child("output", output_);
}

Tensor Reverser::logits(const Tensor& states, const Tensor& memory, const Tensor& lengths,
                        Tensor* weights) const {
  const Attended seen = attention_(query_(states), memory, lengths);
  if (weights) *weights = seen.weights;
  return output_(tanh(hidden_(concat({states, seen.context}, 2))));
}

Tensor Reverser::loss(const Letters& batch) const {
  const LSTMResult read = reader_(source_(batch.source), batch.lengths);
  const LSTMResult written = writer_(target_(inputs_(batch.target)), {}, read.hidden, read.cell);
  const Tensor scores = logits(written.output, read.output, batch.lengths, nullptr);
  return cross_entropy(reshape(scores, {-1, scores.size(-1)}), reshape(batch.target, {-1}),
                       {.padding_id = 0});
}

Reverser::Written Reverser::write(const Letters& batch) const {
  const NoGradGuard no_grad;
  const LSTMResult read = reader_(source_(batch.source), batch.lengths);
  Tensor last = full({batch.source.size(0), 1}, kBeginMark, DType::i64), hidden = read.hidden,
         cell = read.cell;
  std::vector<Tensor> ids, weights;
  for (int64_t t = 0; t < batch.target.size(1); ++t) {
    const LSTMResult state = writer_(target_(last), {}, hidden, cell);
    hidden = state.hidden;
    cell = state.cell;
    weights.emplace_back();
    last = argmax(logits(state.output, read.output, batch.lengths, &weights.back()));
    ids.push_back(last);
  }
  return {concat(ids, 1), weights.front().defined() ? concat(weights, 1) : Tensor{}};
}

void train(Reverser& model, int64_t updates, int64_t shortest, int64_t longest,
           const std::function<void(int64_t, double)>& say) {
  nn::Adam adam(model.named_parameters());
  const nn::Schedule schedule(nn::ScheduleKind::cosine, /*base=*/0.005, /*warmup=*/20, updates,
                              /*floor=*/0.05);
  for (int64_t update = 1; update <= updates; ++update) {
    const Tensor loss = model.loss(draw_letters(48, shortest, longest));
    loss.backward();
    adam.step(schedule(update), nn::clip_factor(nn::gradient_norm(model.parameters()), 1.0));
    adam.zero_grad();
    if (update % (updates / 10) == 0) say(update, loss.item());
  }
}

std::string write_page(const Letters& letters, const Reverser::Written& written, const std::string& name) {
  std::vector<heatmap::PageRecord> page;
  const int64_t S = letters.source.size(1), T = written.ids.size(1);
  const std::vector<int64_t> source = letters.source.to_vector<int64_t>(),
                             lengths = letters.lengths.to_vector<int64_t>(),
                             ids = written.ids.to_vector<int64_t>();
  const std::vector<float> weights = written.weights.contiguous().to_vector<float>();
  const auto add = [](models::TranslationSide& side, int64_t id) {
    models::TranslationToken token;
    if (id == kEndMark) {
      token = {.text = "</s>", .eos = true};
    } else {
      token.text = id < kFirstLetter ? "?" : std::string(1, static_cast<char>('a' + (id - kFirstLetter)));
      if (!side.text.empty()) side.text += " ";
      token.span = {side.text.size(), side.text.size() + 1};
      side.text += token.text;
    }
    side.tokens.push_back(token);
  };
  for (int64_t b = 0; b < letters.source.size(0); ++b) {
    models::Translation record{.id = b + 1, .model = "Reversing, your attention"};
    for (int64_t s = 0; s < lengths[static_cast<size_t>(b)]; ++s)
      add(record.source, source[static_cast<size_t>(b * S + s)]);
    models::AttentionWeights map;
    for (int64_t t = 0; t < T && (t == 0 || !record.target.tokens.back().eos); ++t) {
      add(record.target, ids[static_cast<size_t>(b * T + t)]);
      const auto row = weights.begin() + (b * T + t) * S;
      map.weights.emplace_back(row, row + lengths[static_cast<size_t>(b)]);
    }
    record.attention.push_back(std::move(map));
    page.push_back({std::move(record), "", {}});
  }
  const std::string path = output_folder() + "/" + name + ".html";
  write_file_atomically(path, heatmap::viewer_page(page, "Reversing"));
  std::string lines;
  for (const heatmap::PageRecord& one : page) lines += to_json_line(one.record) + "\n";
  write_file_atomically(output_folder() + "/" + name + ".jsonl", lines);
  return path;
}

}  // namespace heed::learn
