// Several threads at once: one model that all of them read, and a model of each one's own in training. What a
// thread computes may not depend on what the others do, to the bit. ThreadSanitizer runs these as well.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <thread>

#include "nn/nn.h"
#include "tests/testing/close.h"

namespace heed::nn {
namespace {

constexpr int64_t kBatch = 5, kSource = 7, kTarget = 6, kVocabulary = 30, kWidth = 16;
constexpr int kThreads = 4;

// A translator in small: a bidirectional LSTM over the source, an LSTM over the target, additive attention
// between the two.
class Translator : public Module {
 public:
  explicit Translator(const Scope& scope = {})
      : Module(scope),
        embedding_(kVocabulary, kWidth, 0),
        encoder_(kWidth, kWidth, {.layers = 2, .bidirectional = true, .dropout = 0.2}),
        decoder_(kWidth, kWidth),
        attention_(kWidth, 2 * kWidth, kWidth),
        dropout_(0.3),
        readout_(3 * kWidth, kVocabulary) {
    child("embedding", embedding_);
    child("encoder", encoder_);
    child("decoder", decoder_);
    child("attention", attention_);
    child("dropout", dropout_);
    child("readout", readout_);
  }
  // source [B, S], lengths [B], target [B, T] -> logits [B T, V].
  Tensor operator()(const Tensor& source, const Tensor& lengths, const Tensor& target) const {
    const Attention::Memory memory =
        attention_.prepare(encoder_(embedding_(source), lengths).output, lengths);
    const Tensor hidden = decoder_(embedding_(target), {}).output;
    const Tensor context = attention_.attend(hidden, memory).context;
    return reshape(readout_(dropout_(concat(std::vector{hidden, context}, 2))),
                   {kBatch * kTarget, kVocabulary});
  }

