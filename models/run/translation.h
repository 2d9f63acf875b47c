// A translation with its attention: the record that decoders write, the heatmap draws and other programs may
// read.
//
// As text it is one line of JSON (here broken for reading), version 2 (version 1 counted id from 0):
//   {"format": "heed.attention", "version": 2,
//    "id": 1,                         line of the input, from 1
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

constexpr int kTranslationVersion = 2;  // of the record, as above

/// A token of either side.
struct TranslationToken {
  std::string text;                               // the word as it was written where it is unknown
  std::optional<std::pair<size_t, size_t>> span;  // [begin, end) in bytes of the side's text
  bool eos = false;                               // the end of the sentence
  bool unk = false;                               // outside the vocabulary

  bool operator==(const TranslationToken&) const = default;
};

/// Source or target.
struct TranslationSide {
  std::string text;                      // as people write it, UTF-8
  std::vector<TranslationToken> tokens;  // as the model has it

  bool operator==(const TranslationSide&) const = default;
};

/// One map of weights.
struct AttentionWeights {
  int layer = 0;                            ///< from 0
  int head = 0;                             ///< from 0
  std::vector<std::vector<float>> weights;  ///< [T][S]; self-attention: [S][S], [T][1 + words]

  bool operator==(const AttentionWeights&) const = default;
};

/// The record.
struct Translation {
  int64_t id = 1;                                                                ///< line of the input, from 1
  std::string model;                                                             ///< what made it, as a title
  int rank = 1;                                                                  ///< 1 is the best of an n-best list
  double score = 0;                                                              ///< sum of log probabilities, nats
  TranslationSide source, target;                                                ///< text and tokens
  std::vector<AttentionWeights> attention;                                       ///< empty without attention
  std::vector<AttentionWeights> encoder_self_attention, decoder_self_attention;  ///< empty unless asked for
  std::string skipped;  ///< why a line that has words was not translated, else empty; no part of the record's text

  bool operator==(const Translation&) const = default;
};

/// The mean of all maps of `attention`.
/// @param translation any
/// @return [T][S]; empty without maps
std::vector<std::vector<float>> mean_attention(const Translation& translation);
/// The mean of maps.
/// @param maps of one kind
/// @return of their shape; empty without maps
std::vector<std::vector<float>> mean_attention(std::span<const AttentionWeights> maps);

/// The columns of the decoder's self-attention.
/// @param translation any
/// @return how many: the begin mark and the target tokens that are not the end mark
size_t decoder_columns(const Translation& translation);

/// Writes a record.
/// @param translation bytes that are not UTF-8 become U+FFFD
/// @return one line of JSON without its end
/// @throws ValueError for a score or weight that is not finite and for weights that do not fit the tokens
std::string to_json_line(const Translation& translation);

/// Reads and checks such a line.
/// @param line without its end
/// @param name,line_number file name and line number, used in error messages
/// @return the record
/// @throws FormatError `'out.jsonl' line 3: attention[0].weights[2] has 4 values, source has 5 tokens`, one line for any malformed input
Translation parse_translation(std::string_view line, std::string_view name, int64_t line_number);

}  // namespace heed::models
