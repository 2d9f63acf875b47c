#include "bench/compare_torch/torch_model.h"

#include <chrono>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "bench/compare_torch/torch_search.h"
#include "bench/compare_torch/torch_transformer.h"

namespace torch_side {

using namespace workload;
using torch::Tensor;
namespace F = torch::nn::functional;

Tensor negative_mask(const Tensor& lengths, int64_t S) {
  return (torch::arange(S).unsqueeze(0) >= lengths.unsqueeze(1)).to(torch::kFloat) * -1e9;
}

Tensor sigmoids_together(const Tensor& weight) {
  const auto q = weight.chunk(4, 0);
  return torch::cat({q[0], q[1], q[3], q[2]}, 0);
}

DecoderResult attention_decoder(const Tensor& given, const Tensor& memory, const Tensor& keys,
                                const Tensor& negative, Tensor h, Tensor c, const Tensor& w_rec,
                                const Tensor& w_query, const Tensor& v) {
  const int64_t H = h.size(1);
  const std::vector<Tensor> ge = given.unbind(1);
  Tensor context = torch::zeros({h.size(0), memory.size(2)});
  const Tensor w_rec_t = w_rec.t();
  std::vector<Tensor> hs, cs;
  for (const Tensor& at : ge) {
    const Tensor g = torch::addmm(at, torch::cat({context, h}, 1), w_rec_t);
    const Tensor s = torch::sigmoid(g.slice(1, 0, 3 * H));
    c = s.slice(1, H, 2 * H) * c + s.slice(1, 0, H) * torch::tanh(g.slice(1, 3 * H));
    h = s.slice(1, 2 * H, 3 * H) * torch::tanh(c);
    const Tensor e = torch::matmul(torch::tanh(keys + F::linear(h, w_query).unsqueeze(1)), v) + negative;
    context = torch::bmm(torch::softmax(e, -1).unsqueeze(1), memory).squeeze(1);
    hs.push_back(h);
    cs.push_back(context);
  }
  return {torch::stack(hs, 1), torch::stack(cs, 1)};
}

Translator::Translator(bool attention) : attention_(attention) {
  using namespace torch::nn;
  source_ = register_module("source", Embedding(EmbeddingOptions(kVocabulary, kEmbedding).padding_idx(kPad)));
  target_ = register_module("target", Embedding(EmbeddingOptions(kVocabulary, kEmbedding).padding_idx(kPad)));
  encoder_ = register_module("encoder",
                             LSTM(LSTMOptions(kEmbedding, kEncoder).batch_first(true).bidirectional(true)));
  init_hidden_ = register_module("init_hidden", Linear(kMemory, kDecoder));
  init_cell_ = register_module("init_cell", Linear(kMemory, kDecoder));
  readout_ = register_module("readout", Linear(kDecoder + kMemory + kEmbedding, kReadout));
  projection_ = register_module("projection", Linear(kReadout, kVocabulary));
  dropout_ = register_module("dropout", Dropout(kDropout));
  if (attention) {
    given_ = register_module("given", Linear(kEmbedding, 4 * kDecoder));
    recurrent_ =
        register_module("recurrent", Linear(LinearOptions(kMemory + kDecoder, 4 * kDecoder).bias(false)));
    key_ = register_module("key", Linear(kMemory, kAttention));
    query_ = register_module("query", Linear(LinearOptions(kDecoder, kAttention).bias(false)));
    energy_ = register_parameter("energy", torch::randn({kAttention}) * 0.1);
  } else {
    plain_ = register_module("plain", LSTM(LSTMOptions(kEmbedding + kMemory, kDecoder).batch_first(true)));
  }
  for (const auto& p : named_parameters()) {  // heed's LSTM has one bias
    if (p.key().find("bias_hh") != std::string::npos) {
      torch::NoGradGuard no_grad;
      p.value().zero_();
      p.value().set_requires_grad(false);
    }
  }
}

Tensor Translator::loss(const Batch& b) {
  using namespace torch::nn::utils::rnn;
  const int64_t S = b.source.size(1), T = b.target_in.size(1);
  const auto packed = pack_padded_sequence(dropout_(source_(b.source)), b.source_lengths, true, false);
  const auto [out, state] = encoder_->forward_with_packed_input(packed);
  const Tensor memory = std::get<0>(pad_packed_sequence(out, true, 0.0, S));
  const auto join = [](const Tensor& x) { return torch::cat({x[0], x[1]}, 1); };
  const Tensor summary = join(std::get<0>(state));
  const Tensor h = torch::tanh(init_hidden_(summary)), c = init_cell_(join(std::get<1>(state)));
  const Tensor embedded = dropout_(target_(b.target_in));
  Tensor hidden, context;
  if (attention_) {
    const DecoderResult r =
        attention_decoder(given_(embedded), memory, key_(memory), negative_mask(b.source_lengths, S), h, c,
                          recurrent_->weight, query_->weight, energy_);
    hidden = r.hidden;
    context = r.context;
  } else {
    context = summary.unsqueeze(1).expand({-1, T, -1});
    hidden = std::get<0>(
        plain_(torch::cat({embedded, context}, 2), std::make_tuple(h.unsqueeze(0), c.unsqueeze(0))));
  }
  const Tensor all = torch::tanh(readout_(torch::cat({hidden, context, embedded}, 2)));
  const Tensor rows = dropout_(all).reshape({-1, kReadout}).index_select(0, b.target_rows);
  return F::cross_entropy(projection_(rows), b.targets,
                          F::CrossEntropyFuncOptions().label_smoothing(kSmoothing));
}

HeedWeights::HeedWeights(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string name;
    int rank = 0;
    words >> name >> rank;
    std::vector<int64_t> shape(static_cast<size_t>(rank));
    for (int64_t& n : shape) words >> n;
    Tensor t = torch::empty(shape);
    in.read(reinterpret_cast<char*>(t.data_ptr<float>()), t.numel() * 4);
    weights_[name] = t;
  }
}

