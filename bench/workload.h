// What both sides of a comparison compute: names and shapes of the cases, the sizes of the translator, and
// the data. Includes neither heed nor PyTorch, so both workers read it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace workload {

// The translator of models/architectures/recurrent with its default config, and how it is trained.
constexpr int64_t kVocabulary = 8000, kEmbedding = 256, kEncoder = 256, kMemory = 2 * kEncoder,
                  kDecoder = 512, kAttention = 256;
constexpr int64_t kReadout = 512, kBatch = 64, kBatches = 12, kMaxLength = 40, kSteps = 13;
constexpr double kDropout = 0.3, kSmoothing = 0.1, kClip = 1.0, kLearningRate = 1e-3, kMeanLength = 13;
// The Transformer: models/architectures/transformer with its default sizes and one table for both sides and
// the projection.
constexpr int64_t kLayers = 4, kModel = 128, kFeedForward = 256, kHeads = 4, kBatchTokens = 4096,
                  kTokenBatches = 4, kSentences = 308;
// Attention over one long text.
constexpr int64_t kLongModel = 512, kLongHeads = 8;
constexpr int kPad = 0, kBos = 1, kEos = 2, kFirstWord = 4;

struct CaseName {
  std::string name;
  std::string shape;
  bool random = false;  // PyTorch draws other numbers, so results are not compared
};
inline const std::vector<CaseName>& case_names() {
  static const std::vector<CaseName> all = {
      {"matmul", "832x512 x 512x512"},
      {"matmul_batched", "64x13x13 x 64x13x512"},
      {"linear_fwd_bwd", "832x1280 -> 512"},
      {"embedding_fwd", "8000x256, 832 ids"},
      {"embedding_fwd_bwd", "8000x256, 832 ids"},
      {"softmax_fwd_bwd", "832x64"},
      {"cross_entropy_fwd_bwd", "832x8000, smoothing 0.1"},
      {"linear_cross_entropy_fwd_bwd", "832x512 -> 8000, smoothing 0.1"},
      {"lstm_fwd_bwd", "B64 T<=13 with lengths, 256 -> 256"},
      {"lstm512_fwd_bwd", "B64 T<=13 with lengths, 256 -> 512"},
      {"attention_lstm_fwd_bwd", "B64 T13 S13, 256 + 512 -> 512, A 256"},
      {"additive_energy_fwd_bwd", "B64 T13 S13 A256"},
      {"scaled_dot_attention_fwd_bwd", "B308 T13 S13 with lengths, D128, 4 heads"},
      {"long_attention_1024_fwd_bwd", "B1 T1024, 8 heads of 64, causal"},
      {"long_attention_4096_fwd_bwd", "B1 T4096, 8 heads of 64, causal"},
      {"layer_norm_fwd_bwd", "4004x128"},
      {"conv2d_fwd_bwd", "[32, 32, 28, 28] * [64, 32, 3, 3], padding 1"},
      {"max_pool2d_fwd_bwd", "[32, 64, 28, 28], window 2"},
      {"batch_norm_fwd_bwd", "[32, 64, 28, 28]"},
      {"dropout_fwd_bwd", "832x512, p 0.3", true},
      {"tanh_fwd_bwd", "832x512"},
      {"add_bias", "832x512 + 512"},
      {"mul", "832x512"},
      {"adam", "8000x256, 2048x768, 2048x512, 512"},
      {"tiny_adds_fwd", "1000 adds on 16 elements"},
      {"tiny_adds_fwd_bwd", "1000 adds on 16 elements"},
      {"train_step_none", "B64, vocabulary 8000, mean length 13", true},
      {"train_step_additive", "B64, vocabulary 8000, mean length 13", true},
      {"train_step_transformer", "4+4 layers, 4096 target tokens", true},
      {"decode_none_greedy_1", "16 sentences one at a time, 13 words each"},
      {"decode_none_greedy_64", "64 sentences of about 13 words, 13 words each"},
      {"decode_none_beam5_1", "8 sentences one at a time, 13 words each"},
      {"decode_none_beam5_64", "64 sentences of about 13 words, 13 words each"},
      {"decode_additive_greedy_1", "16 sentences one at a time, 13 words each"},
      {"decode_additive_greedy_64", "64 sentences of about 13 words, 13 words each"},
      {"decode_additive_beam5_1", "8 sentences one at a time, 13 words each"},
      {"decode_additive_beam5_64", "64 sentences of about 13 words, 13 words each"},
      {"decode_transformer_greedy_1", "16 sentences one at a time, 13 words each"},
      {"decode_transformer_greedy_64", "64 sentences of about 13 words, 13 words each"},
      {"decode_transformer_beam5_1", "8 sentences one at a time, 13 words each"},
      {"decode_transformer_beam5_64", "64 sentences of about 13 words, 13 words each"},
  };
  return all;
}

