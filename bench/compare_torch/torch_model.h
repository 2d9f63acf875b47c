// The translator of models/seq2seq in libtorch, in the fastest form we know of (reference/torch_seq2seq.py):
// the embedding's share of the gates, the attention keys, the readout and the logits for all steps at once;
// one addmm a step; packed sequences in the encoder; logits only where there is no padding.
#pragma once

#include <torch/torch.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/workload.h"

namespace torch_side {

struct Batch {
  torch::Tensor source, source_lengths, target_in, target_rows, targets;  // rows: b * T + t without padding
};

/// tanh attention with input feeding over the whole target: gates i, f, o, g from `given` [B, T, 4H] and
/// [context; hidden] w_rec^T.
struct DecoderResult {
  torch::Tensor hidden, context;  // [B, T, *]
};
DecoderResult attention_decoder(const torch::Tensor& given, const torch::Tensor& memory,
                                const torch::Tensor& keys, const torch::Tensor& negative, torch::Tensor h,
                                torch::Tensor c, const torch::Tensor& w_rec, const torch::Tensor& w_query,
                                const torch::Tensor& v);
/// 0 where s < length, -1e9 elsewhere: [B, S].
torch::Tensor negative_mask(const torch::Tensor& lengths, int64_t S);
/// x W^T + b, W given, b or nothing; one row by a product of matrix and vector.
torch::Tensor product(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias);
/// Rows of a [4H, *] weight in the order i, f, g, o -> i, f, o, g: three sigmoids side by side.
torch::Tensor sigmoids_together(const torch::Tensor& weight);

/// The weights that heed's side saved, by name.
class HeedWeights {
 public:
  explicit HeedWeights(const std::string& file);
  /// Throws std::runtime_error when there is none of this name.
  torch::Tensor take(const std::string& name);
  void take(torch::nn::Linear& into, const std::string& name);
  /// Throws std::runtime_error unless all were taken.
  void require_all_taken() const;

 private:
  std::map<std::string, torch::Tensor> weights_;
  size_t taken_ = 0;
};

/// What Training trains.
class Model : public torch::nn::Module {
 public:
  virtual torch::Tensor loss(const Batch& batch) = 0;
  virtual void load_heed(HeedWeights& weights) = 0;
  /// The words [B, steps] of each of B sentences (padded, source [B, S]) that a beam holds for the most
  /// probable; beam 1: greedy. In the fastest form we know of.
  virtual torch::Tensor decode(const torch::Tensor& source, const torch::Tensor& lengths, int64_t steps,
                               int64_t beam) = 0;
};

class Translator : public Model {
 public:
  explicit Translator(bool attention);
  torch::Tensor loss(const Batch& batch) override;
  void load_heed(HeedWeights& weights) override;
  /// One product a step for the gates; keys and memory once a sentence and not once a hypothesis.
  torch::Tensor decode(const torch::Tensor& source, const torch::Tensor& lengths, int64_t steps,
                       int64_t beam) override;

 private:
  bool attention_;
  torch::nn::Embedding source_{nullptr}, target_{nullptr};
  torch::nn::LSTM encoder_{nullptr}, plain_{nullptr};
  torch::nn::Linear given_{nullptr}, recurrent_{nullptr}, key_{nullptr}, query_{nullptr},
      init_hidden_{nullptr}, init_cell_{nullptr}, readout_{nullptr}, projection_{nullptr};
  torch::nn::Dropout dropout_{nullptr};
  torch::Tensor energy_, gate_weight_, gate_bias_;
};

/// Adam by multi-tensor (foreach) calls; torch::optim::Adam is the other form, and Training keeps the faster.
class ForeachAdam {
 public:
  explicit ForeachAdam(std::vector<torch::Tensor> parameters);
  void step();

 private:
  std::vector<torch::Tensor> parameters_, first_, second_;
  int64_t steps_ = 0;
};

class Training {
 public:
  /// kind: none or additive (attention of the recurrent translator), or transformer.
  explicit Training(const std::string& kind);
  double step(size_t batch);
  std::pair<double, double> check();
  void load(const std::string& file);
  /// Translates as the case says with the weights that were loaded.
  workload::Case decoding(const workload::DecodeCase& c);
  size_t batches() const { return batches_.size(); }

 private:
  void update();
  std::shared_ptr<Model> model_;
  std::vector<torch::Tensor> parameters_;
  std::unique_ptr<torch::optim::Adam> adam_;
  std::unique_ptr<ForeachAdam> foreach_;
  std::vector<Batch> batches_;
  double loop_seconds_ = 1e9, foreach_seconds_ = 1e9;
  int trials_ = 0;
};

}  // namespace torch_side