Tensor HeedWeights::take(const std::string& name) {
  const auto found = weights_.find(name);
  if (found == weights_.end()) throw std::runtime_error("weights: '" + name + "' is missing");
  ++taken_;
  return found->second;
}

void HeedWeights::take(torch::nn::Linear& into, const std::string& name) {
  into->weight.copy_(take(name + ".weight"));
  if (into->bias.defined()) into->bias.copy_(take(name + ".bias"));
}

void HeedWeights::require_all_taken() const {
  if (taken_ != weights_.size()) throw std::runtime_error("weights: some of heed's were not used");
}

void Translator::load_heed(HeedWeights& weights) {
  const auto take = [&](const std::string& name) { return weights.take(name); };
  const auto linear = [&](torch::nn::Linear& into, const std::string& name) { weights.take(into, name); };
  const auto lstm = [&](torch::nn::LSTM& into, const std::string& suffix, const std::string& name) {
    auto p = into->named_parameters();
    p["weight_ih_l0" + suffix].copy_(take(name + ".weight_ih"));
    p["weight_hh_l0" + suffix].copy_(take(name + ".weight_hh"));
    p["bias_ih_l0" + suffix].copy_(take(name + ".bias"));
  };
  source_->weight.copy_(take("encoder.embedding.weight"));
  target_->weight.copy_(take("decoder.embedding.weight"));
  lstm(encoder_, "", "encoder.lstm.layer0");
  lstm(encoder_, "_reverse", "encoder.lstm.layer0_reverse");
  linear(init_hidden_, "decoder.init_hidden");
  linear(init_cell_, "decoder.init_cell");
  linear(readout_, "decoder.readout");
  linear(projection_, "decoder.projection");
  if (attention_) {
    const Tensor w_ih = sigmoids_together(take("decoder.cell.weight_ih")),
                 w_hh = sigmoids_together(take("decoder.cell.weight_hh"));
    given_->weight.copy_(w_ih.slice(1, 0, kEmbedding));
    given_->bias.copy_(sigmoids_together(take("decoder.cell.bias")));
    recurrent_->weight.copy_(torch::cat({w_ih.slice(1, kEmbedding), w_hh}, 1));
    linear(key_, "decoder.attention.key_proj");
    linear(query_, "decoder.attention.query_proj");
    energy_.copy_(take("decoder.attention.energy"));
  } else {
    lstm(plain_, "", "decoder.cell");
  }
  // of a step of decode(): [embedded; context; h] to the gates i, f, o, g
  if (attention_) {
    gate_weight_ = torch::cat({given_->weight, recurrent_->weight}, 1).detach();
    gate_bias_ = given_->bias.detach();
  } else {
    auto p = plain_->named_parameters();
    gate_weight_ =
        torch::cat({sigmoids_together(p["weight_ih_l0"]), sigmoids_together(p["weight_hh_l0"])}, 1).detach();
    gate_bias_ = sigmoids_together(p["bias_ih_l0"]).detach();
  }
}