/// A case decode_KIND_greedy_BATCH or decode_KIND_beam5_BATCH: translating with the random weights of the
/// trainings, whose outputs would have no end and get kSteps words each.
struct DecodeCase {
  std::string kind;
  int64_t beam = 1, batch = 1, sentences = 16;
};
/// A case without a kind for another name.
inline DecodeCase decode_case(const std::string& name) {
  const std::string prefix = "decode_";
  if (name.rfind(prefix, 0) != 0) return {};
  const size_t end = name.find('_', prefix.size()), last = name.rfind('_');
  DecodeCase c;
  c.kind = name.substr(prefix.size(), end - prefix.size());
  c.beam = name.find("beam5") != std::string::npos ? 5 : 1;
  c.batch = std::stoll(name.substr(last + 1));
  c.sentences = std::max<int64_t>(c.batch, c.beam == 1 ? 16 : 8);
  return c;
}

/// What both sides of a case must agree on, each figure by itself; one where nothing else is said.
struct Figures : std::vector<double> {
  using std::vector<double>::vector;
  Figures(double only) : std::vector<double>{only} {}
};

/// One thing to time. `run` makes `calls` calls; `warm` (or run) comes once before each timed stretch;
/// `check` computes what is compared before.
struct Case {
  std::function<void()> run;
  std::function<Figures()> check;
  std::function<void()> warm;
  int calls = 1;
};

/// splitmix64 (Steele, Lea & Flood 2014): the same stream everywhere.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  double uniform() { return (static_cast<double>(next() >> 11) + 0.5) * 0x1p-53; }
  int64_t below(int64_t n) { return static_cast<int64_t>(next() % static_cast<uint64_t>(n)); }

 private:
  uint64_t state_;
};

inline std::vector<float> values(int64_t n, uint64_t seed, double scale = 1) {
  Random random(seed);
  std::vector<float> v(static_cast<size_t>(n));
  for (float& x : v) x = static_cast<float>((2 * random.uniform() - 1) * scale);
  return v;
}
inline std::vector<int64_t> ids(int64_t n, uint64_t seed, int64_t bound = kVocabulary) {
  Random random(seed);
  std::vector<int64_t> v(static_cast<size_t>(n));
  for (int64_t& x : v) x = random.below(bound);
  return v;
}
/// Lengths of a batch of nearly equal sentences, the longest `most`.
inline std::vector<int64_t> lengths(int64_t n, uint64_t seed, int64_t most) {
  Random random(seed);
  std::vector<int64_t> v(static_cast<size_t>(n), most);
  for (size_t i = 1; i < v.size(); ++i) v[i] = most - random.below(3);
  return v;
}

/// Rows of ids padded to the longest.
struct TrainBatch {
  int64_t B = 0, S = 0, T = 0;
  std::vector<int64_t> source, source_lengths, target_in, target_out, target_lengths;
};

/// Gamma-distributed lengths (shape 4) about the mean, the target's 0.8 to 1.25 of the source's; both count
/// their </s>. Sorted.
inline std::vector<std::pair<int64_t, int64_t>> sorted_lengths(int64_t count, Random& random) {
  const auto clip = [](double x) { return std::min(kMaxLength, std::max<int64_t>(3, std::lround(x))); };
  std::vector<std::pair<int64_t, int64_t>> pairs;
  for (int64_t i = 0; i < count; ++i) {
    double gamma = 0;
    for (int k = 0; k < 4; ++k) gamma -= std::log(random.uniform()) * kMeanLength / 4;
    const int64_t s = clip(gamma);
    pairs.emplace_back(s, clip(static_cast<double>(s) * (0.8 + 0.45 * random.uniform())));
  }
  std::sort(pairs.begin(), pairs.end());
  return pairs;
}

