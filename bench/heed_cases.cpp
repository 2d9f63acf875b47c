#include "bench/heed_cases.h"

#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <numeric>
#include <span>

namespace heed::bench {
namespace {

using workload::Case;
using namespace workload;

Tensor random(const Shape& shape, uint64_t seed, double scale = 1) {
  return from_vector(values(shape.numel(), seed, scale), shape);
}
Tensor leaf(const Shape& shape, uint64_t seed, double scale = 1) {
  const Tensor x = random(shape, seed, scale);
  x.set_requires_grad(true);
  return x;
}
Tensor id_tensor(const std::vector<int64_t>& v, const Shape& shape) { return from_vector(v, shape); }

double magnitude(const Tensor& x) {
  double total = 0;
  for (const float v : x.contiguous().to_vector<float>()) total += std::abs(static_cast<double>(v));
  return total;
}

// f makes the result; backward goes through it with `cotangent` (undefined for a scalar), leaves are cleared
// first.
Case with_gradient(std::vector<Tensor> leaves, std::function<Tensor()> f, Tensor cotangent = {}) {
  const auto run = [=] {
    for (const Tensor& x : leaves) x.zero_grad();
    const Tensor y = f();
    y.backward(cotangent);
    return y;
  };
  Case result;
  result.run = run;
  result.check = [=] {
    double total = magnitude(run());
    for (const Tensor& x : leaves) total += magnitude(x.grad());
    return total;
  };
  return result;
}

Case without_gradient(std::function<Tensor()> f) {
  Case result;
  result.run = [=] {
    const NoGradGuard no_grad;
    f();
  };
  result.check = [=] { return magnitude(f()); };
  return result;
}

Case lstm_case(int64_t D, int64_t H) {
  const int64_t B = kBatch, T = kSteps;
  const Tensor x = leaf({B, T, D}, 1), w_ih = leaf({4 * H, D}, 2, 0.05), w_hh = leaf({4 * H, H}, 3, 0.05),
               bias = leaf({4 * H}, 4, 0.1);
  const Tensor lengths = id_tensor(workload::lengths(B, 5, T), {B}), g = random({B, T, H}, 6);
  return with_gradient(
      {x, w_ih, w_hh, bias}, [=] { return lstm(x, lengths, {}, {}, w_ih, w_hh, bias).output; }, g);
}

// Self-attention of one long text, without its weights.
Case long_attention_case(int64_t T) {
  const Tensor joint = leaf({1, T, 3 * kLongModel}, 1);
  const auto part = [=](int64_t i) { return slice(joint, 2, i * kLongModel, (i + 1) * kLongModel); };
  return with_gradient(
      {joint}, [=] { return flash_attention(part(0), part(1), part(2), {}, kLongHeads, /*causal=*/true); },
      random({1, T, kLongModel}, 3));
}

Case attention_lstm_case() {
  const int64_t B = kBatch, T = kSteps, S = kSteps, D = kEmbedding, E = kMemory, H = kDecoder, A = kAttention;
  const Tensor x = leaf({B, T, D}, 1), memory = leaf({B, S, E}, 2), keys = leaf({B, S, A}, 3),
               h0 = leaf({B, H}, 4), c0 = leaf({B, H}, 5);
  const Tensor w_ih = leaf({4 * H, D + E}, 6, 0.05), w_hh = leaf({4 * H, H}, 7, 0.05),
               bias = leaf({4 * H}, 8, 0.1);
  const Tensor w_q = leaf({A, H}, 9, 0.05), v = leaf({A}, 10, 0.1), g = random({B, T, H + E}, 11);
  const Tensor full_length = full({B}, T, DType::i64);
  const Tensor source_lengths = id_tensor(workload::lengths(B, 12, S), {B});
  return with_gradient(
      {x, memory, keys, h0, c0, w_ih, w_hh, bias, w_q, v},
      [=] {
        const auto r =
            attention_lstm(x, full_length, memory, keys, source_lengths, h0, c0, w_ih, w_hh, bias, w_q, v);
        return concat(std::array{r.hidden, r.context}, 2);
      },
      g);
}

Case adam_case() {
  struct Slot {
    Tensor p, g, m, v;
  };
  std::vector<Slot> slots;
  uint64_t seed = 0;
  for (const Shape& shape : {Shape{8000, 256}, Shape{2048, 768}, Shape{2048, 512}, Shape{512}}) {
    ++seed;
    slots.push_back({random(shape, seed), random(shape, seed + 10), zeros(shape), zeros(shape)});
  }
  Case result;
  result.run = [=] {
    for (const Slot& s : slots) adam_(s.p, s.g, s.m, s.v, {.lr = 1e-3, .bias1 = 0.1, .bias2 = 0.001});
  };
  return result;
}

Case tiny_adds(bool backward) {
  const Tensor x = leaf({16}, 1), y = leaf({16}, 2), g = random({16}, 3);
  const auto chain = [=] {
    Tensor t = x;
    for (int i = 0; i < 1000; ++i) t = t + y;
    return t;
  };
  if (backward) return with_gradient({x, y}, chain, g);
  return without_gradient(chain);
}

Case train_case(const std::string& kind) {
  const auto training = std::make_shared<Training>(kind);
  Case result;
  result.calls = static_cast<int>(training->batches().size());
  result.run = [=] {
    for (size_t i = 0; i < training->batches().size(); ++i) training->step(i);
  };
  // a whole cycle once, since every batch has shapes of its own
  const auto first_time = std::make_shared<bool>(true);
  result.warm = [=, run = result.run] {
    if (*first_time) run();
    *first_time = false;
    training->step(0);
  };
  return result;
}

models::ModelConfig config_for(const std::string& kind) {
  if (kind != "transformer") return models::RecurrentOptions{.attention = kind, .dropout = kDropout};
  return models::TransformerOptions{.encoder_layers = kLayers,
                                    .decoder_layers = kLayers,
                                    .model_size = kModel,
                                    .feed_forward = kFeedForward,
                                    .heads = kHeads,
                                    .tie = models::Tie::all,
                                    .dropout = kDropout};
}

Case decoding_case(const DecodeCase& c) {
  const auto model = make_translator(c.kind);
  std::vector<std::vector<int>> sources;
  for (const auto& sentence : decoded_sentences(c.sentences))
    sources.emplace_back(sentence.begin(), sentence.end());
  models::SearchOptions options;
  options.beam = c.beam;
  options.batch_size = c.batch;
  options.min_length = options.max_length = kSteps;
  options.keep_attention = false;
  const auto translate = [=] {
    std::vector<models::Hypothesis> outputs;
    for (size_t at = 0; at < sources.size(); at += static_cast<size_t>(c.batch)) {
      const auto part = std::span(sources).subspan(at, static_cast<size_t>(c.batch));
      for (models::Hypothesis& h : models::search_best(*model, part, options))
        outputs.push_back(std::move(h));
    }
    return outputs;
  };
  Case result;
  result.run = [=] { translate(); };
  result.calls = static_cast<int>(c.sentences);
  result.check = [=] {  // the words of each sentence, added up
    Figures figures;
    for (const models::Hypothesis& h : translate())
      figures.push_back(std::accumulate(h.ids.begin(), h.ids.end(), 0.0));
    return figures;
  };
  return result;
}

}  // namespace

Case make_case(const std::string& name) {
  const int64_t N = kBatch * kSteps;
  if (name == "matmul") {
    return without_gradient([a = random({N, 512}, 1), b = random({512, 512}, 2)] { return matmul(a, b); });
  }
  if (name == "matmul_batched") {
    return without_gradient(
        [a = random({kBatch, 13, 13}, 1), b = random({kBatch, 13, 512}, 2)] { return matmul(a, b); });
  }
  if (name == "linear_fwd_bwd") {
    const Tensor x = leaf({N, 1280}, 1), w = leaf({512, 1280}, 2, 0.05), b = leaf({512}, 3);
    return with_gradient(
        {x, w, b}, [=] { return linear(x, w, b); }, random({N, 512}, 4));
  }
  if (name == "embedding_fwd" || name == "embedding_fwd_bwd") {
    const Tensor table = leaf({kVocabulary, kEmbedding}, 1), rows = id_tensor(ids(N, 2), {N});
    const auto f = [=] { return embedding(table, rows); };
    return name == "embedding_fwd" ? without_gradient(f)
                                   : with_gradient({table}, f, random({N, kEmbedding}, 3));
  }
  if (name == "softmax_fwd_bwd") {
    const Tensor x = leaf({N, 64}, 1, 3);
    return with_gradient(
        {x}, [=] { return softmax(x); }, random({N, 64}, 2));
  }
  if (name == "cross_entropy_fwd_bwd") {
    const Tensor x = leaf({N, kVocabulary}, 1, 3), target = id_tensor(ids(N, 2), {N});
    return with_gradient({x}, [=] { return cross_entropy(x, target, {.label_smoothing = kSmoothing}); });
  }
  if (name == "linear_cross_entropy_fwd_bwd") {
    const Tensor x = leaf({N, kReadout}, 1), w = leaf({kVocabulary, kReadout}, 2, 0.05),
                 b = leaf({kVocabulary}, 3);
    const Tensor target = id_tensor(ids(N, 4), {N});
    return with_gradient(
        {x, w, b}, [=] { return linear_cross_entropy(x, w, b, target, {.label_smoothing = kSmoothing}); });
  }
  if (name == "lstm_fwd_bwd") return lstm_case(256, 256);
  if (name == "lstm512_fwd_bwd") return lstm_case(256, 512);
  if (name == "attention_lstm_fwd_bwd") return attention_lstm_case();
  if (name == "additive_energy_fwd_bwd") {
    const Tensor q = leaf({kBatch, 13, 256}, 1), k = leaf({kBatch, 13, 256}, 2), v = leaf({256}, 3, 0.1);
    return with_gradient(
        {q, k, v}, [=] { return additive_energy(q, k, v); }, random({kBatch, 13, 13}, 4));
  }
  if (name == "scaled_dot_attention_fwd_bwd") {
    const Tensor joint = leaf({kSentences, kSteps, 3 * kModel}, 1),
                 lengths = id_tensor(workload::lengths(kSentences, 2, kSteps), {kSentences});
    const auto part = [=](int64_t i) { return slice(joint, 2, i * kModel, (i + 1) * kModel); };
    return with_gradient(
        {joint}, [=] { return scaled_dot_attention(part(0), part(1), part(2), lengths, kHeads).context; },
        random({kSentences, kSteps, kModel}, 3));
  }
  if (name == "long_attention_1024_fwd_bwd") return long_attention_case(1024);
  if (name == "long_attention_4096_fwd_bwd") return long_attention_case(4096);
  if (name == "layer_norm_fwd_bwd") {
    const int64_t rows = kSentences * kSteps;
    const Tensor x = leaf({rows, kModel}, 1), gain = leaf({kModel}, 2), bias = leaf({kModel}, 3);
    return with_gradient(
        {x, gain, bias}, [=] { return layer_norm(x, gain, bias); }, random({rows, kModel}, 4));
  }
  if (name == "dropout_fwd_bwd") {
    const Tensor x = leaf({N, 512}, 1);
    return with_gradient(
        {x}, [=] { return dropout(x, kDropout); }, random({N, 512}, 2));
  }
  if (name == "tanh_fwd_bwd") {
    const Tensor x = leaf({N, 512}, 1, 3);
    return with_gradient(
        {x}, [=] { return tanh(x); }, random({N, 512}, 2));
  }
  if (name == "add_bias") {
    return without_gradient([x = random({N, 512}, 1), b = random({512}, 2)] { return x + b; });
  }
  if (name == "mul") {
    return without_gradient([x = random({N, 512}, 1), y = random({N, 512}, 2)] { return x * y; });
  }
  if (name == "conv2d_fwd_bwd") {
    const Tensor x = leaf({32, 32, 28, 28}, 1), w = leaf({64, 32, 3, 3}, 2, 0.1), bias = leaf({64}, 3);
    return with_gradient(
        {x, w, bias}, [=] { return conv2d(x, w, bias, {.padding = 1}); }, random({32, 64, 28, 28}, 4));
  }
  if (name == "max_pool2d_fwd_bwd") {
    const Tensor x = leaf({32, 64, 28, 28}, 1);
    return with_gradient(
        {x}, [=] { return max_pool2d(x, 2); }, random({32, 64, 14, 14}, 2));
  }
  if (name == "batch_norm_fwd_bwd") {
    const Tensor x = leaf({32, 64, 28, 28}, 1), gain = leaf({64}, 2), bias = leaf({64}, 3);
    return with_gradient(
        {x, gain, bias}, [=] { return batch_norm(x, gain, bias).output; }, random({32, 64, 28, 28}, 4));
  }
  if (name == "adam") return adam_case();
  if (name == "tiny_adds_fwd") return tiny_adds(false);
  if (name == "tiny_adds_fwd_bwd") return tiny_adds(true);
  if (name == "train_step_none") return train_case("none");
  if (name == "train_step_additive") return train_case("additive");
  if (name == "train_step_transformer") return train_case("transformer");
  if (const workload::DecodeCase c = workload::decode_case(name); !c.kind.empty()) return decoding_case(c);
  bool backward = false;
  if (const OpCase* const op = find_op_case(name, backward)) return make_op_case(*op, backward);
  if (const Case program = make_program(name); program.run) return program;
  throw ValueError(fmt::format("benchmark: '{}' is not known", name));
}

std::shared_ptr<const models::TranslationModel> make_translator(const std::string& kind) {
  manual_seed(1);
  const models::ModelConfig config =
      kind == "convolutional" ? models::ModelConfig(models::ConvolutionalOptions{}) : config_for(kind);
  std::shared_ptr<models::TranslationModel> model = models::make_model(config, kVocabulary, kVocabulary);
  model->train(false);
  return model;
}

Training::Training(const std::string& kind)
    : model_((manual_seed(1), models::make_model(config_for(kind), kVocabulary, kVocabulary))),
      optimizer_(model_->named_parameters()),
      parameters_(model_->parameters()) {
  for (const TrainBatch& b : batches_of(kind)) {
    models::Batch batch;
    batch.source = id_tensor(b.source, {b.B, b.S});
    batch.source_lengths = id_tensor(b.source_lengths, {b.B});
    batch.target_in = id_tensor(b.target_in, {b.B, b.T});
    batch.target_out = id_tensor(b.target_out, {b.B, b.T});
    batch.target_lengths = id_tensor(b.target_lengths, {b.B});
    for (const int64_t n : b.target_lengths) batch.target_tokens += n;
    batches_.push_back(std::move(batch));
  }
}

double Training::step(size_t batch) {
  optimizer_.zero_grad();
  const Tensor loss = model_->loss(batches_[batch], kSmoothing);
  loss.backward();
  optimizer_.step(kLearningRate, nn::clip_factor(nn::gradient_norm(parameters_), kClip));
  return loss.item();
}

std::pair<double, double> Training::check() {
  model_->train(false);
  optimizer_.zero_grad();
  const Tensor loss = model_->loss(batches_[0], kSmoothing);
  loss.backward();
  const double norm = nn::gradient_norm(parameters_);
  optimizer_.zero_grad();
  model_->train(true);
  return {loss.item(), norm};
}

void Training::save(const std::string& file) const {
  std::ofstream out(file, std::ios::binary);
  for (const auto& [name, p] : model_->named_parameters()) {
    out << name << ' ' << p.ndim();
    for (int i = 0; i < p.ndim(); ++i) out << ' ' << p.size(i);
    out << '\n';
    out.write(reinterpret_cast<const char*>(p.data<float>()), static_cast<std::streamsize>(p.numel() * 4));
  }
  if (!out.flush()) throw IoError("write '" + file + "' failed");
}

}  // namespace heed::bench
