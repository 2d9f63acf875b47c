// A translation with its attention: the record that decoders write, the heatmap draws and other programs may
// read.
//
// As text it is one line of JSON (here broken for reading), version 1:
//   {"format": "heed.attention", "version": 1,
//    "id": 0,                         line of the input, from 0
//    "model": "additive attention, LSTM 256",
//    "rank": 1,                       1 is the best of an n-best list
//    "score": -4.2,                   sum of the natural logarithms of the probabilities of the target tokens
//    "source": {"text": "A dog runs.",
//               "tokens": [{"text": "a", "span": [0, 1]}, ..., {"text": "</s>", "eos": true}]},
//    "target": {"text": "ein hund läuft.", "tokens": [{"text": "ein", "span": [0, 3]}, ..., {"text": "</s>",
//    "eos": true}]}, "attention": [{"layer": 0, "head": 0, "weights": [[0.9, ...], ...]}],
//    "encoder_self_attention": [...], "decoder_self_attention": [...]}    optional
// Spans are [begin, end) in bytes of the UTF-8 text beside them and lie on code points; a token that the text
// does not show has none. `unk` marks a word outside the vocabulary, whose `text` is the word as it was written
// (or `<unk>` in the target). `weights` has a row for each target token and in it a number for each source
// token, in [0, 1], rounded to 6 digits. A model without attention writes an empty list. Readers ignore keys
// they do not know; a change that old readers would misread raises `version`.
//
// Self-attention is there on request and of models that have it; its rows attend and its columns are attended
// to. `encoder_self_attention` has a row and a column for each source token, </s> included.
// `decoder_self_attention` has a row for each target token, like `attention`: what the decoder looked back at
// when it put that token out. Its columns are what it had read: first <s>, which is no token of the record, then
// each target token but </s>, which the decoder puts out and never reads. So the row of a token is zero beyond
// the token before it; only the pieces of a subword token also see the earlier pieces of that token.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace heed::models {

constexpr int kTranslationVersion = 1;

struct TranslationToken {
  std::string text;
  std::optional<std::pair<size_t, size_t>> span;
  bool eos = false;
  bool unk = false;

  bool operator==(const TranslationToken&) const = default;
};

struct TranslationSide {
  std::string text;
  std::vector<TranslationToken> tokens;

  bool operator==(const TranslationSide&) const = default;
};

struct AttentionWeights {
  int layer = 0;
  int head = 0;
  std::vector<std::vector<float>> weights;  ///< [T][S]; self-attention: [S][S], [T][1 + words]

  bool operator==(const AttentionWeights&) const = default;
};

struct Translation {
  int64_t id = 0;
  std::string model;
  int rank = 1;
  double score = 0;
  TranslationSide source, target;
  std::vector<AttentionWeights> attention;
  std::vector<AttentionWeights> encoder_self_attention, decoder_self_attention;  ///< empty unless asked for

  bool operator==(const Translation&) const = default;
};

/// The mean of all maps, of `attention` [T][S] or of a list of one kind; empty without maps.
std::vector<std::vector<float>> mean_attention(const Translation& translation);
std::vector<std::vector<float>> mean_attention(std::span<const AttentionWeights> maps);

/// <s> and the target tokens that are not </s>: the columns of the decoder's self-attention.
size_t decoder_columns(const Translation& translation);

/// One line of JSON without its end. Throws ValueError for a score or weight that is not finite and for weights
/// that do not fit the tokens; bytes that are not UTF-8 become U+FFFD.
std::string to_json_line(const Translation& translation);

/// Reads and checks such a line. Throws FormatError `'out.jsonl' line 3: attention[0].weights[2] has 4 values,
/// source has 5 tokens`, one line for any malformed input.
Translation parse_translation(std::string_view line, std::string_view name, int64_t line_number);

}  // namespace heed::models
