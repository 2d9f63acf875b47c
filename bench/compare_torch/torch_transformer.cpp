#include "bench/compare_torch/torch_transformer.h"

#include <cmath>
#include <limits>

#include "bench/compare_torch/torch_search.h"

namespace torch_side {

using namespace workload;
using torch::Tensor;
namespace F = torch::nn::functional;

std::vector<Tensor> split_heads(const Tensor& joint, int64_t B, int64_t T, int64_t parts) {
  const int64_t d = kModel / kHeads;
  return joint.view({B, T, parts, kHeads, d})
      .permute({2, 0, 3, 1, 4})
      .reshape({parts, B * kHeads, T, d})
      .unbind(0);
}

Tensor by_head(const Tensor& mask) {
  return mask.unsqueeze(1).expand({-1, kHeads, -1}).reshape({mask.size(0) * kHeads, 1, mask.size(1)});
}

Tensor attend(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& mask, int64_t B) {
  const int64_t T = query.size(1), d = query.size(2);
  const Tensor scores = torch::baddbmm(mask.expand({query.size(0), T, key.size(1)}), query,
                                       key.transpose(1, 2), 1, 1 / std::sqrt(d));
  // torch::softmax on rows of 13 is slow: 19.9 ms forward and backward with it at B 308, 15.2 ms in parts.
  const Tensor e = (scores - scores.detach().amax(-1, true)).exp();
  const Tensor context = torch::bmm(e / e.sum(-1, true), value);
  return context.view({B, kHeads, T, d}).transpose(1, 2).reshape({B * T, kHeads * d});
}

Transformer::Layer Transformer::make_layer(const std::string& name, bool decoder) {
  using namespace torch::nn;
  Layer layer;
  const auto linear = [&](const char* what, int64_t in, int64_t out) {
    return register_module(name + what, Linear(in, out));
  };
  for (int i = 0; i < (decoder ? 3 : 2); ++i) {
    layer.norm[i] = register_module(name + "norm" + std::to_string(i), LayerNorm(LayerNormOptions({kModel})));
  }
  layer.joint = linear("joint", kModel, 3 * kModel);
  layer.output = linear("output", kModel, kModel);
  if (decoder) {
    layer.query = linear("query", kModel, kModel);
    layer.cross_joint = linear("cross_joint", kModel, 2 * kModel);
    layer.cross_output = linear("cross_output", kModel, kModel);
  }
  layer.first = linear("first", kModel, kFeedForward);
  layer.second = linear("second", kFeedForward, kModel);
  return layer;
}

Transformer::Transformer() {
  using namespace torch::nn;
  table_ = register_parameter("table", torch::randn({kVocabulary, kModel}) / std::sqrt(kModel));
  Tensor angle =
      torch::arange(kMaxLength, torch::kDouble).unsqueeze(1) *
      torch::pow(10000.0, torch::arange(0, kModel, 2, torch::kDouble) * (-1.0 / kModel)).unsqueeze(0);
  positions_ =
      torch::stack({torch::sin(angle), torch::cos(angle)}, 2).reshape({kMaxLength, kModel}).to(torch::kFloat);
  for (int64_t i = 0; i < kLayers; ++i) {
    encoder_.push_back(make_layer("encoder" + std::to_string(i), false));
    decoder_.push_back(make_layer("decoder" + std::to_string(i), true));
  }
  encoder_norm_ = register_module("encoder_norm", LayerNorm(LayerNormOptions({kModel})));
  decoder_norm_ = register_module("decoder_norm", LayerNorm(LayerNormOptions({kModel})));
}

// torch::dropout draws a double an element (4.9 ms forward and backward on [4004, 128]); 16 random bits an
// element do (1.9 ms).
Tensor Transformer::drop(const Tensor& x) const {
  if (!is_training()) return x;
  const c10::optional<int64_t> no_end;
  const Tensor bits =
      torch::empty({(x.numel() + 3) / 4}, torch::kLong).random_(std::numeric_limits<int64_t>::min(), no_end);
  const Tensor kept =
      bits.view(at::kShort).ge(std::lround(kDropout * 65536) - 32768).slice(0, 0, x.numel()).view(x.sizes());
  return x * kept.to(torch::kFloat).mul_(1 / (1 - kDropout));
}

Tensor Transformer::embed(const Tensor& ids) {
  const Tensor words = torch::embedding(table_, ids, kPad);
  return drop(torch::add(positions_.slice(0, 0, ids.size(1)), words, std::sqrt(kModel))).view({-1, kModel});
}

Tensor Transformer::self_attention(Layer& layer, const Tensor& x, int64_t B, const Tensor& mask) {
  const auto parts = split_heads(layer.joint(x), B, x.size(0) / B, 3);
  return layer.output(attend(parts[0], parts[1], parts[2], mask, B));
}

Tensor Transformer::encode(const Tensor& source, const Tensor& padding) {
  Tensor x = embed(source);
  for (Layer& layer : encoder_) {
    x = x + drop(self_attention(layer, layer.norm[0](x), source.size(0), padding));
    x = x + drop(layer.second(layer.first(layer.norm[1](x)).relu_()));
  }
  return encoder_norm_(x);
}

Tensor Transformer::loss(const Batch& b) {
  const int64_t B = b.source.size(0), S = b.source.size(1), T = b.target_in.size(1);
  const Tensor padding = by_head(negative_mask(b.source_lengths, S));
  const Tensor future = torch::full({T, T}, -1e9).triu(1).unsqueeze(0);
  const Tensor memory = encode(b.source, padding);
  Tensor y = embed(b.target_in);
  for (Layer& layer : decoder_) {
    y = y + drop(self_attention(layer, layer.norm[0](y), B, future));
    const Tensor query = split_heads(layer.query(layer.norm[1](y)), B, T, 1)[0];
    const auto seen = split_heads(layer.cross_joint(memory), B, S, 2);
    y = y + drop(layer.cross_output(attend(query, seen[0], seen[1], padding, B)));
    y = y + drop(layer.second(layer.first(layer.norm[2](y)).relu_()));
  }
  const Tensor rows = decoder_norm_(y.index_select(0, b.target_rows));
  // F::cross_entropy sums log p over the vocabulary for the smoothing. As log p_v = l_v - lse, only the mean
  // logit is needed beside -log p_y: loss = mean(-log p_y + smoothing (l_y - mean l)), and l_y - mean l = row
  // . (table_y - mean table).  (418 -> 385 ms)
  const Tensor hit = torch::nll_loss(torch::log_softmax(F::linear(rows, table_), 1), b.targets);
  const Tensor above_mean = (rows * (torch::embedding(table_, b.targets) - table_.mean(0))).sum();
  return hit + above_mean * (kSmoothing / static_cast<double>(rows.size(0)));
}

namespace {

// Attention of `each` queries a sentence or hypothesis [B, each, D] to keys and values [B, n, D], whatever
// their strides, in heads; `mask` [B, n] or nothing. By sums of products: bmm is a product a head for this
// BLAS and slower (1.15 times).
Tensor attend_rows(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& mask) {
  const int64_t B = query.size(0), each = query.size(1), n = key.size(1), d = kModel / kHeads;
  const Tensor q = query.reshape({B, each, 1, kHeads, d}), k = key.view({B, 1, n, kHeads, d}),
               v = value.view({B, 1, n, kHeads, d});
  Tensor scores = (q * k).sum(-1).mul_(1 / std::sqrt(d));  // [B, each, n, heads]
  if (mask.defined()) scores.add_(mask.view({B, 1, n, 1}));
  const Tensor e = (scores - scores.amax(2, true)).exp_();
  return ((e / e.sum(2, true)).unsqueeze(-1) * v).sum(2).view({B * each, kModel});
}

}  // namespace

Tensor Transformer::decode(const Tensor& source, const Tensor& lengths, int64_t steps, int64_t beam) {
  const torch::InferenceMode inference;
  const int64_t B = source.size(0), S = source.size(1);
  const Tensor negative = negative_mask(lengths, S), padding = by_head(negative);
  const Tensor memory = encode(source, padding);
  const auto linear = [](torch::nn::Linear& layer, const Tensor& x) {
    return product(x, layer->weight, layer->bias);
  };
  struct Cache {
    Tensor seen;          // keys and values of the source, [B, S, 2 D]
    Tensor keys, values;  // of the words before, [rows, steps, D]
  };
  std::vector<Cache> caches;
  for (Layer& layer : decoder_)
    caches.push_back({linear(layer.cross_joint, memory).view({B, S, 2 * kModel}),
                      torch::empty({B, steps, kModel}), torch::empty({B, steps, kModel})});
  Search search(B, beam);
  for (int64_t t = 0; t < steps; ++t) {
    const int64_t rows = search.ids().size(0), each = rows / B;
    Tensor y = torch::add(positions_[t], table_.index_select(0, search.ids()), std::sqrt(kModel));
    for (size_t i = 0; i < decoder_.size(); ++i) {
      Layer& layer = decoder_[i];
      Cache& cache = caches[i];
      const auto joint = linear(layer.joint, layer.norm[0](y)).split(kModel, 1);
      cache.keys.select(1, t).copy_(joint[1]);
      cache.values.select(1, t).copy_(joint[2]);
      y = y + linear(layer.output, attend_rows(joint[0].unsqueeze(1), cache.keys.slice(1, 0, t + 1),
                                               cache.values.slice(1, 0, t + 1), {}));
      const Tensor query = linear(layer.query, layer.norm[1](y)).view({B, each, kModel});
      y = y + linear(layer.cross_output, attend_rows(query, cache.seen.slice(2, 0, kModel),
                                                     cache.seen.slice(2, kModel), negative));
      y = y + linear(layer.second, linear(layer.first, layer.norm[2](y)).relu_());
    }
    const Tensor from = search.advance(product(decoder_norm_(y), table_, {}));
    if (!from.defined() || t + 1 == steps) continue;
    for (Cache& cache : caches) {
      for (Tensor* const part : {&cache.keys, &cache.values}) {
        const Tensor grown = torch::empty({from.size(0), steps, kModel});
        grown.slice(1, 0, t + 1).copy_(part->slice(1, 0, t + 1).index_select(0, from));
        *part = grown;
      }
    }
  }
  return search.words();
}

void Transformer::load_layer(Layer& layer, const std::string& name, bool decoder, HeedWeights& weights) {
  const auto norm = [&](torch::nn::LayerNorm& into, const std::string& sublayer) {
    into->weight.copy_(weights.take(name + sublayer + ".norm.gain"));
    into->bias.copy_(weights.take(name + sublayer + ".norm.bias"));
  };
  norm(layer.norm[0], ".first");
  norm(layer.norm[1], ".second");
  const std::string self = name + (decoder ? ".self_attention" : ".attention");
  weights.take(layer.joint, self + ".joint");
  weights.take(layer.output, self + ".output");
  if (decoder) {
    norm(layer.norm[2], ".third");
    weights.take(layer.query, name + ".cross_attention.query");
    weights.take(layer.cross_joint, name + ".cross_attention.joint");
    weights.take(layer.cross_output, name + ".cross_attention.output");
  }
  weights.take(layer.first, name + ".feed_forward.first");
  weights.take(layer.second, name + ".feed_forward.second");
}

void Transformer::load_heed(HeedWeights& weights) {
  table_.copy_(weights.take("target_embedding.weight"));
  for (int64_t i = 0; i < kLayers; ++i) {
    load_layer(encoder_[i], "encoder" + std::to_string(i), false, weights);
    load_layer(decoder_[i], "decoder" + std::to_string(i), true, weights);
  }
  for (auto& [norm, name] :
       {std::pair(encoder_norm_, "encoder_norm"), std::pair(decoder_norm_, "decoder_norm")}) {
    norm->weight.copy_(weights.take(std::string(name) + ".gain"));
    norm->bias.copy_(weights.take(std::string(name) + ".bias"));
  }
}

}  // namespace torch_side
