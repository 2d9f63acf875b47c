#include "bench/compare_torch/torch_cases.h"

#include <cmath>
#include <limits>
#include <stdexcept>

#include "bench/compare_torch/torch_model.h"
#include "bench/compare_torch/torch_transformer.h"

namespace torch_side {
namespace {

using namespace workload;
using torch::Tensor;
namespace F = torch::nn::functional;
using Sizes = std::vector<int64_t>;

Tensor random(const Sizes& shape, uint64_t seed, double scale = 1) {
  int64_t n = 1;
  for (const int64_t extent : shape) n *= extent;
  return torch::tensor(values(n, seed, scale)).reshape(shape).clone();
}
Tensor leaf(const Sizes& shape, uint64_t seed, double scale = 1) {
  return random(shape, seed, scale).set_requires_grad(true);
}
Tensor id_tensor(const std::vector<int64_t>& v) { return torch::tensor(v, torch::kLong); }
double magnitude(const Tensor& x) { return x.detach().to(torch::kDouble).abs().sum().item<double>(); }

Case with_gradient(std::vector<Tensor> leaves, std::function<Tensor()> f, Tensor cotangent = {}) {
  const auto run = [=] {
    for (const Tensor& x : leaves) x.mutable_grad() = Tensor();
    const Tensor y = f();
    y.backward(cotangent);
    return y;
  };
  Case result;
  result.run = [=] { run(); };
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
    torch::NoGradGuard no_grad;
    f();
  };
  result.check = [=] { return magnitude(f()); };
  return result;
}

Case lstm_case(int64_t D, int64_t H) {
  using namespace torch::nn::utils::rnn;
  const int64_t B = kBatch, T = kSteps;
  torch::nn::LSTM lstm(torch::nn::LSTMOptions(D, H).batch_first(true));
  auto p = lstm->named_parameters();
  {
    torch::NoGradGuard no_grad;
    p["weight_ih_l0"].copy_(random({4 * H, D}, 2, 0.05));
    p["weight_hh_l0"].copy_(random({4 * H, H}, 3, 0.05));
    p["bias_ih_l0"].copy_(random({4 * H}, 4, 0.1));
    p["bias_hh_l0"].zero_().set_requires_grad(false);
  }
  const Tensor x = leaf({B, T, D}, 1), lengths = id_tensor(workload::lengths(B, 5, T)),
               g = random({B, T, H}, 6);
  return with_gradient(
      {x, p["weight_ih_l0"], p["weight_hh_l0"], p["bias_ih_l0"]},
      [=]() mutable {
        const auto out = lstm->forward_with_packed_input(pack_padded_sequence(x, lengths, true, false));
        return std::get<0>(pad_packed_sequence(std::get<0>(out), true, 0.0, T));
      },
      g);
}

// PyTorch 1.13 has no attention that leaves the scores out: products and softmax on all of them, the mask
// made once.
Case long_attention_case(int64_t T) {
  const int64_t d = kLongModel / kLongHeads;
  const Tensor joint = leaf({1, T, 3 * kLongModel}, 1);
  const Tensor future = torch::full({T, T}, -std::numeric_limits<float>::infinity()).triu(1);
  return with_gradient(
      {joint},
      [=] {
        const Tensor parts = joint.reshape({T, 3, kLongHeads, d}).permute({1, 2, 0, 3});  // [3, heads, T, d]
        const Tensor scores = torch::baddbmm(future, parts[0] * (1 / std::sqrt(static_cast<double>(d))),
                                             parts[1].transpose(1, 2));
        return torch::bmm(torch::softmax(scores, -1), parts[2]).transpose(0, 1).reshape({1, T, kLongModel});
      },
      random({1, T, kLongModel}, 3));
}

Case attention_lstm_case() {
  const int64_t B = kBatch, T = kSteps, S = kSteps, D = kEmbedding, E = kMemory, H = kDecoder, A = kAttention;
  const Tensor x = leaf({B, T, D}, 1), memory = leaf({B, S, E}, 2), keys = leaf({B, S, A}, 3),
               h0 = leaf({B, H}, 4), c0 = leaf({B, H}, 5);
  const Tensor heed_ih = random({4 * H, D + E}, 6, 0.05), heed_hh = random({4 * H, H}, 7, 0.05);
  const auto own = [](const Tensor& t) { return sigmoids_together(t).contiguous().set_requires_grad(true); };
  const Tensor w_given = own(heed_ih.slice(1, 0, D)),
               w_rec = own(torch::cat({heed_ih.slice(1, D), heed_hh}, 1));
  const Tensor bias = own(random({4 * H}, 8, 0.1)), w_q = leaf({A, H}, 9, 0.05), v = leaf({A}, 10, 0.1),
               g = random({B, T, H + E}, 11);
  const Tensor lengths = id_tensor(workload::lengths(B, 12, S));
  return with_gradient(
      {x, memory, keys, h0, c0, w_given, w_rec, bias, w_q, v},
      [=] {
        const DecoderResult r = attention_decoder(F::linear(x, w_given, bias), memory, keys,
                                                  negative_mask(lengths, S), h0, c0, w_rec, w_q, v);
        return torch::cat({r.hidden, r.context}, 2);
      },
      g);
}

Case adam_case() {
  std::vector<Tensor> parameters;
  uint64_t seed = 0;
  for (const Sizes& shape : {Sizes{8000, 256}, Sizes{2048, 768}, Sizes{2048, 512}, Sizes{512}}) {
    ++seed;
    parameters.push_back(leaf(shape, seed));
    parameters.back().mutable_grad() = random(shape, seed + 10);
  }
  Case result;
  result.run = [optimizer = std::make_shared<torch::optim::Adam>(
                    parameters, torch::optim::AdamOptions(1e-3))] { optimizer->step(); };
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
  result.calls = static_cast<int>(training->batches());
  result.run = [=] {
    for (size_t i = 0; i < training->batches(); ++i) training->step(i);
  };
  const auto first_time = std::make_shared<bool>(true);
  result.warm = [=, run = result.run] {
    if (*first_time) run();
    *first_time = false;
    training->step(0);
  };
  return result;
}

}  // namespace

