// A translation with its attention: the record that decoders write and that the heatmap and other programs
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
//    "target": {"text": "ein hund läuft.",
//               "tokens": [{"text": "ein", "span": [0, 3]}, ..., {"text": "</s>", "eos": true}]},
//    "attention": [{"layer": 0, "head": 0, "weights": [[0.9, ...], ...]}],
//    "encoder_self_attention": [...], "decoder_self_attention": [...],    optional
//    "pieces": {"source": [{"text": "▁A", "word": 0}, ..., {"text": "</s>", "word": 3}], "target": [...],
//               "attention": [...]}}       of a model with subwords: what it reads and writes, as pieces of
//                                          words; `word` is the index of a piece's token
//   "usual_map": {"layer": 2, "head": 0}   what pictures of `attention` show unless told, where a map was
//                                    chosen for the run or its training guided one; without "head" the
//                                    layer's mean
// Five more keys are written on request, and optional:
//   "steps": [{"log_probability": -0.1, "best": [{"text": "▁Je", "log_probability": -0.1}, ...]}, ...]
//                                    a step for each target unit (piece of a model with subwords, else
//                                    token): its probability, and what was most probable there
//   "beam": [{"parent": -1, "text": "▁Je", "score": -0.1, "fate": "kept"}, ...]
//                                    every hypothesis that the beam looked at; `parent` is an earlier one or
//                                    -1; kept, pruned or ended
//   "without": [{"word": 0, "text": "suis étudiant.", "score": -2.5}, ...]
//                                    the translation without a source token
//   "without_kind": "mask"           how: with the token where it is but hidden from attention, or with it
//                                    left out, "drop", which records without this key mean
//   "vectors": [{"kind": "attention", "layer": 0, "query": [[...], ...], "key": [[...], ...], "value":
//   [[...], ...]}, ...]
//                                    what the maps of that key are computed from, rows and columns as in the
//                                    maps (of pieces where there are): head h has the h-th part of each
//                                    vector, its weights are softmax(q k / sqrt(size of a part))
// Spans are [begin, end) in bytes of the UTF-8 text next to them and start and end at code points; a token
// that does not occur in the text has no span. `unk` marks a word outside the vocabulary, whose `text` is the
// word as written in the source (or `<unk>` in the target). `weights` has a row for each target token, with a
// number for each source token, in [0, 1], rounded to 6 digits. A model without attention writes an empty
// list. Readers ignore keys they do not know; a change that old readers would misread raises `version`.
//
// Self-attention is written on request, for models that have it; the token of a row attends to those of the
// columns. `encoder_self_attention` has a row and a column for each source token, </s> included.
// `decoder_self_attention` has a row for each target token, like `attention`: what the decoder attended to
// when it output that token. Its columns are the decoder's inputs so far: first <s>, which is not a token of
// the record, then each target token except </s>, which is output and never read. So a row is zero beyond the
// column of the token before it; only the pieces of a subword token also attend to the earlier pieces of that
// token.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "models/decoding/hypothesis.h"
#include "models/run/attention_choice.h"

namespace heed::models {

constexpr int kTranslationVersion = 2;  // version of the record format described above

/// A token of source or target.
struct TranslationToken {
  std::string text;                               // the token; for an unknown word its original text
  std::optional<std::pair<size_t, size_t>> span;  // [begin, end) in bytes of the side's text
  bool eos = false;                               // whether it is the end mark
  bool unk = false;                               // whether it is outside the vocabulary

  bool operator==(const TranslationToken&) const = default;
};

/// One side of a translation: source or target.
struct TranslationSide {
  std::string text;                      // ordinary text, UTF-8
  std::vector<TranslationToken> tokens;  // the tokens of the model

  bool operator==(const TranslationSide&) const = default;
};

/// One map of attention weights.
struct AttentionWeights {
  int layer = 0;                            ///< from 0
  int head = 0;                             ///< from 0
  std::vector<std::vector<float>> weights;  ///< [T][S]; encoder self-attention [S][S], decoder [T][1 + words]

  bool operator==(const AttentionWeights&) const = default;
};

/// What a model with subwords reads and writes: a piece of a word.
struct TranslationPiece {
  std::string text;  // as the vocabulary has it; U+2581 begins a word
  size_t word = 0;   // index of its token

  bool operator==(const TranslationPiece&) const = default;
};

/// The pieces of a translation and the attention between them; lists of maps as in Translation, with a row
/// and a column a piece.
struct TranslationPieces {
  std::vector<TranslationPiece> source, target;  // in order, the end mark last
  std::vector<AttentionWeights> attention;       // empty without attention
  std::vector<AttentionWeights> encoder_self_attention, decoder_self_attention;  // empty unless requested

