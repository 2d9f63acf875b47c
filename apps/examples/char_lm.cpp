// A language model of characters: an LSTM that says, after each character, how likely each next one is
// (Graves 2013, sec. 3). Trains on the first part of a text, measures bits per character on the rest, and
// writes some text of its own.
//   example_char_lm [FILE]
#include <heed/nn/nn.h>

#include <cmath>
#include <cstdio>
#include <map>
#include <numbers>
#include <string>

#include "char_lm_text.h"

using namespace heed;

namespace {

class CharLM : public nn::Module {
 public:
  struct Output {
    Tensor logits;  // [B, T, V]
    Tensor hidden, cell;
  };
  CharLM(int64_t vocabulary, int64_t hidden, const nn::Scope& scope = {})
      : Module(scope), embedding_(vocabulary, 32, -1, 0.1), lstm_(32, hidden), output_(hidden, vocabulary) {
    child("embedding", embedding_);
    child("lstm", lstm_);
    child("output", output_);
  }
  /// ids i64 [B, T]; hidden and cell as an earlier call returned them, or undefined at the beginning.
  Output operator()(const Tensor& ids, const Tensor& hidden = {}, const Tensor& cell = {}) const {
    const LSTMResult r = lstm_(embedding_(ids), {}, hidden, cell);
    return {output_(r.output), r.hidden, r.cell};
  }

 private:
  nn::Embedding embedding_;
  nn::LSTMLayer lstm_;
  nn::Linear output_;
};

/// Nats per character of predicting ids[t + 1] from ids[..t]; ids [B, T + 1].
Tensor loss_of(const CharLM& model, const Tensor& ids) {
  const int64_t length = ids.size(1) - 1;
  const Tensor logits = model(slice(ids, 1, 0, length)).logits, next = slice(ids, 1, 1, length + 1);
  return cross_entropy(reshape(logits, {-1, logits.size(-1)}), reshape(next, {-1}));
}

/// `batch` windows of a text, drawn anywhere in it -> i64 [batch, length].
Tensor windows(const std::vector<int64_t>& text, int64_t batch, int64_t length) {
  std::vector<int64_t> ids;
  for (int64_t b = 0; b < batch; ++b) {
    const auto from =
        text.begin() +
        static_cast<int64_t>(default_generator().next_below(text.size() - static_cast<size_t>(length) + 1));
    ids.insert(ids.end(), from, from + length);
  }
  return from_vector(ids, {batch, length});
}

/// Bits per character of `text` under the frequencies of characters in `counted` (each seen once more): a
/// model without context.
double unigram_bits(const std::vector<int64_t>& counted, const std::vector<int64_t>& text,
                    size_t vocabulary) {
  std::vector<double> count(vocabulary, 1);
  for (const int64_t id : counted) ++count[static_cast<size_t>(id)];
  double bits = 0;
  for (const int64_t id : text)
    bits -= std::log2(count[static_cast<size_t>(id)] / static_cast<double>(counted.size() + vocabulary));
  return bits / static_cast<double>(text.size());
}

/// Draws `length` characters, each from the model's distribution at a temperature, after `first`.
std::string sample(const CharLM& model, const std::string& characters, int64_t first, int length,
                   double temperature) {
  const NoGradGuard no_grad;
  std::string text(1, characters[static_cast<size_t>(first)]);
  CharLM::Output state;
  for (int i = 0; i < length; ++i) {
    state = model(from_vector<int64_t>({first}, {1, 1}), state.hidden, state.cell);
    const std::vector<float> p = softmax(state.logits / temperature).to_vector<float>();
    double left = uniform({1}, 0, 1, DType::f64).item();
    first = 0;
    while (first + 1 < static_cast<int64_t>(p.size()) && (left -= p[static_cast<size_t>(first)]) >= 0)
      ++first;
    text += characters[static_cast<size_t>(first)];
  }
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  std::string text = argc > 1 ? read_file(argv[1]) : kText;
  if (text.size() < 1000) {
    std::fprintf(stderr, "char_lm: %zu characters are too few to learn from\n", text.size());
    return 1;
  }
  std::map<char, int64_t> id_of;
  for (const char c : text) id_of.emplace(c, 0);
  std::string characters;
  for (auto& [c, id] : id_of) id = static_cast<int64_t>(characters.size()), characters += c;
  std::vector<int64_t> ids;
  for (const char c : text) ids.push_back(id_of[c]);
  const auto border = ids.begin() + static_cast<int64_t>(ids.size() * 85 / 100);
  const std::vector<int64_t> train(ids.begin(), border), test(border, ids.end());

  set_num_threads(1);  // so small a model gains little from a second one, and nothing on a busy machine
  manual_seed(1);
  CharLM model(static_cast<int64_t>(characters.size()), 128);
  nn::Adam adam(model.named_parameters());
  constexpr int64_t kUpdates = 200;
  const nn::Schedule schedule(nn::ScheduleKind::cosine, /*base=*/0.01, /*warmup=*/10, kUpdates,
                              /*floor=*/0.1);
  for (int64_t update = 1; update <= kUpdates; ++update) {
    const Tensor loss = loss_of(model, windows(train, 16, 65));
    loss.backward();
    adam.step(schedule(update), nn::clip_factor(nn::gradient_norm(model.parameters()), 1.0));
    adam.zero_grad();
    if (update % 40 == 0)
      std::printf("update %3lld  %.3f bits a character\n", static_cast<long long>(update),
                  loss.item() / std::numbers::ln2);
  }

  const NoGradGuard no_grad;
  const double bits =
      loss_of(model, from_vector(test, {1, static_cast<int64_t>(test.size())})).item() / std::numbers::ln2;
  const double unigram = unigram_bits(train, test, characters.size());
  std::printf(
      "text that it has not seen: %.3f bits a character; from the characters' frequencies alone %.3f\n\n%s\n",
      bits, unigram, sample(model, characters, id_of.begin()->second, 300, 0.6).c_str());
  return argc > 1 || bits < 0.42 * unigram ? 0 : 1;
}