Case make_case(const std::string& name) {
  const int64_t N = kBatch * kSteps;
  const auto smoothed = F::CrossEntropyFuncOptions().label_smoothing(kSmoothing);
  if (name == "matmul")
    return without_gradient([a = random({N, 512}, 1), b = random({512, 512}, 2)] { return torch::mm(a, b); });
  if (name == "matmul_batched") {
    return without_gradient(
        [a = random({kBatch, 13, 13}, 1), b = random({kBatch, 13, 512}, 2)] { return torch::bmm(a, b); });
  }
  if (name == "linear_fwd_bwd") {
    const Tensor x = leaf({N, 1280}, 1), w = leaf({512, 1280}, 2, 0.05), b = leaf({512}, 3);
    return with_gradient(
        {x, w, b}, [=] { return F::linear(x, w, b); }, random({N, 512}, 4));
  }
  if (name == "embedding_fwd" || name == "embedding_fwd_bwd") {
    const Tensor table = leaf({kVocabulary, kEmbedding}, 1), rows = id_tensor(ids(N, 2));
    const auto f = [=] { return torch::embedding(table, rows); };
    return name == "embedding_fwd" ? without_gradient(f)
                                   : with_gradient({table}, f, random({N, kEmbedding}, 3));
  }
  if (name == "softmax_fwd_bwd") {
    const Tensor x = leaf({N, 64}, 1, 3);
    return with_gradient(
        {x}, [=] { return torch::softmax(x, -1); }, random({N, 64}, 2));
  }
  if (name == "cross_entropy_fwd_bwd") {
    const Tensor x = leaf({N, kVocabulary}, 1, 3), target = id_tensor(ids(N, 2));
    return with_gradient({x}, [=] { return F::cross_entropy(x, target, smoothed); });
  }
  if (name == "linear_cross_entropy_fwd_bwd") {
    const Tensor x = leaf({N, kReadout}, 1), w = leaf({kVocabulary, kReadout}, 2, 0.05),
                 b = leaf({kVocabulary}, 3);
    const Tensor target = id_tensor(ids(N, 4));
    return with_gradient({x, w, b}, [=] { return F::cross_entropy(F::linear(x, w, b), target, smoothed); });
  }
  if (name == "lstm_fwd_bwd") return lstm_case(256, 256);
  if (name == "lstm512_fwd_bwd") return lstm_case(256, 512);
  if (name == "attention_lstm_fwd_bwd") return attention_lstm_case();
  if (name == "additive_energy_fwd_bwd") {
    const Tensor q = leaf({kBatch, 13, 256}, 1), k = leaf({kBatch, 13, 256}, 2), v = leaf({256}, 3, 0.1);
    return with_gradient(
        {q, k, v}, [=] { return torch::matmul(torch::tanh(q.unsqueeze(2) + k.unsqueeze(1)), v); },
        random({kBatch, 13, 13}, 4));
  }
  if (name == "scaled_dot_attention_fwd_bwd") {
    const Tensor joint = leaf({kSentences, kSteps, 3 * kModel}, 1),
                 lengths = id_tensor(workload::lengths(kSentences, 2, kSteps));
    return with_gradient(
        {joint},
        [=] {
          const auto parts = split_heads(joint, kSentences, kSteps, 3);
          return attend(parts[0], parts[1], parts[2], by_head(negative_mask(lengths, kSteps)), kSentences);
        },
        random({kSentences * kSteps, kModel}, 3));
  }
  if (name == "long_attention_1024_fwd_bwd") return long_attention_case(1024);
  if (name == "long_attention_4096_fwd_bwd") return long_attention_case(4096);
  if (name == "layer_norm_fwd_bwd") {
    const int64_t rows = kSentences * kSteps;
    const Tensor x = leaf({rows, kModel}, 1), gain = leaf({kModel}, 2), bias = leaf({kModel}, 3);
    return with_gradient(
        {x, gain, bias}, [=] { return torch::layer_norm(x, {kModel}, gain, bias); },
        random({rows, kModel}, 4));
  }
  if (name == "dropout_fwd_bwd") {
    const Tensor x = leaf({N, 512}, 1);
    return with_gradient(
        {x}, [=] { return torch::dropout(x, kDropout, true); }, random({N, 512}, 2));
  }
  if (name == "tanh_fwd_bwd") {
    const Tensor x = leaf({N, 512}, 1, 3);
    return with_gradient(
        {x}, [=] { return torch::tanh(x); }, random({N, 512}, 2));
  }
  if (name == "add_bias")
    return without_gradient([x = random({N, 512}, 1), b = random({512}, 2)] { return x + b; });
  if (name == "mul")
    return without_gradient([x = random({N, 512}, 1), y = random({N, 512}, 2)] { return x * y; });
  if (name == "conv2d_fwd_bwd") {
    const Tensor x = leaf({32, 32, 28, 28}, 1), w = leaf({64, 32, 3, 3}, 2, 0.1), bias = leaf({64}, 3);
    return with_gradient(
        {x, w, bias}, [=] { return torch::conv2d(x, w, bias, 1, 1); }, random({32, 64, 28, 28}, 4));
  }
  if (name == "max_pool2d_fwd_bwd") {
    const Tensor x = leaf({32, 64, 28, 28}, 1);
    return with_gradient(
        {x}, [=] { return torch::max_pool2d(x, 2); }, random({32, 64, 14, 14}, 2));
  }
  if (name == "batch_norm_fwd_bwd") {
    const Tensor x = leaf({32, 64, 28, 28}, 1), gain = leaf({64}, 2), bias = leaf({64}, 3);
    return with_gradient(
        {x, gain, bias}, [=] { return torch::batch_norm(x, gain, bias, {}, {}, true, 0.1, 1e-5, false); },
        random({32, 64, 28, 28}, 4));
  }
  if (name == "adam") return adam_case();
  if (name == "tiny_adds_fwd") return tiny_adds(false);
  if (name == "tiny_adds_fwd_bwd") return tiny_adds(true);
  if (name == "train_step_none") return train_case("none");
  if (name == "train_step_additive") return train_case("additive");
  if (name == "train_step_transformer") return train_case("transformer");
  bool backward = false;
  if (const OpCase* const op = find_op_case(name, backward)) return make_op_case(*op, backward);
  if (const Case program = make_program(name); program.run) return program;
  throw std::runtime_error("benchmark: '" + name + "' is not known");
}

}  // namespace torch_side
