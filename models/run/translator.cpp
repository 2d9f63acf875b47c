#include "models/run/translator.h"

#include <fmt/format.h>

#include <cmath>

#include "models/decoding/forced.h"
#include "models/run/record.h"
#include "models/text/context.h"

namespace heed::models {

std::vector<const TranslationModel*> Translator::models() const {
  std::vector<const TranslationModel*> models{run_.model.get()};
  for (const LoadedRun& other : others_) models.push_back(other.model.get());
  return models;
}
namespace {

std::vector<std::string> texts(const std::vector<Token>& tokens) {
  std::vector<std::string> result;
  for (const Token& token : tokens) result.push_back(token.text);
  return result;
}

std::string too_long(size_t units, int64_t longest) {
  return fmt::format("{} words or pieces with the end mark, {} are read at most", units, longest);
}

}  // namespace

void Translator::join(LoadedRun run) {
  if (run.source.vocabulary != run_.source.vocabulary || run.target.vocabulary != run_.target.vocabulary) {
    throw ValueError("ensemble", "the models have different vocabularies");
  }
  others_.push_back(std::move(run));
}

SourceUnits Translator::read_source(const std::string& line) const {
  SourceUnits source;
  source.tokens = tokenize(line, run_.config.source_text);
  TextCodec::Encoded encoded = run_.source.encode(texts(source.tokens));
  source.ids = std::move(encoded.ids);
  source.word_of = std::move(encoded.word_of);
  source.ended = run_.source.ends;
  if (!source.ended) return source;
  source.ids.push_back(Vocabulary::kEos);
  source.word_of.push_back(static_cast<int>(source.tokens.size()));
  return source;
}

std::vector<std::string> Translator::unknown_source_words(const std::string& line) const {
  const SourceUnits source = read_source(line);
  std::vector<bool> unknown(source.tokens.size() + 1);  // and the end
  for (size_t i = 0; i < source.ids.size(); ++i)
    if (source.ids[i] == Vocabulary::kUnk) unknown[static_cast<size_t>(source.word_of[i])] = true;
  std::vector<std::string> words;
  for (size_t i = 0; i < source.tokens.size(); ++i) {
    const Token& token = source.tokens[i];
    if (unknown[i]) words.push_back(line.substr(token.begin, token.end - token.begin));
  }
  return words;
}

Translation Translator::record(int64_t id, const std::string& line, const SourceUnits& source,
                               const TextCodec::Decoded& output, const std::string* target_text,
                               const std::vector<Token>* target_tokens, const Hypothesis& hypothesis,
                               bool replace_unknown, const SelfAttentionMaps& self_attention) const {
  Translation result;
  result.id = id;
  result.model = run_.model->describe();
  result.score = hypothesis.score;
  result.source = source_side(line, source, run_.config.source_text);
  merge_pieces(result, *run_.model, source, output, hypothesis, self_attention);
  if (run_.source.subwords || run_.target.subwords)
    add_pieces(result, run_, source, output, hypothesis, self_attention);
  if (!result.attention.empty()) {
    if (const AttentionChoice usual = usual_map(); usual.layer >= 0)
      result.usual_map = AttentionChoice{.layer = usual.layer, .head = usual.head};
  }
  const std::vector<bool> unknown = unknown_words(output, hypothesis);
  std::vector<std::string> words = output.words;
  if (replace_unknown && !result.attention.empty())
    replace_unknown_words(words, unknown, result, source, line);
  result.target.text = target_text ? *target_text : detokenize(words, run_.config.target_text);
  place_words(result.target, words, unknown, target_tokens, run_.config.target_text);
  if (hypothesis.ended) result.target.tokens.push_back(end_of_sentence());
  return result;
}

Translation Translator::text_alone(int64_t id, const Hypothesis& hypothesis) const {
  Translation result;
  result.id = id;
  result.score = hypothesis.score;
  result.target.text = detokenize(run_.target.decode(hypothesis.ids).words, run_.config.target_text);
  return result;
}

AttentionChoice Translator::usual_map() const {
  std::call_once(usual_map_->once, [&] {
    if (!run_.folder.empty()) usual_map_->choice = usual_attention(run_.folder, run_.config, *run_.model);
  });
  return usual_map_->choice;
}

std::string Translator::written(const Translation& translation) const {
  const std::string& text = translation.target.text;
  return run_.config.target_text.context > 0 ? std::string(last_sentence(text)) : text;
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

namespace {

void require_tokens(const TranslateOptions& options) {
  if (options.tokens) return;
  if (options.replace_unknown || options.self_attention || options.best_words > 0 || options.without_words ||
      options.vectors || options.search.keep_tree)
    throw ValueError(
        "translate",
        "without tokens there is no replace_unknown, self_attention, best_words, without_words, vectors or "
        "keep_tree");
}

void require_numbers(std::span<const std::vector<Hypothesis>> outputs) {
  for (const std::vector<Hypothesis>& of_sentence : outputs) {
    for (const Hypothesis& output : of_sentence) {
      if (std::isnan(output.score))
        throw Error("translate",
                    "the model gives NaN in the place of probabilities: its weights are damaged, or "
                    "too large for its products");
    }
  }
}

}  // namespace

// The steps of those results that have words, in the order of their outputs.
void Translator::add_steps(std::vector<Translation>& results, std::span<const FinishedOutput> outputs,
                           const TranslateOptions& options) const {
  if (options.best_words < 1) return;
  const Vocabulary& units = run_.target.vocabulary;
  const auto steps = best_words(models(), outputs, options.best_words, options.search.batch_size);
  size_t next = 0;
  for (Translation& result : results) {
    if (result.source.tokens.empty()) continue;
    for (const StepWords& step : steps[next++]) {
      TranslationStep& added = result.steps.emplace_back();
      added.log_probability = step.log_probability;
      for (const ProbableId& unit : step.best)
        added.best.push_back({units.token(unit.id), unit.log_probability});
    }
  }
}

namespace {

// The first rows of x [1, N, D].
std::vector<std::vector<float>> rows_of_vectors(const Tensor& x, size_t rows) {
  std::vector<std::vector<float>> result;
  const auto size = x.size(2);
  for (size_t i = 0; i < rows; ++i) {
    const float* const at = x.data<float>() + static_cast<int64_t>(i) * size;
    result.emplace_back(at, at + size);
  }
  return result;
}

}  // namespace

void Translator::add_vectors(std::vector<Translation>& results, std::span<const FinishedOutput> outputs,
                             const TranslateOptions& options) const {
  if (!options.vectors) return;
  const NoGradGuard no_grad;
  size_t next = 0;
  for (Translation& result : results) {
    if (result.source.tokens.empty()) continue;
    const FinishedOutput& output = outputs[next++];
    const EncodedPair pair{output.source, output.target};
    const size_t source = output.source.size(), target = output.target.size() + (output.ended ? 1 : 0);
    for (const auto& layer :
         run_.model->attention_vectors(make_batch(std::span(&pair, 1), std::vector<int64_t>{0}))) {
      const size_t rows = layer.kind == 1 ? source : target,
                   columns = layer.kind == 2 ? 1 + output.target.size() : source;
      result.vectors.push_back({layer.kind, layer.layer, rows_of_vectors(layer.query, rows),
                                rows_of_vectors(layer.key, columns), rows_of_vectors(layer.value, columns)});
    }
  }
}

void Translator::add_without(std::vector<Translation>& results, const TranslateOptions& options) const {
  if (!options.without_words) return;
  TranslateOptions plain;
  plain.search = options.search;
  plain.search.n_best = 1;
  plain.tokens = plain.search.keep_attention = plain.replace_unknown = options.replace_unknown;
  plain.search.keep_tree = false;
  plain.max_source = options.max_source;
  const bool mask =
      *options.without_words == WithoutKind::mask &&
      std::ranges::all_of(models(), [](const TranslationModel* model) { return model->has_attention(); });
  for (Translation& result : results) {
    const std::string& line = result.source.text;
    std::vector<std::string> lines;
    std::vector<size_t> words;
    for (size_t i = 0; i < result.source.tokens.size(); ++i) {
      const auto& span = result.source.tokens[i].span;
      if (!span) continue;
      lines.push_back(line.substr(0, span->first) + line.substr(span->second));
      words.push_back(i);
    }
    if (result.rank > 1 || words.size() < 2) continue;
    const std::vector<Translation> others =
        mask ? translate_masked(line, words, plain) : translate(lines, plain);
    result.without_kind = mask ? WithoutKind::mask : WithoutKind::drop;
    for (size_t i = 0; i < others.size(); ++i)
      result.without.push_back({words[i], written(others[i]), others[i].score});
  }
}

// The translations of a line, of each with one of the words hidden from attention.
std::vector<Translation> Translator::translate_masked(const std::string& line, std::span<const size_t> words,
                                                      const TranslateOptions& options) const {
  const SourceUnits source = read_source(line);
  std::vector<std::vector<int>> hidden;
  for (const size_t word : words) {
    std::vector<int>& units = hidden.emplace_back();
    for (size_t i = 0; i < source.word_of.size(); ++i)
      if (source.word_of[i] == static_cast<int>(word)) units.push_back(static_cast<int>(i));
  }
  const std::vector<std::vector<int>> sources(words.size(), source.ids);
  const std::vector<std::vector<Hypothesis>> outputs = search(models(), sources, options.search, hidden);
  require_numbers(outputs);
  std::vector<Translation> results;
  for (const std::vector<Hypothesis>& best : outputs)
    results.push_back(record(1, line, source, run_.target.decode(best.front().ids), nullptr, nullptr,
                             best.front(), options.replace_unknown, {}));
  return results;
}

std::vector<Translation> Translator::translate(std::span<const std::string> lines,
                                               const TranslateOptions& options) const {
  require_tokens(options);
  if (options.self_attention) require_self_attention("translate");
  const std::vector<const TranslationModel*> models = this->models();
  int64_t longest = options.max_source > 0 ? options.max_source : INT64_MAX;
  for (const TranslationModel* model : models) longest = std::min(longest, model->longest_source());
  std::vector<SourceUnits> read;
  std::vector<std::vector<int>> sources;
  std::vector<std::optional<std::string>> skipped;  // why; those that are translated have none
  for (const std::string& line : lines) {
    SourceUnits source = read_source(line);
    const bool empty = source.tokens.empty(), long_one = static_cast<int64_t>(source.ids.size()) > longest;
    skipped.push_back(empty      ? std::optional("")
                      : long_one ? std::optional(too_long(source.ids.size(), longest))
                                 : std::nullopt);
    if (!skipped.back()) sources.push_back(source.ids);
    if (options.tokens) read.push_back(std::move(source));
  }
  const std::vector<std::vector<Hypothesis>> outputs = search(models, sources, options.search);
  require_numbers(outputs);
  std::vector<SelfAttentionMaps> own;
  if (options.self_attention) {
    std::vector<EncodedPair> pairs;
    for (size_t i = 0; i < sources.size(); ++i) {
      for (const Hypothesis& output : outputs[i]) pairs.push_back({sources[i], output.ids});
    }
    own = self_attention(*run_.model, pairs, options.search.batch_size);
  }
  std::vector<Translation> results;
  std::vector<FinishedOutput> finished;
  for (size_t i = 0, next = 0, pair = 0; i < lines.size(); ++i) {
    const auto id = static_cast<int64_t>(options.search.first + i) + 1;
    if (skipped[i]) {
      results.push_back(without_words(id, lines[i], *skipped[i]));
      continue;
    }
    int rank = 0;
    for (const Hypothesis& output : outputs[next++]) {
      if (!options.tokens) {
        results.push_back(text_alone(id, output));
        results.back().rank = ++rank;
        continue;
      }
      results.push_back(record(id, lines[i], read[i], run_.target.decode(output.ids), nullptr, nullptr,
                               output, options.replace_unknown,
                               own.empty() ? SelfAttentionMaps{} : own[pair++]));
      results.back().rank = ++rank;
      for (const BeamNode& node : output.tree)
        results.back().beam.push_back(
            {node.parent, run_.target.vocabulary.token(node.id), node.score, node.fate});
      finished.push_back({read[i].ids, output.ids, output.ended});
    }
  }
  add_steps(results, finished, options);
  add_vectors(results, finished, options);
  add_without(results, options);
  return results;
}

std::vector<Translation> Translator::force(std::span<const std::string> sources,
                                           std::span<const std::string> targets,
                                           const TranslateOptions& options) const {
  if (sources.size() != targets.size()) {
    throw ValueError(
        fmt::format("forced decoding: {} sources and {} targets", sources.size(), targets.size()));
  }
  if (options.self_attention) require_self_attention("forced decoding");
  std::vector<SourceUnits> read;
  std::vector<std::vector<Token>> target_tokens;
  std::vector<TextCodec::Decoded> wanted;
  std::vector<EncodedPair> pairs;
  std::vector<std::vector<int>> ids;  // of every target
  const int64_t longest =
      std::min(options.max_source > 0 ? options.max_source : INT64_MAX, run_.model->longest_source());
  const auto fits = [&](const SourceUnits& source, const std::vector<int>& target) {
    return static_cast<int64_t>(source.ids.size()) <= longest &&
           static_cast<int64_t>(target.size()) < longest;
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
  std::vector<FinishedOutput> finished;
  for (size_t i = 0, pair = 0; i < sources.size(); ++i) {
    const auto id = static_cast<int64_t>(options.search.first + i) + 1;
    if (!fits(read[i], ids[i])) {
      results.push_back(without_words(id, sources[i],
                                      read[i].ids.size() > static_cast<size_t>(longest)
                                          ? too_long(read[i].ids.size(), longest)
                                          : "the translation is of " + too_long(ids[i].size() + 1, longest)));
      continue;
    }
    results.push_back(record(id, sources[i], read[i], wanted[i], &targets[i], &target_tokens[i],
                             outputs[pair],
                             /*replace_unknown=*/false, own[pair]));
    if (!results.back().source.tokens.empty()) finished.push_back({read[i].ids, ids[i], true});
    ++pair;
  }
  add_steps(results, finished, options);
  add_vectors(results, finished, options);
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
