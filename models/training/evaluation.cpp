#include "models/training/evaluation.h"

#include <fmt/format.h>

#include <cmath>

#include "models/metrics/rates.h"
#include "models/training/trainer.h"

namespace heed::models {

Evaluation evaluate(const Translator& translator, std::span<const std::string> sources, std::span<const std::string> references,
                    const std::function<double()>& clock, const TranslateOptions& options) {
  if (sources.size() != references.size()) {
    throw ValueError(fmt::format("evaluate: {} sources and {} references", sources.size(), references.size()));
  }
  const LoadedRun& run = translator.run();
  Evaluation result;
  const double begin = clock();
  result.translations = translator.translate(sources, options);
  result.seconds = clock() - begin;
  const auto reference_words = tokenize_lines(references, run.config.target_text),
             source_words = tokenize_lines(sources, run.config.source_text);
  std::vector<std::string> outputs, wanted, outputs_text, wanted_text;
  std::vector<int> lengths;
  std::vector<EncodedPair> pairs;
  for (size_t i = 0; i < sources.size(); ++i) {
    const std::vector<std::string> words = Translator::target_words(result.translations[i]);
    outputs.push_back(join(words));
    wanted.push_back(join(reference_words[i]));
    outputs_text.push_back(result.translations[i].target.text);
    wanted_text.push_back(looks_tokenised(references[i]) ? detokenize(reference_words[i]) : references[i]);
    lengths.push_back(static_cast<int>(source_words[i].size()));
    if (!source_words[i].empty()) pairs.push_back({encode_source(run.source, source_words[i]), run.target.encode(reference_words[i]).ids});
  }
  result.bleu = corpus_bleu(outputs, wanted, {.tokenize = "none"});
  result.bleu_detokenised = corpus_bleu(outputs_text, wanted_text, {.tokenize = "13a"});
  result.sentences = corpus_bleu_stats(outputs, wanted, {.tokenize = "none"});
  result.bleu_interval = bootstrap(result.sentences, [](const BleuStats& sum) { return bleu_of(sum).score; });
  result.chrf2 = corpus_chrf(outputs_text, wanted_text);
  result.chrf_pp = corpus_chrf(outputs_text, wanted_text, {.word_order = 2});
  result.exact_match = exact_match_rate(outputs, wanted);
  for (const Translation& translation : result.translations) result.attention += attention_statistics(mean_attention(translation));
  result.by_length = bleu_by_length(outputs, wanted, lengths, {.tokenize = "none"});
  result.reference_text = std::move(wanted_text);
  if (!pairs.empty()) result.perplexity = std::exp(corpus_loss(*run.model, pairs));
  return result;
}

std::vector<AlignmentLink> attention_links(const Translation& forced) {
  std::vector<AlignmentLink> links;
  if (forced.attention.empty()) return links;
  const std::vector<std::vector<float>> weights = mean_attention(forced);
  for (size_t t = 0; t < forced.target.tokens.size(); ++t) {
    if (forced.target.tokens[t].eos) continue;
    int best = -1;
    for (size_t s = 0; s < forced.source.tokens.size(); ++s) {
      if (!forced.source.tokens[s].eos && (best < 0 || weights[t][s] > weights[t][static_cast<size_t>(best)])) best = static_cast<int>(s);
    }
    if (best >= 0) links.push_back({best, static_cast<int>(t)});
  }
  return links;
}

std::optional<AlignmentEvaluation> evaluate_alignment(const Translator& translator, std::span<const AlignedPair> pairs) {
  if (!translator.run().model->has_attention()) return std::nullopt;
  std::vector<std::string> sources, targets;
  for (const AlignedPair& pair : pairs) {
    sources.push_back(join(pair.source));
    targets.push_back(join(pair.target));
  }
  const std::vector<Translation> forced = translator.force(sources, targets);
  AlignmentEvaluation result;
  for (size_t i = 0; i < pairs.size(); ++i) {
    if (forced[i].source.tokens.size() != pairs[i].source.size() + 1 || forced[i].target.tokens.size() != pairs[i].target.size() + 1) {
      throw Error(fmt::format("alignment: sentence {} is not tokenised as its gold links are: '{}'", i + 1, sources[i]));
    }
    const GoldAlignment gold{pairs[i].sure, pairs[i].possible};
    result.attention += compare_links(attention_links(forced[i]), gold);
    result.perfect += compare_links(perfect_attention_links(gold, static_cast<int>(pairs[i].target.size())), gold);
  }
  return result;
}

}  // namespace heed::models
