// The Transformer of models/transformer in libtorch, in the fastest form we know of for 1.13: rows [B * T, D]
// throughout, so that every projection is one addmm; joint projections; heads side by side in one copy for
// bmm; the mask added by baddbmm, softmax in parts; dropout from 16 random bits an element; the last
// normalisation and the logits only where there is no padding.
#pragma once

#include <vector>

#include "bench/compare_torch/torch_model.h"

namespace torch_side {

/// A joint projection of rows [B * T, parts * D] -> `parts` tensors [B * heads, T, D / heads].
std::vector<torch::Tensor> split_heads(const torch::Tensor& joint, int64_t B, int64_t T, int64_t parts);
/// softmax(q k^T / sqrt(d) + mask) v of all heads [B * heads, *, d], put together again: [B * T, D]. `mask`
/// is any shape that broadcasts.
torch::Tensor attend(const torch::Tensor& query, const torch::Tensor& key, const torch::Tensor& value,
                     const torch::Tensor& mask, int64_t B);
/// [B, S] -> [B * heads, 1, S].
torch::Tensor by_head(const torch::Tensor& mask);

class Transformer : public Model {
 public:
  Transformer();
  torch::Tensor loss(const Batch& batch) override;
  void load_heed(HeedWeights& weights) override;
  /// Keys and values of the words before stay in buffers of all steps; those of the source are made once a
  /// sentence and not once a hypothesis.
  torch::Tensor decode(const torch::Tensor& source, const torch::Tensor& lengths, int64_t steps,
                       int64_t beam) override;

 private:
  struct Layer {
    torch::nn::LayerNorm norm[3]{nullptr, nullptr, nullptr};
    torch::nn::Linear joint{nullptr}, output{nullptr};  // self-attention
    // cross-attention of a decoder layer
    torch::nn::Linear query{nullptr}, cross_joint{nullptr}, cross_output{nullptr};
    torch::nn::Linear first{nullptr}, second{nullptr};  // feed-forward
  };
  Layer make_layer(const std::string& name, bool decoder);
  void load_layer(Layer& layer, const std::string& name, bool decoder, HeedWeights& weights);
  torch::Tensor embed(const torch::Tensor& ids);
  torch::Tensor encode(const torch::Tensor& source, const torch::Tensor& padding);
  torch::Tensor self_attention(Layer& layer, const torch::Tensor& x, int64_t B, const torch::Tensor& mask);
  torch::Tensor drop(const torch::Tensor& x) const;

  torch::Tensor table_, positions_;
  std::vector<Layer> encoder_, decoder_;
  torch::nn::LayerNorm encoder_norm_{nullptr}, decoder_norm_{nullptr};
};

}  // namespace torch_side
