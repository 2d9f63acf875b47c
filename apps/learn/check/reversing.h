// What the training exercises share: the task of writing a sequence of letters backwards, a small translator
// for it whose attention is the learner's, and its training.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "apps/learn/learn.h"

namespace heed::learn {

/// Sequences of letters and what is to be written: the same backwards, then the end mark. Ids: 0 padding, 1
/// the begin mark, 2 the end mark, 3 and more letters.
struct Letters {
  Tensor source;   // i64 [B, S], 0 after the end
  Tensor lengths;  // i64 [B]
  Tensor target;   // i64 [B, S + 1]: the letters backwards, then 2, then 0
};
constexpr int64_t kBeginMark = 1, kEndMark = 2, kFirstLetter = 3, kLetters = 20;

/// Draws sequences from default_generator().
/// @param count B
/// @param shortest,longest their lengths, evenly drawn
Letters draw_letters(int64_t count, int64_t shortest, int64_t longest);

/// What an attention step gives.
struct Attended {
  Tensor context;  // [B, T, H]
  Tensor weights;  // [B, T, S]; undefined where there is no attention
};
/// queries [B, T, H], memory [B, S, H], lengths i64 [B] -> contexts and weights.
using AttentionStep =
    std::function<Attended(const Tensor& queries, const Tensor& memory, const Tensor& lengths)>;
/// target i64 [B, T] -> what the decoder reads in training, i64 [B, T].
using DecoderInputs = std::function<Tensor(const Tensor& target)>;

/// Reads letters with an LSTM (its states are the memory), writes with another that begins in the last state
/// of the first, and looks at the memory before each letter: Luong, Pham and Manning 2015, section 3.
class Reverser : public nn::Module {
 public:
  Reverser(int64_t hidden, AttentionStep attention, DecoderInputs inputs, const nn::Scope& scope = {});
  /// @return the loss of a batch whose targets the decoder gets as inputs() has them
  Tensor loss(const Letters& batch) const;
  /// What the model writes on its own, letter by letter.
  struct Written {
    Tensor ids;      // i64 [B, T]
    Tensor weights;  // [B, T, S]; undefined without attention
  };
  Written write(const Letters& batch) const;

 private:
  Tensor logits(const Tensor& states, const Tensor& memory, const Tensor& lengths, Tensor* weights) const;
  AttentionStep attention_;
  DecoderInputs inputs_;
  nn::Embedding source_, target_;
  nn::LSTMLayer reader_, writer_;
  nn::Linear query_, hidden_, output_;
};

/// Trains with Adam on freshly drawn batches.
/// @param say called ten times with the number of the update and the loss
void train(Reverser& model, int64_t updates, int64_t shortest, int64_t longest,
           const std::function<void(int64_t, double)>& say);

/// Writes sequences with their attention as a page of heatmap, and as records for its pictures beside it.
/// @param name of both files in output_folder(), without .html and .jsonl
/// @return the path of the page
std::string write_page(const Letters& letters, const Reverser::Written& written, const std::string& name);

}  // namespace heed::learn
