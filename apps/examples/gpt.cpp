// A small GPT (Radford et al. 2019) over characters: pre-norm blocks of causal self-attention, trained on a
// keeper's log, then writing on its own. Keys and values of what is written are cached, so that a new
// character costs one row of each product; the cached logits are compared with those of the whole text.
#include <heed/nn/nn.h>

#include <cmath>
#include <cstdio>
#include <memory>
#include <numbers>
#include <set>
#include <string>

#include "char_lm_text.h"

using namespace heed;

namespace {

constexpr int64_t kVocabulary = 128, kSize = 64, kHeads = 4, kLayers = 2, kContext = 64;

struct Cache {
  Tensor key, value;  // [B, positions so far, kSize]
};

struct Block : nn::Module {
  explicit Block(const nn::Scope& scope = {}) : Module(scope) {
    child("norm", norm), child("joint", joint), child("out", out);
    child("norm2", norm2), child("up", up), child("down", down);
  }
  Tensor operator()(Tensor x, Cache* cache) const {
    const std::vector<Tensor> qkv = joint(norm(x)).chunk(3, -1);
    Tensor key = qkv[1], value = qkv[2];
    if (cache) {
      if (cache->key.defined()) key = concat({cache->key, key}, 1), value = concat({cache->value, value}, 1);
      *cache = {key, value};
    }
    x += out(scaled_dot_attention(qkv[0], key, value, {}, kHeads, /*causal=*/true).context);
    return x + down(gelu(up(norm2(x)), GeluForm::tanh));
  }
  nn::LayerNorm norm{kSize}, norm2{kSize};
  nn::Linear joint{kSize, 3 * kSize}, out{kSize, kSize}, up{kSize, 4 * kSize}, down{4 * kSize, kSize};
};

struct Gpt : nn::Module {
  explicit Gpt(const nn::Scope& scope = {}) : Module(scope) {
    child("embedding", embedding), child("position", position), child("norm", norm), child("output", output);
    for (int64_t i = 0; i < kLayers; ++i)
      child("block" + std::to_string(i), *blocks.emplace_back(std::make_unique<Block>()));
  }
  // ids i64 [B, T] -> logits [B, T, V]; with caches the ids follow those of the calls before.
  Tensor operator()(const Tensor& ids, std::vector<Cache>* caches = nullptr) const {
    const int64_t before = caches && caches->front().key.defined() ? caches->front().key.size(1) : 0;
    Tensor x = embedding(ids) + position(arange(ids.size(1), DType::i64) + before);
    for (size_t i = 0; i < blocks.size(); ++i) x = (*blocks[i])(x, caches ? &(*caches)[i] : nullptr);
    return output(norm(x));
  }
  nn::Embedding embedding{kVocabulary, kSize, -1, 0.05}, position{kContext, kSize, -1, 0.05};
  std::vector<std::unique_ptr<Block>> blocks;
  nn::LayerNorm norm{kSize};
  nn::Linear output{kSize, kVocabulary};
};

Tensor loss_of(const Gpt& model, const Tensor& ids) {  // nats a character
  const Tensor logits = model(ids.index({Range{}, Range{.stop = -1}}));
  return cross_entropy(logits.reshape({-1, logits.size(-1)}),
                       ids.index({Range{}, Range{.start = 1}}).reshape({-1}));
}

}  // namespace

int main() {
  set_num_threads(1);
  manual_seed(1);
  const std::string text = kText;  // plain ASCII, whose codes are the ids
  const std::vector<int64_t> all(text.begin(), text.end());
  const Tensor ids = from_vector(all, {static_cast<int64_t>(all.size())}),
               train = ids[Range{.stop = ids.numel() * 9 / 10}],
               test = ids[Range{.start = ids.numel() * 9 / 10}];

  const Gpt model;
  nn::Adam adam(model.named_parameters(), {.weight_decay = 0.01, .decoupled = true});
  constexpr int64_t kUpdates = 250;
  const nn::Schedule schedule(nn::ScheduleKind::cosine, /*base=*/3e-3, /*warmup=*/20, /*total=*/kUpdates);
  for (int64_t update = 1; update <= kUpdates; ++update) {
    const Tensor from = (uniform({16, 1}, 0, 1) * (train.numel() - kContext)).to(DType::i64);
    const Tensor loss = loss_of(model, train[from + arange(kContext + 1, DType::i64)]);
    loss.backward();
    adam.step(schedule(update));
    adam.zero_grad();
    if (update % 100 == 0)
      std::printf("update %lld  loss %.4f\n", static_cast<long long>(update), loss.item());
  }

  const NoGradGuard no_grad;
  const int64_t rows = (test.numel() - 1) / kContext;
  const Tensor unseen =
      test[arange(rows, DType::i64).unsqueeze(1) * kContext + arange(kContext + 1, DType::i64)];
  const double bits = loss_of(model, unseen).item() / std::numbers::ln2;
  std::vector<Cache> caches(kLayers);
  Tensor written = from_vector<int64_t>({'T'}, {1, 1}), next = written;
  double difference = 0;
  for (int64_t i = 1; i < kContext; ++i) {
    const Tensor logits = model(next, &caches)[0][-1];
    difference = std::max(difference, (logits - model(written)[0][-1]).abs().amax().item());
    next = logits.argmax().reshape({1, 1});
    written = concat({written, next}, 1);
  }
  const std::vector<int64_t> codes = written.to_vector<int64_t>();
  const std::string said(codes.begin(), codes.end());
  const auto kinds = static_cast<double>(std::set<char>(text.begin(), text.end()).size());
  std::printf("%s\ncached and whole logits differ by %.1e at most\n", said.c_str(), difference);
  std::printf("%.2f bits a character on unseen text (all characters alike: %.2f)\n", bits, std::log2(kinds));
  return bits < 1.7 && difference < 1e-4 ? 0 : 1;
}