Tensor product(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  if (x.size(0) == 1)
    return (bias.defined() ? torch::addmv(bias, weight, x[0]) : torch::mv(weight, x[0])).unsqueeze(0);
  return bias.defined() ? torch::addmm(bias, x, weight.t()) : torch::mm(x, weight.t());
}

Tensor Translator::decode(const Tensor& source, const Tensor& lengths, int64_t steps, int64_t beam) {
  const torch::InferenceMode inference;
  using namespace torch::nn::utils::rnn;
  const int64_t B = source.size(0), S = source.size(1);
  const auto packed = pack_padded_sequence(source_(source), lengths, true, false);
  const auto [out, state] = encoder_->forward_with_packed_input(packed);
  const Tensor memory = std::get<0>(pad_packed_sequence(out, true, 0.0, S));
  const auto join = [](const Tensor& x) { return torch::cat({x[0], x[1]}, 1); };
  const Tensor summary = join(std::get<0>(state));
  Tensor h = torch::tanh(init_hidden_(summary)), c = init_cell_(join(std::get<1>(state)));
  const Tensor keys = attention_ ? key_(memory) : Tensor(),
               negative = attention_ ? negative_mask(lengths, S) : Tensor();
  Tensor context = attention_ ? torch::zeros({B, kMemory}) : summary;
  Search search(B, beam);
  for (int64_t t = 0; t < steps; ++t) {
    const int64_t rows = search.ids().size(0), each = rows / B;
    const Tensor embedded = target_(search.ids());
    const Tensor g = product(torch::cat({embedded, context, h}, 1), gate_weight_, gate_bias_);
    const Tensor s = torch::sigmoid(g.slice(1, 0, 3 * kDecoder));
    c = s.slice(1, kDecoder, 2 * kDecoder) * c +
        s.slice(1, 0, kDecoder) * torch::tanh(g.slice(1, 3 * kDecoder));
    h = s.slice(1, 2 * kDecoder, 3 * kDecoder) * torch::tanh(c);
    if (attention_) {
      const Tensor q = torch::mm(h, query_->weight.t()).reshape({B, each, 1, kAttention});
      const Tensor e = torch::matmul(torch::tanh(keys.unsqueeze(1) + q), energy_) + negative.unsqueeze(1);
      context = torch::bmm(torch::softmax(e, -1), memory).reshape({rows, kMemory});
    }
    const Tensor read =
        torch::tanh(product(torch::cat({h, context, embedded}, 1), readout_->weight, readout_->bias));
    const Tensor from = search.advance(product(read, projection_->weight, projection_->bias));
    if (!from.defined()) continue;
    h = h.index_select(0, from);
    c = c.index_select(0, from);
    context = context.index_select(0, from);
  }
  return search.words();
}

ForeachAdam::ForeachAdam(std::vector<Tensor> parameters) : parameters_(std::move(parameters)) {
  for (const Tensor& p : parameters_) {
    first_.push_back(torch::zeros_like(p));
    second_.push_back(torch::zeros_like(p));
  }
}

void ForeachAdam::step() {
  torch::NoGradGuard no_grad;
  ++steps_;
  const double beta1 = 0.9, beta2 = 0.999, bias1 = 1 - std::pow(beta1, steps_),
               bias2 = 1 - std::pow(beta2, steps_);
  std::vector<Tensor> gradients;
  for (const Tensor& p : parameters_) gradients.push_back(p.grad());
  at::_foreach_mul_(first_, beta1);
  at::_foreach_add_(first_, gradients, 1 - beta1);
  at::_foreach_mul_(second_, beta2);
  at::_foreach_addcmul_(second_, gradients, gradients, 1 - beta2);
  std::vector<Tensor> root = at::_foreach_sqrt(second_);
  at::_foreach_div_(root, std::sqrt(bias2));
  at::_foreach_add_(root, 1e-8);
  at::_foreach_addcdiv_(parameters_, first_, root, -kLearningRate / bias1);
}

