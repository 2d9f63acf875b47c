#include "models/run/record.h"

#include <algorithm>
#include <span>

#include "models/text/vocabulary.h"

namespace heed::models {
namespace {

using Matrix = std::vector<std::vector<float>>;

// Weights of units as weights of words, [rows][columns]: averaged over the units of a word's row and summed
// over those of its column, so that a row still sums to one. Units beyond row_of and column_of are left out.
Matrix merged(const Matrix& units, std::span<const int> row_of, size_t rows, std::span<const int> column_of,
              size_t columns) {
  std::vector<int> pieces(rows, 0);
  for (const int word : row_of) ++pieces[static_cast<size_t>(word)];
  Matrix words(rows, std::vector<float>(columns, 0.0F));
  for (size_t i = 0; i < row_of.size(); ++i) {
    const auto row = static_cast<size_t>(row_of[i]);
    for (size_t j = 0; j < column_of.size(); ++j) {
      float& weight = words[row][static_cast<size_t>(column_of[j])];
      weight = std::min(1.0F, weight + units[i][j] / static_cast<float>(pieces[row]));
    }
  }
  return words;
}

std::vector<AttentionWeights> merged_maps(const std::vector<Matrix>& maps,
                                          const std::vector<AttentionMap>& names, std::span<const int> row_of,
                                          size_t rows, std::span<const int> column_of, size_t columns) {
  std::vector<AttentionWeights> result;
  for (size_t m = 0; m < maps.size(); ++m) {
    result.push_back({names[m].layer, names[m].head, merged(maps[m], row_of, rows, column_of, columns)});
  }
  return result;
}

// The maps of units, without rows and columns of an end mark that the output does not have.
std::vector<AttentionWeights> unit_maps(const std::vector<Matrix>& maps,
                                        const std::vector<AttentionMap>& names, size_t rows, size_t columns) {
  std::vector<AttentionWeights> result;
  for (size_t m = 0; m < maps.size(); ++m) {
    result.push_back({names[m].layer, names[m].head, maps[m]});
    result.back().weights.resize(rows);
    for (std::vector<float>& row : result.back().weights) row.resize(columns);
  }
  return result;
}

std::vector<TranslationPiece> pieces_of(const Vocabulary& vocabulary, std::span<const int> ids,
                                        std::span<const int> word_of) {
  std::vector<TranslationPiece> pieces;
  for (size_t i = 0; i < ids.size(); ++i)
    pieces.push_back({vocabulary.token(ids[i]), static_cast<size_t>(word_of[i])});
  return pieces;
}

}  // namespace

void add_pieces(Translation& record, const LoadedRun& run, const SourceUnits& source,
                const TextCodec::Decoded& output, const Hypothesis& hypothesis,
                const SelfAttentionMaps& self_attention) {
  TranslationPieces& pieces = record.pieces.emplace();
  pieces.source = pieces_of(run.source.vocabulary, source.ids, source.word_of);
  pieces.target = pieces_of(run.target.vocabulary, hypothesis.ids, output.word_of);
  if (hypothesis.ended) pieces.target.push_back({end_of_sentence().text, output.words.size()});
  const size_t read = pieces.source.size(), written = pieces.target.size();
  pieces.attention = unit_maps(hypothesis.attention, run.model->attention_maps(), written, read);
  pieces.encoder_self_attention =
      unit_maps(self_attention.encoder, run.model->encoder_self_maps(), read, read);
  pieces.decoder_self_attention =
      unit_maps(self_attention.decoder, run.model->decoder_self_maps(), written, 1 + hypothesis.ids.size());
}

TranslationToken end_of_sentence() {
  TranslationToken token;
  token.text = std::string(Vocabulary::kSpecialTokens[Vocabulary::kEos]);
  token.eos = true;
  return token;
}

TranslationSide source_side(const std::string& line, const SourceUnits& source,
                            const TextSettings& settings) {
  TranslationSide side;
  side.text = line;
  std::vector<bool> unknown(source.tokens.size());
  for (size_t i = 0; i + (source.ended ? 1 : 0) < source.ids.size(); ++i) {
    if (source.ids[i] == Vocabulary::kUnk) unknown[static_cast<size_t>(source.word_of[i])] = true;
  }
  for (size_t i = 0; i < source.tokens.size(); ++i) {
    const Token& token = source.tokens[i];
    side.tokens.push_back(
        {unknown[i] ? line.substr(token.begin, token.end - token.begin) : readable(token.text, settings),
         std::pair(token.begin, token.end), false, unknown[i]});
  }
  if (source.ended) side.tokens.push_back(end_of_sentence());
  return side;
}

std::vector<bool> unknown_words(const TextCodec::Decoded& output, const Hypothesis& hypothesis) {
  std::vector<bool> unknown(output.words.size());
  for (size_t i = 0; i < hypothesis.ids.size(); ++i) {
    if (hypothesis.ids[i] == Vocabulary::kUnk) unknown[static_cast<size_t>(output.word_of[i])] = true;
  }
  return unknown;
}

void merge_pieces(Translation& record, const TranslationModel& model, const SourceUnits& source,
                  const TextCodec::Decoded& output, const Hypothesis& hypothesis,
                  const SelfAttentionMaps& self_attention) {
  const size_t source_words = source.tokens.size(), target_words = output.words.size();
  // which word each position puts out; which column it reads, <s> first
  std::vector<int> written = output.word_of, read{0};
  if (hypothesis.ended) written.push_back(static_cast<int>(target_words));
  for (const int word : output.word_of) read.push_back(1 + word);
  const size_t rows = target_words + (hypothesis.ended ? 1 : 0),
               columns = source_words + (source.ended ? 1 : 0);
  record.attention =
      merged_maps(hypothesis.attention, model.attention_maps(), written, rows, source.word_of, columns);
  record.encoder_self_attention = merged_maps(self_attention.encoder, model.encoder_self_maps(),
                                              source.word_of, columns, source.word_of, columns);
  record.decoder_self_attention =
      merged_maps(self_attention.decoder, model.decoder_self_maps(), written, rows, read, 1 + target_words);
}

void replace_unknown_words(std::vector<std::string>& words, const std::vector<bool>& unknown,
                           const Translation& record, const SourceUnits& source, const std::string& line) {
  if (source.tokens.empty()) return;
  const std::vector<std::vector<float>> weights = mean_attention(record);
  for (size_t t = 0; t < words.size(); ++t) {
    if (!unknown[t]) continue;
    const auto begin = weights[t].begin();
    const auto best =
        std::max_element(begin, begin + static_cast<std::ptrdiff_t>(source.tokens.size())) - begin;
    const Token& token = source.tokens[static_cast<size_t>(best)];
    words[t] = line.substr(token.begin, token.end - token.begin);
  }
}

void place_words(TranslationSide& side, const std::vector<std::string>& words,
                 const std::vector<bool>& unknown, const std::vector<Token>* tokens,
                 const TextSettings& settings) {
  size_t at = 0;
  for (size_t i = 0; i < words.size(); ++i) {
    TranslationToken token;
    token.text = readable(words[i], settings);
    token.unk = unknown[i];
    if (tokens) token.span = std::pair((*tokens)[i].begin, (*tokens)[i].end);
    // else where print shows it, if it does
    for (const std::string& shown : {token.text, words[i]}) {
      if (tokens) break;
      const size_t found = side.text.find(shown, at);
      if (found == std::string::npos) continue;
      token.span = std::pair(found, found + shown.size());
      at = found + shown.size();
      break;
    }
    side.tokens.push_back(std::move(token));
  }
}

}  // namespace heed::models
