#include "models/run/translator.h"

#include <fmt/format.h>

namespace heed::models {
namespace {

std::vector<std::string> texts(const std::vector<Token>& tokens) {
  std::vector<std::string> result;
  for (const Token& token : tokens) result.push_back(token.text);
  return result;
}

std::string too_long(size_t units, int64_t longest) {
  return fmt::format("{} words or pieces with the end mark, {} are read at most", units, longest);
}

TranslationToken end_of_sentence() {
  TranslationToken token;
  token.text = std::string(Vocabulary::kSpecialTokens[Vocabulary::kEos]);
  token.eos = true;
  return token;
}

using Matrix = std::vector<std::vector<float>>;

// Weights of units as weights of words, [rows][columns]: averaged over the units of a word's row and summed over those of its column, so
// that a row still sums to one. Units beyond row_of and column_of are left out.
Matrix merged(const Matrix& units, std::span<const int> row_of, size_t rows, std::span<const int> column_of, size_t columns) {
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

std::vector<AttentionWeights> merged_maps(const std::vector<Matrix>& maps, const std::vector<AttentionMap>& names,
                                          std::span<const int> row_of, size_t rows, std::span<const int> column_of, size_t columns) {
  std::vector<AttentionWeights> result;
  for (size_t m = 0; m < maps.size(); ++m) {
    result.push_back({names[m].layer, names[m].head, merged(maps[m], row_of, rows, column_of, columns)});
  }
  return result;
}

}  // namespace

void Translator::join(LoadedRun run) {
  if (run.source.vocabulary != run_.source.vocabulary || run.target.vocabulary != run_.target.vocabulary) {
    throw ValueError("ensemble: the models have different vocabularies");
  }
  others_.push_back(std::move(run));
}

Translator::Source Translator::read_source(const std::string& line) const {
  Source source;
  source.tokens = tokenize(line, run_.config.source_text);
  TextCodec::Encoded encoded = run_.source.encode(texts(source.tokens));
  source.ids = std::move(encoded.ids);
  source.word_of = std::move(encoded.word_of);
  source.ids.push_back(Vocabulary::kEos);
  source.word_of.push_back(static_cast<int>(source.tokens.size()));
  return source;
}

Translation Translator::record(int64_t id, const std::string& line, const Source& source, const TextCodec::Decoded& output,
                               const std::string* target_text, const std::vector<Token>* target_tokens, const Hypothesis& hypothesis,
                               bool replace_unknown, const SelfAttentionMaps& self_attention) const {
  Translation result;
  result.id = id;
  result.model = run_.model->describe();
  result.score = hypothesis.score;
  result.source.text = line;
  const size_t source_words = source.tokens.size(), target_words = output.words.size();
  std::vector<bool> source_unknown(source_words), target_unknown(target_words);
  for (size_t i = 0; i + 1 < source.ids.size(); ++i) {
    if (source.ids[i] == Vocabulary::kUnk) source_unknown[static_cast<size_t>(source.word_of[i])] = true;
  }
  for (size_t i = 0; i < hypothesis.ids.size(); ++i) {
    if (hypothesis.ids[i] == Vocabulary::kUnk) target_unknown[static_cast<size_t>(output.word_of[i])] = true;
  }
  for (size_t i = 0; i < source_words; ++i) {
    const Token& token = source.tokens[i];
    result.source.tokens.push_back({source_unknown[i] ? line.substr(token.begin, token.end - token.begin) : unescape(token.text),
                                    std::pair(token.begin, token.end), false, source_unknown[i]});
  }
  result.source.tokens.push_back(end_of_sentence());
  const TranslationModel& model = *run_.model;
  std::vector<int> written = output.word_of, read{0};  // which word each position puts out; which column it reads, <s> first
  if (hypothesis.ended) written.push_back(static_cast<int>(target_words));
  for (const int word : output.word_of) read.push_back(1 + word);
  const size_t rows = target_words + (hypothesis.ended ? 1 : 0), columns = source_words + 1;
  result.attention = merged_maps(hypothesis.attention, model.attention_maps(), written, rows, source.word_of, columns);
  result.encoder_self_attention =
      merged_maps(self_attention.encoder, model.encoder_self_maps(), source.word_of, columns, source.word_of, columns);
  result.decoder_self_attention = merged_maps(self_attention.decoder, model.decoder_self_maps(), written, rows, read, 1 + target_words);
  std::vector<std::string> words = output.words;
  if (replace_unknown && !result.attention.empty()) {
    const std::vector<std::vector<float>> weights = mean_attention(result);
    for (size_t t = 0; t < target_words; ++t) {
      if (!target_unknown[t] || source_words == 0) continue;
      const auto begin = weights[t].begin();
      const auto best = static_cast<size_t>(std::max_element(begin, begin + static_cast<std::ptrdiff_t>(source_words)) - begin);
      words[t] = line.substr(source.tokens[best].begin, source.tokens[best].end - source.tokens[best].begin);
    }
  }
  result.target.text = target_text ? *target_text : detokenize(words, run_.config.target_text.language);
  size_t at = 0;
  for (size_t i = 0; i < words.size(); ++i) {
    TranslationToken token;
    token.text = unescape(words[i]);
    token.unk = target_unknown[i];
    if (target_tokens) token.span = std::pair((*target_tokens)[i].begin, (*target_tokens)[i].end);
    for (const std::string& shown : {words[i], unescape(words[i])}) {  // else where print shows it, if it does
      if (target_tokens) break;
      const size_t found = result.target.text.find(shown, at);
      if (found == std::string::npos) continue;
      token.span = std::pair(found, found + shown.size());
      at = found + shown.size();
      break;
    }
    result.target.tokens.push_back(std::move(token));
  }
  if (hypothesis.ended) result.target.tokens.push_back(end_of_sentence());
  return result;
}

Translation Translator::without_words(int64_t id, const std::string& line, std::string skipped) const {
  Translation result;
  result.id = id;
  result.model = run_.model->describe();
  result.source.text = line;
  result.skipped = std::move(skipped);
  return result;
}

void Translator::require_self_attention(const std::string& what) const {
  if (!run_.model->has_self_attention()) {
    throw ValueError(fmt::format("{}: '{}' has no self-attention", what, run_.model->describe()));
  }
}

std::vector<Translation> Translator::translate(std::span<const std::string> lines, const TranslateOptions& options) const {
  if (options.self_attention) require_self_attention("translate");
  std::vector<const TranslationModel*> models{run_.model.get()};
  for (const LoadedRun& other : others_) models.push_back(other.model.get());
  int64_t longest = options.max_source > 0 ? options.max_source : INT64_MAX;
  for (const TranslationModel* model : models) longest = std::min(longest, model->longest_source());
  std::vector<Source> read;
  std::vector<std::vector<int>> sources;
  const auto decoded = [&](const Source& source) {  // neither empty nor too long
    return !source.tokens.empty() && static_cast<int64_t>(source.ids.size()) <= longest;
  };
  for (const std::string& line : lines) {
    read.push_back(read_source(line));
    if (decoded(read.back())) sources.push_back(read.back().ids);
  }
  const std::vector<std::vector<Hypothesis>> outputs = search(models, sources, options.search);
  std::vector<EncodedPair> pairs;
  for (size_t i = 0; i < sources.size(); ++i) {
    for (const Hypothesis& output : outputs[i]) pairs.push_back({sources[i], output.ids});
  }
  std::vector<SelfAttentionMaps> own(pairs.size());
  if (options.self_attention) own = self_attention(*run_.model, pairs, options.search.batch_size);
  std::vector<Translation> results;
  for (size_t i = 0, next = 0, pair = 0; i < lines.size(); ++i) {
    const auto id = static_cast<int64_t>(options.search.first + i) + 1;
    if (!decoded(read[i])) {
      results.push_back(without_words(id, lines[i], read[i].tokens.empty() ? "" : too_long(read[i].ids.size(), longest)));
      continue;
    }
    int rank = 0;
    for (const Hypothesis& output : outputs[next++]) {
      results.push_back(
          record(id, lines[i], read[i], run_.target.decode(output.ids), nullptr, nullptr, output, options.replace_unknown, own[pair++]));
      results.back().rank = ++rank;
    }
  }
  return results;
}

std::vector<Translation> Translator::force(std::span<const std::string> sources, std::span<const std::string> targets,
                                           const TranslateOptions& options) const {
  if (sources.size() != targets.size()) {
    throw ValueError(fmt::format("forced decoding: {} sources and {} targets", sources.size(), targets.size()));
  }
  if (options.self_attention) require_self_attention("forced decoding");
  std::vector<Source> read;
  std::vector<std::vector<Token>> target_tokens;
  std::vector<TextCodec::Decoded> wanted;
  std::vector<EncodedPair> pairs;
  std::vector<std::vector<int>> ids;  // of every target
  const int64_t longest = std::min(options.max_source > 0 ? options.max_source : INT64_MAX, run_.model->longest_source());
  const auto fits = [&](const Source& source, const std::vector<int>& target) {
    return static_cast<int64_t>(source.ids.size()) <= longest && static_cast<int64_t>(target.size()) < longest;
  };
  for (size_t i = 0; i < sources.size(); ++i) {
    read.push_back(read_source(sources[i]));
    target_tokens.push_back(tokenize(targets[i], run_.config.target_text));
    const std::vector<std::string> words = texts(target_tokens.back());
    TextCodec::Encoded encoded = run_.target.encode(words);
    wanted.push_back({words, std::move(encoded.word_of)});
    if (fits(read.back(), encoded.ids)) pairs.push_back({read.back().ids, encoded.ids});
    ids.push_back(std::move(encoded.ids));
  }
  const std::vector<Hypothesis> outputs = forced_decoding(*run_.model, pairs);
  std::vector<SelfAttentionMaps> own(pairs.size());
  if (options.self_attention) own = self_attention(*run_.model, pairs);
  std::vector<Translation> results;
  for (size_t i = 0, pair = 0; i < sources.size(); ++i) {
    const auto id = static_cast<int64_t>(options.search.first + i) + 1;
    if (!fits(read[i], ids[i])) {
      results.push_back(without_words(id, sources[i], too_long(std::max(read[i].ids.size(), ids[i].size() + 1), longest)));
      continue;
    }
    results.push_back(record(id, sources[i], read[i], wanted[i], &targets[i], &target_tokens[i], outputs[pair],
                             /*replace_unknown=*/false, own[pair]));
    ++pair;
  }
  return results;
}

std::vector<std::string> Translator::target_words(const Translation& translation) {
  std::vector<std::string> words;
  for (const TranslationToken& token : translation.target.tokens) {
    if (!token.eos) words.push_back(token.text);
  }
  return words;
}

}  // namespace heed::models