Training::Training(const std::string& kind) {
  if (kind == "transformer") {
    model_ = std::make_shared<Transformer>();
  } else {
    model_ = std::make_shared<Translator>(kind == "additive");
  }
  for (const Tensor& p : model_->parameters()) {
    if (p.requires_grad()) parameters_.push_back(p);
  }
  adam_ = std::make_unique<torch::optim::Adam>(parameters_, torch::optim::AdamOptions(kLearningRate));
  foreach_ = std::make_unique<ForeachAdam>(parameters_);
  const auto ids = [](const std::vector<int64_t>& v, std::vector<int64_t> shape) {
    return torch::tensor(v, torch::kLong).reshape(shape);
  };
  for (const TrainBatch& b : batches_of(kind)) {
    std::vector<int64_t> rows, targets;
    for (int64_t i = 0; i < b.B; ++i) {
      for (int64_t t = 0; t < b.target_lengths[i]; ++t) {
        rows.push_back(i * b.T + t);
        targets.push_back(b.target_out[i * b.T + t]);
      }
    }
    const auto n = static_cast<int64_t>(rows.size());
    batches_.push_back({ids(b.source, {b.B, b.S}), ids(b.source_lengths, {b.B}), ids(b.target_in, {b.B, b.T}),
                        ids(rows, {n}), ids(targets, {n})});
  }
}

Case Training::decoding(const DecodeCase& c) {
  std::vector<std::pair<Tensor, Tensor>> batches;
  const auto sentences = decoded_sentences(c.sentences);
  for (size_t at = 0; at < sentences.size(); at += static_cast<size_t>(c.batch)) {
    std::vector<int64_t> lengths;
    int64_t S = 0;
    for (int64_t i = 0; i < c.batch; ++i) {
      lengths.push_back(static_cast<int64_t>(sentences[at + static_cast<size_t>(i)].size()));
      S = std::max(S, lengths.back());
    }
    const Tensor source = torch::full({c.batch, S}, kPad, torch::kLong);
    for (int64_t i = 0; i < c.batch; ++i) {
      const auto& sentence = sentences[at + static_cast<size_t>(i)];
      source[i].slice(0, 0, lengths[static_cast<size_t>(i)]).copy_(torch::tensor(sentence, torch::kLong));
    }
    batches.emplace_back(source, torch::tensor(lengths, torch::kLong));
  }
  const auto translate = [=, model = model_] {
    model->eval();
    std::vector<Tensor> outputs;
    for (const auto& [source, lengths] : batches)
      outputs.push_back(model->decode(source, lengths, kSteps, c.beam));
    return torch::cat(outputs, 0);
  };
  Case result;
  result.run = [=] { translate(); };
  result.calls = static_cast<int>(c.sentences);
  result.check = [=] {
    const Tensor sums = translate().sum(1);
    Figures figures;
    for (int64_t i = 0; i < sums.size(0); ++i)
      figures.push_back(static_cast<double>(sums[i].item<int64_t>()));
    return figures;
  };
  return result;
}

void Training::load(const std::string& file) {
  torch::NoGradGuard no_grad;
  HeedWeights weights(file);
  model_->load_heed(weights);
  weights.require_all_taken();
}

// The first steps take both forms of Adam in turn; from then on the faster one runs.
void Training::update() {
  const auto timed = [](auto&& f) {
    const auto start = std::chrono::steady_clock::now();
    f();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  const bool trial = trials_ < 8;
  if (trial ? trials_++ % 2 == 0 : loop_seconds_ <= foreach_seconds_) {
    const double t = timed([&] { adam_->step(); });
    if (trial) loop_seconds_ = std::min(loop_seconds_, t);
  } else {
    const double t = timed([&] { foreach_->step(); });
    if (trial) foreach_seconds_ = std::min(foreach_seconds_, t);
  }
}

double Training::step(size_t batch) {
  for (Tensor& p : parameters_) p.mutable_grad() = Tensor();
  const Tensor loss = model_->loss(batches_[batch]);
  loss.backward();
  torch::nn::utils::clip_grad_norm_(parameters_, kClip);
  update();
  return loss.item<double>();
}

std::pair<double, double> Training::check() {
  model_->eval();
  for (Tensor& p : parameters_) p.mutable_grad() = Tensor();
  const Tensor loss = model_->loss(batches_[0]);
  loss.backward();
  double squares = 0;
  for (const Tensor& p : parameters_) squares += p.grad().to(torch::kDouble).square().sum().item<double>();
  for (Tensor& p : parameters_) p.mutable_grad() = Tensor();
  model_->train();
  return {loss.item<double>(), std::sqrt(squares)};
}

}  // namespace torch_side
