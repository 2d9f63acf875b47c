#include "models/translator.h"

#include <fmt/format.h>

#include "models/training/trainer.h"

namespace heed::models {
namespace {

std::vector<std::string> texts(const std::vector<Token>& tokens) {
  std::vector<std::string> result;
  for (const Token& token : tokens) result.push_back(token.text);
  return result;
}

TranslationToken end_of_sentence() {
  TranslationToken token;
  token.text = std::string(Vocabulary::kSpecialTokens[Vocabulary::kEos]);
  token.eos = true;
  return token;
}

}  // namespace

Translation Translator::record(int64_t id, const std::string& source, const std::vector<Token>& source_tokens,
                               const std::vector<std::string>& words, const std::string* target_text,
                               const std::vector<Token>* target_tokens, const Hypothesis& hypothesis) const {
  Translation result;
  result.id = id;
  result.model = run_.model->describe();
  result.score = hypothesis.score;
  result.source.text = source;
  for (const Token& token : source_tokens) {
    const bool known = run_.source.contains(token.text);
    result.source.tokens.push_back(
        {known ? token.text : source.substr(token.begin, token.end - token.begin), std::pair(token.begin, token.end), false, !known});
  }
  result.source.tokens.push_back(end_of_sentence());
  result.target.text = target_text ? *target_text : detokenize(words);
  size_t at = 0;
  for (size_t i = 0; i < words.size(); ++i) {
    TranslationToken token;
    token.text = words[i];
    token.unk = i < hypothesis.ids.size() && hypothesis.ids[i] == Vocabulary::kUnk;
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
  if (!hypothesis.attention.empty()) result.attention.push_back({0, 0, hypothesis.attention});
  return result;
}

std::vector<Translation> Translator::translate(std::span<const std::string> lines, GreedyOptions options) const {
  std::vector<std::vector<Token>> tokens;
  std::vector<std::vector<int>> sources;
  std::vector<size_t> where;  // which line a source is; empty lines are not decoded
  for (const std::string& line : lines) {
    tokens.push_back(tokenize(line, run_.config.source_text));
    if (tokens.back().empty()) continue;
    where.push_back(tokens.size() - 1);
    sources.push_back(encode_source(run_.source, texts(tokens.back())));
  }
  const std::vector<Hypothesis> outputs = greedy_search(*run_.model, sources, options);
  std::vector<Translation> results;
  for (size_t i = 0, next = 0; i < lines.size(); ++i) {
    if (next < where.size() && where[next] == i) {
      const Hypothesis& output = outputs[next++];
      results.push_back(record(static_cast<int64_t>(i), lines[i], tokens[i], words_of(run_.target, output.ids), nullptr, nullptr, output));
    } else {
      Translation empty_line;
      empty_line.id = static_cast<int64_t>(i);
      empty_line.model = run_.model->describe();
      empty_line.source.text = lines[i];
      results.push_back(std::move(empty_line));
    }
  }
  return results;
}

std::vector<Translation> Translator::force(std::span<const std::string> sources, std::span<const std::string> targets) const {
  if (sources.size() != targets.size()) {
    throw ValueError(fmt::format("forced decoding: {} sources and {} targets", sources.size(), targets.size()));
  }
  std::vector<std::vector<Token>> source_tokens, target_tokens;
  std::vector<EncodedPair> pairs;
  for (size_t i = 0; i < sources.size(); ++i) {
    source_tokens.push_back(tokenize(sources[i], run_.config.source_text));
    target_tokens.push_back(tokenize(targets[i], run_.config.target_text));
    pairs.push_back({encode_source(run_.source, texts(source_tokens.back())), run_.target.encode(texts(target_tokens.back()))});
  }
  const std::vector<Hypothesis> outputs = forced_decoding(*run_.model, pairs);
  std::vector<Translation> results;
  for (size_t i = 0; i < sources.size(); ++i) {
    results.push_back(
        record(static_cast<int64_t>(i), sources[i], source_tokens[i], texts(target_tokens[i]), &targets[i], &target_tokens[i], outputs[i]));
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