 private:
  Embedding embedding_;
  LSTM encoder_, decoder_;
  AdditiveAttention attention_;
  Dropout dropout_;
  Linear readout_;
};

struct Sentences {
  Tensor source, lengths, target, next;
  Sentences() {
    source = ids({kBatch, kSource});
    target = ids({kBatch, kTarget});
    next = ids({kBatch * kTarget});
    lengths = from_vector<int64_t>({7, 6, 3, 1, 7}, {kBatch});
  }
  static Tensor ids(const Shape& shape) {
    std::vector<int64_t> values;
    for (int64_t i = 0; i < shape.numel(); ++i)
      values.push_back(1 + static_cast<int64_t>(default_generator().next_below(kVocabulary - 1)));
    return from_vector(values, shape);
  }
};

void on_threads(const std::function<void(int)>& f) {
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back(f, i);
  for (std::thread& thread : threads) thread.join();
}

TEST(Threads, InferOnOneModelAtTheSameTime) {
  manual_seed(11);
  Translator model;
  model.train(false);
  std::vector<Sentences> work(12);
  const auto infer = [&](const Sentences& s) {
    const InferenceGuard inference;
    return softmax(model(s.source, s.lengths, s.target)).to_vector<float>();
  };
  std::vector<std::vector<float>> alone;
  for (const Sentences& s : work) alone.push_back(infer(s));
  EXPECT_NE(alone[0], alone[1]);
  std::vector<int> equal(kThreads, 0);
  on_threads([&](int thread) {
    // each begins elsewhere, so that all sentences are in work at once
    for (size_t i = 0; i < work.size(); ++i) {
      const size_t at = (i + 3 * static_cast<size_t>(thread)) % work.size();
      equal[static_cast<size_t>(thread)] += infer(work[at]) == alone[at];
    }
  });
  EXPECT_EQ(equal, std::vector<int>(kThreads, static_cast<int>(work.size())));
}

// Losses of eight steps and the parameters after them.
std::vector<float> trained(uint64_t seed) {
  manual_seed(seed);
  Translator model;
  Adam optimizer(model.named_parameters());
  const std::vector<Tensor> parameters = model.parameters();
  const std::vector<Sentences> batches(2);
  std::vector<float> result;
  for (size_t step = 0; step < 8; ++step) {
    const Sentences& batch = batches[step % 2];
    optimizer.zero_grad();
    const Tensor loss =
        cross_entropy(model(batch.source, batch.lengths, batch.target), batch.next, {.label_smoothing = 0.1});
    loss.backward();
    optimizer.step(1e-2, clip_factor(gradient_norm(parameters), 1.0));
    result.push_back(static_cast<float>(loss.item()));
  }
  for (const Tensor& p : parameters) {
    const std::vector<float> values = p.to_vector<float>();
    result.insert(result.end(), values.begin(), values.end());
  }
  return result;
}

TEST(Threads, TrainAModelEachAtTheSameTime) {
  std::vector<std::vector<float>> alone, together(kThreads);
  for (int i = 0; i < kThreads; ++i) alone.push_back(trained(static_cast<uint64_t>(i)));
  EXPECT_LT(alone[0][7], alone[0][0]);
  EXPECT_NE(alone[0], alone[1]);
  on_threads(
      [&](int thread) { together[static_cast<size_t>(thread)] = trained(static_cast<uint64_t>(thread)); });
  for (size_t i = 0; i < alone.size(); ++i) EXPECT_EQ(together[i] == alone[i], true) << "thread " << i;
}

// Values and graphs may be handed from thread to thread: made here, walked there, freed elsewhere.
TEST(Threads, HandAGraphOver) {
  manual_seed(3);
  // large enough for each thread to have a team of its own
  const Tensor x = randn({100'000}).set_requires_grad(true);
  for (int round = 0; round < 20; ++round) {
    x.zero_grad();
    Tensor y;
    std::thread([&] { y = sum(square(tanh(x))); }).join();
    std::thread([&] { y.backward(); }).join();
    std::thread([moved = std::move(y)]() mutable { moved = Tensor{}; }).join();
    const std::vector<float> found = x.grad().to_vector<float>();
    x.zero_grad();
    sum(square(tanh(x))).backward();
    ASSERT_EQ(found, x.grad().to_vector<float>());
  }
}

// Each thread its own batch through one model whose parameters all of them share.
TEST(Threads, SharedParametersGiveEachThreadItsGradients) {
  const Linear first(8, 16), second(16, 1);
  std::vector<Tensor> parameters = first.parameters();
  for (const Tensor& p : second.parameters()) parameters.push_back(p);
  const auto loss_of = [&](int64_t k) {
    return sum(second(relu(first(full({4, 8}, 0.1 * static_cast<double>(k + 1))))));
  };
  std::vector<std::vector<Tensor>> expected;
  for (int k = 0; k < kThreads; ++k)
    expected.push_back(grad({loss_of(k)}, std::span<const Tensor>(parameters)));
  std::atomic<int> wrong{0};
  constexpr int kRounds = 300;
  const auto work = [&](int k) {
    for (int round = 0; round < kRounds; ++round) {
      const std::vector<Tensor> got = grad({loss_of(k)}, std::span<const Tensor>(parameters));
      for (size_t i = 0; i < got.size(); ++i)
        if (got[i].to_vector<float>() != expected[static_cast<size_t>(k)][i].to_vector<float>()) ++wrong;
      loss_of(k).backward();
    }
  };
  std::vector<std::thread> threads;
  for (int k = 0; k < kThreads; ++k) threads.emplace_back(work, k);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  for (size_t i = 0; i < parameters.size(); ++i) {  // in any order
    Tensor total = zeros(parameters[i].shape());
    for (const auto& of_thread : expected) total = total + of_thread[i] * static_cast<double>(kRounds);
    EXPECT_TRUE(all_close(parameters[i].grad(), total, 1e-3, 1e-3)) << i;
  }
}

}  // namespace
}  // namespace heed::nn