/// Random words for sentences of these lengths.
inline TrainBatch make_batch(const std::vector<std::pair<int64_t, int64_t>>& pairs, Random& random) {
  TrainBatch b;
  b.B = static_cast<int64_t>(pairs.size());
  for (const auto& [s, t] : pairs) {
    b.S = std::max(b.S, s);
    b.T = std::max(b.T, t);
  }
  for (const auto& [s, t] : pairs) {
    b.source_lengths.push_back(s);
    b.target_lengths.push_back(t);
    int64_t previous = kBos;
    for (int64_t j = 0; j < b.S; ++j) {
      b.source.push_back(j < s ? kFirstWord + random.below(kVocabulary - kFirstWord) : kPad);
    }
    for (int64_t j = 0; j < b.T; ++j) {
      const int64_t word = j + 1 < t    ? kFirstWord + random.below(kVocabulary - kFirstWord)
                           : j + 1 == t ? kEos
                                        : kPad;
      b.target_in.push_back(j < t ? previous : kPad);
      b.target_out.push_back(word);
      previous = word;
    }
  }
  return b;
}

inline void shuffle(std::vector<TrainBatch>& batches, Random& random) {
  for (size_t i = batches.size(); i > 1; --i)
    std::swap(batches[i - 1], batches[static_cast<size_t>(random.below(static_cast<int64_t>(i)))]);
}

/// Sorted by length, cut into batches of 64 sentences, shuffled: reference/torch_seq2seq.py's data with a
/// generator of its own.
inline std::vector<TrainBatch> train_batches(uint64_t seed = 1) {
  Random random(seed);
  const auto pairs = sorted_lengths(kBatch * kBatches, random);
  std::vector<TrainBatch> batches;
  for (auto first = pairs.begin(); first != pairs.end(); first += kBatch)
    batches.push_back(make_batch({first, first + kBatch}, random));
  shuffle(batches, random);
  return batches;
}

/// The same lengths in batches of kBatchTokens target tokens, padding not counted. Of three batches that lie
/// next to each other the middle one is taken: as little padding as with all twelve, in a third of the time.
inline std::vector<TrainBatch> token_batches(uint64_t seed = 1) {
  Random random(seed);
  std::vector<TrainBatch> batches;
  std::vector<std::pair<int64_t, int64_t>> open;
  int64_t tokens = 0, cut = 0;
  // more than enough
  for (const auto& pair : sorted_lengths(3 * kTokenBatches * kBatchTokens / 12, random)) {
    if (tokens + pair.second > kBatchTokens) {
      if (cut++ % 3 == 1) batches.push_back(make_batch(open, random));
      open.clear();
      tokens = 0;
    }
    open.push_back(pair);
    tokens += pair.second;
  }
  batches.resize(std::min(batches.size(), static_cast<size_t>(kTokenBatches)));
  shuffle(batches, random);
  return batches;
}

/// The first sentences of the batch whose longest is nearest to kSteps.
inline std::vector<std::vector<int64_t>> decoded_sentences(int64_t count) {
  const std::vector<TrainBatch> batches = train_batches();
  const auto away = [](const TrainBatch& b) { return std::abs(b.S - kSteps); };
  const TrainBatch& b = *std::min_element(batches.begin(), batches.end(),
                                          [&](const auto& x, const auto& y) { return away(x) < away(y); });
  std::vector<std::vector<int64_t>> sentences;
  for (int64_t i = 0; i < count; ++i) {
    const auto row = b.source.begin() + i * b.S;
    sentences.emplace_back(row, row + b.source_lengths[static_cast<size_t>(i)]);
  }
  return sentences;
}

inline std::vector<TrainBatch> batches_of(const std::string& kind) {
  return kind == "transformer" ? token_batches() : train_batches();
}

}  // namespace workload