  bool operator==(const TranslationPieces&) const = default;
};

/// A unit of the target and the natural logarithm of its probability.
struct ProbableUnit {
  std::string text;            // as the vocabulary has it
  double log_probability = 0;  // at most 0, but for rounding

  bool operator==(const ProbableUnit&) const = default;
};
/// A step of decoding: what was output with which probability, and what was most probable.
struct TranslationStep {
  double log_probability = 0;      // of the unit that was output
  std::vector<ProbableUnit> best;  // the best first

  bool operator==(const TranslationStep&) const = default;
};
/// A hypothesis that a beam looked at.
struct TranslationBranch {
  int64_t parent = -1;             // index of an earlier branch; -1 at the start
  std::string text;                // its last unit
  double score = 0;                // sum of natural log probabilities
  BeamFate fate = BeamFate::kept;  // what became of it

  bool operator==(const TranslationBranch&) const = default;
};
/// How a source word is taken away: mask, it stays in its place, but attention may not look at it; drop, it
/// is left out of the sentence.
enum class WithoutKind : uint8_t { mask, drop };
/// The names of WithoutKind.
template <>
inline constexpr std::array<std::string_view, 2> kNames<WithoutKind>{"mask", "drop"};

/// The translation of the source without a token.
struct TranslationWithout {
  size_t word = 0;   // index of the source token
  std::string text;  // the translation
  double score = 0;  // its score

  bool operator==(const TranslationWithout&) const = default;
};

/// What a layer's attention is computed from; vectors of all heads beside each other.
struct TranslationVectors {
  int kind = 0;                                       // 0: attention, 1, 2: encoder_, decoder_self_attention
  int layer = 0;                                      // from 0
  std::vector<std::vector<float>> query, key, value;  // [rows][D], [columns][D] twice

  bool operator==(const TranslationVectors&) const = default;
};

/// A translation with its attention.
struct Translation {
  int64_t id = 1;                           // line of the input, from 1
  std::string model;                        ///< description of the model
  int rank = 1;                             // 1 is the best of an n-best list
  double score = 0;                         // sum of natural log probabilities
  TranslationSide source, target;           ///< text and tokens
  std::vector<AttentionWeights> attention;  ///< empty without attention
  std::vector<AttentionWeights> encoder_self_attention, decoder_self_attention;  ///< empty unless requested
  std::optional<AttentionChoice> usual_map;  ///< which of `attention` pictures show; none: the mean of all
  std::optional<TranslationPieces> pieces;   ///< of a model with subwords
  std::vector<TranslationStep> steps;        ///< empty, or one for each piece or token of the target
  std::vector<TranslationBranch> beam;       ///< empty, or the tree of a beam
  std::vector<TranslationWithout> without;   ///< empty unless requested
  WithoutKind without_kind = WithoutKind::drop;  ///< how these are without their token
  std::vector<TranslationVectors> vectors;       ///< empty unless requested
  std::string skipped;  ///< why a line was not translated, else empty; not part of the written record

  bool operator==(const Translation&) const = default;
};

/// The mean of all maps of `attention`.
/// @param translation any translation
/// @return [T][S]; empty without maps
std::vector<std::vector<float>> mean_attention(const Translation& translation);
/// The mean of several maps.
/// @param maps maps of one shape
/// @return their mean; empty without maps
std::vector<std::vector<float>> mean_attention(std::span<const AttentionWeights> maps);

/// Puts the pieces of a translation in the place of its words, so that what draws or reads the attention of
/// words does so for pieces.
/// @param translation translation of a model with subwords
/// @return the same with a token a piece
/// @throws ValueError if it has no pieces
Translation by_pieces(const Translation& translation);

/// The number of columns of the decoder's self-attention.
/// @param translation any translation
/// @return 1 for the begin mark plus the number of target tokens without the end mark
size_t decoder_columns(const Translation& translation);

/// Writes a record as JSON.
/// @param translation the record; bytes that are not UTF-8 become U+FFFD
/// @return one line of JSON without a newline
/// @throws ValueError for a score or weight that is not finite and for weights that do not fit the tokens
std::string to_json_line(const Translation& translation);

/// Parses and checks a line written by to_json_line or another program.
/// @param line the line, without a newline
/// @param name,line_number file name and line number, used in error messages
/// @return the record
/// @throws FormatError `'out.jsonl' line 3: attention[0].weights[2] has 4 values, source has 5 tokens`, one
/// line for any malformed input
Translation parse_translation(std::string_view line, std::string_view name, int64_t line_number);

}  // namespace heed::models
