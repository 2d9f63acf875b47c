#include "models/evaluation/evaluation.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "models/metrics/loss.h"
#include "models/metrics/scored_text.h"
#include "models/text/context.h"

namespace heed::models {
namespace {

// Counts words and those among them that the vocabulary does not have whole.
class UnknownWords {
 public:
  explicit UnknownWords(const TextCodec& codec) : codec_(codec) {}
  void add(std::span<const std::string> words) {
    const TextCodec::Encoded encoded = codec_.encode(words);
    int last = -1;
    for (size_t i = 0; i < encoded.ids.size(); ++i) {
      if (encoded.ids[i] != Vocabulary::kUnk || encoded.word_of[i] == last) continue;
      last = encoded.word_of[i];
      ++unknown_;
    }
    all_ += words.size();
  }
  double share() const { return all_ == 0 ? 0 : static_cast<double>(unknown_) / static_cast<double>(all_); }

 private:
  const TextCodec& codec_;
  size_t unknown_ = 0, all_ = 0;
};

// Every rank translates a part of each part of the text, and gets all translations.
std::vector<Translation> translate_together(Ranks& ranks, const Translator& translator,
                                            std::span<const std::string> sources, TranslateOptions options) {
  const auto together = static_cast<size_t>(options.search.batch_size * 16 * ranks.size());
  std::vector<Translation> all;
  for (size_t at = 0; at < sources.size(); at += together) {
    const auto part = sources.subspan(at, std::min(together, sources.size() - at));
    const RankShare share(static_cast<int64_t>(part.size()), ranks.rank(), ranks.size());
    const auto begin = static_cast<size_t>(share.begin), end = static_cast<size_t>(share.end);
    options.search.first = at + begin;
    std::string records, skipped;
    if (begin < end) {
      for (const Translation& translation : translator.translate(part.subspan(begin, end - begin), options)) {
        records += to_json_line(translation) + '\n';
        skipped += translation.skipped + '\n';
      }
    }
    const std::vector<std::string> records_of = ranks.gather(records), skipped_of = ranks.gather(skipped);
    for (size_t rank = 0; rank < records_of.size(); ++rank) {
      std::istringstream lines(records_of[rank]), reasons(skipped_of[rank]);
      std::string line;
      for (int64_t number = 1; std::getline(lines, line); ++number) {
        all.push_back(parse_translation(line, fmt::format("rank {}", rank), number));
        std::getline(reasons, all.back().skipped);
      }
    }
  }
  return all;
}

// What follows from the texts and numbers of `result.scored`; by length where the lengths are known.
void add_scores(Evaluation& result, std::span<const int> lengths, std::span<const LengthBucket> buckets) {
  const Scored& scored = result.scored;
  const BleuOptions tokens{.tokenize = BleuTokenizer::none};
  for (const Metric& metric : metrics()) result.scores.push_back(metric.compute(scored));
  result.sentences = corpus_bleu_stats(scored.outputs, scored.references, tokens);
  result.bleu_interval = bootstrap(result.sentences, [](const BleuStats& sum) { return bleu_of(sum).score; });
  if (lengths.size() == scored.outputs.size())
    result.by_length = bleu_by_length(scored.outputs, scored.references, lengths, tokens, buckets);
}

}  // namespace

Evaluation evaluate(const Translator& translator, std::span<const std::string> sources,
                    std::span<const std::string> references, const std::function<double()>& clock,
                    const TranslateOptions& options, std::span<const AlignedPair> gold,
                    std::span<const LengthBucket> buckets, const std::vector<uint64_t>& documents,
                    Ranks* ranks) {
  if (sources.size() != references.size()) {
    throw ValueError("evaluate",
                     fmt::format("{} sources and {} references", sources.size(), references.size()));
  }
  if (!gold.empty() && gold.size() != sources.size()) {
    throw ValueError("evaluate", fmt::format("{} sources and {} with links", sources.size(), gold.size()));
  }
  const LoadedRun& run = translator.run();
  Evaluation result;
  Scored& scored = result.scored;
  const TextSettings &source_text = run.config.source_text, &target_text = run.config.target_text;
  const std::vector<std::string> read = with_context(sources, source_text.context, documents);
  const double begin = clock();
  result.translations =
      ranks ? translate_together(*ranks, translator, read, options) : translator.translate(read, options);
  scored.seconds = clock() - begin;
  const auto source_words = tokenize_lines(read, source_text),
             written_words =
                 tokenize_lines(with_context(references, target_text.context, documents), target_text),
             reference_words = tokenize_lines(references, target_text);
  std::vector<int> lengths;
  std::vector<EncodedPair> pairs;
  UnknownWords source_unknown(run.source), target_unknown(run.target);
  for (size_t i = 0; i < sources.size(); ++i) {
    source_unknown.add(source_words[i]);
    target_unknown.add(reference_words[i]);
    const Translation& translation = result.translations[i];
    std::vector<std::string> words = Translator::target_words(translation);
    if (target_text.context > 0) {
      const auto last = last_sentence(std::span<const std::string>(words));
      words = {last.begin(), last.end()};
    }
    scored.outputs.push_back(target_text.raw() ? scored_words(words, target_text) : join(words));
    scored.references.push_back(scored_words(reference_words[i], target_text));
    scored.output_text.push_back(translator.written(translation));
    scored.reference_text.push_back(!target_text.raw() && looks_tokenised(references[i])
                                        ? detokenize(reference_words[i], target_text)
                                        : references[i]);
    scored.attention += attention_statistics(mean_attention(translation));
    const std::span<const std::string> of_source = source_words[i];
    lengths.push_back(
        static_cast<int>(source_text.context > 0 ? last_sentence(of_source).size() : of_source.size()));
    if (source_words[i].empty() || !translation.skipped.empty()) continue;
    EncodedPair pair{encode_source(run.source, source_words[i]), run.target.encode(written_words[i]).ids};
    if (static_cast<int64_t>(pair.target.size()) <= run.model->longest_target())
      pairs.push_back(std::move(pair));
  }
  scored.source_unknown = source_unknown.share();
  scored.target_unknown = target_unknown.share();
  scored.text_tokenizer = bleu_tokenizer_of(run.config.target_text.language);
  if (target_text.raw()) scored.token_tokenizer = scored.text_tokenizer;
  scored.writes_lower_case = run.config.target_text.lowercase;
  if (!pairs.empty()) scored.loss = corpus_loss(*run.model, pairs, 64, ranks);
  if (ranks && !ranks->first()) return result;
  if (const auto alignment = gold.empty() ? std::nullopt : evaluate_alignment(translator, gold)) {
    scored.alignment = alignment->attention;
    scored.perfect_alignment = alignment->perfect;
  }
  add_scores(result, lengths, buckets);
  return result;
}

Evaluation evaluate_hypotheses(std::span<const std::string> hypotheses,
                               std::span<const std::string> references, const std::string& language,
                               std::span<const int> source_lengths, std::span<const LengthBucket> buckets) {
  if (hypotheses.size() != references.size()) {
    throw ValueError("evaluate",
                     fmt::format("{} hypotheses and {} references", hypotheses.size(), references.size()));
  }
  if (!source_lengths.empty() && source_lengths.size() != hypotheses.size()) {
    throw ValueError("evaluate", fmt::format("{} hypotheses and the lengths of {} sources", hypotheses.size(),
                                             source_lengths.size()));
  }
  Evaluation result;
  Scored& scored = result.scored;
  scored.text_tokenizer = scored.token_tokenizer = bleu_tokenizer_of(language);
  scored.output_text.assign(hypotheses.begin(), hypotheses.end());
  scored.reference_text.assign(references.begin(), references.end());
  const BleuOptions words{.tokenize = scored.text_tokenizer};
  for (size_t i = 0; i < hypotheses.size(); ++i) {
    scored.outputs.push_back(bleu_tokenize(hypotheses[i], words));
    scored.references.push_back(bleu_tokenize(references[i], words));
  }
  add_scores(result, source_lengths, buckets);
  return result;
}

const std::optional<Score>& Evaluation::score(const std::string& key) const {
  return scores.at(static_cast<size_t>(&find_metric(key) - metrics().data()));
}

double Evaluation::value(const std::string& key) const {
  const std::optional<Score>& found = score(key);
  return found ? found->value : NAN;
}

std::optional<AlignmentEvaluation> evaluate_alignment(const Translator& translator,
                                                      std::span<const AlignedPair> pairs) {
  if (!translator.run().model->has_attention()) return std::nullopt;
  std::vector<std::string> sources, targets;
  for (const AlignedPair& pair : pairs) {
    sources.push_back(join(pair.source));
    targets.push_back(join(pair.target));
  }
  const std::vector<Translation> forced = translator.force(sources, targets);
  AlignmentEvaluation result;
  for (size_t i = 0; i < pairs.size(); ++i) {
    if (!forced[i].skipped.empty()) continue;
    if (forced[i].source.tokens.size() != pairs[i].source.size() + 1 ||
        forced[i].target.tokens.size() != pairs[i].target.size() + 1) {
      throw Error("alignment",
                  fmt::format("sentence {} is not tokenised as its gold links are: '{}'", i + 1, sources[i]));
    }
    const GoldAlignment gold{pairs[i].sure, pairs[i].possible};
    result.attention += compare_links(attention_links(forced[i], translator.usual_map()), gold);
    result.perfect +=
        compare_links(perfect_attention_links(gold, static_cast<int>(pairs[i].target.size())), gold);
  }
  return result;
}

}  // namespace heed::models
