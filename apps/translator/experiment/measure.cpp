#include "apps/translator/experiment/measure.h"

#include <fmt/format.h>

#include <algorithm>

#include "apps/common/environment.h"
#include "apps/common/main_guard.h"
#include "apps/common/print.h"
#include "apps/translator/gold.h"
#include "apps/translator/scores.h"
#include "models/run/history.h"

namespace heed::apps {
namespace {

constexpr size_t kWorst = 5;  // sentences shown

// The validations of a run, and what its training took. One odd line does not cost the report.
void read_metrics(const std::filesystem::path& run, ComparedModel& model) {
  for (const models::TrainingRecord& record : models::read_history(run).records) {
    model.train_seconds = record.seconds;
    model.updates = record.update;
    if (const auto bleu = record.value("validation_bleu"); bleu && record.averaged == 0)
      model.curve.push_back({record.update, *bleu, record.value("validation_loss").value_or(0)});
  }
}

ComparedModel measure_one(const Candidate& candidate, const Comparison& comparison,
                          const models::TranslateOptions& options) {
  const models::Translator translator(models::load_run(candidate.run));
  ComparedModel model;
  model.name = candidate.name;
  model.description = translator.run().model->describe();
  model.parameters = translator.run().model->parameter_count();
  read_metrics(candidate.run, model);
  model.evaluation = models::evaluate(translator, comparison.sources, comparison.references, steady_seconds,
                                      options, comparison.gold, {}, comparison.documents);
  model.failures = models::find_failures(translator.run(), comparison.sources, model.evaluation);
  return model;
}

// The lowest by sentence BLEU among those of four words and more, with the likely causes.
std::vector<WorstSentence> worst_sentences(const Comparison& c, const ComparedModel& m) {
  std::vector<WorstSentence> all;
  for (size_t i = 0; i < c.sources.size(); ++i) {
    if (c.reference_words[i].size() < 4) continue;
    all.push_back({i, models::bleu_of(m.evaluation.sentences[i], {.effective_order = true}).score, {}});
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const WorstSentence& a, const WorstSentence& b) { return a.bleu < b.bleu; });
  all.resize(std::min(all.size(), kWorst));
  for (WorstSentence& w : all)
    w.diagnosis = models::diagnose(m.evaluation.translations[w.sentence], c.reference_words[w.sentence]);
  return all;
}

void add_statistics(Comparison& comparison) {
  const auto score = [](const models::BleuStats& sum) { return models::bleu_of(sum).score; };
  const ComparedModel& first = comparison.models.front();
  for (ComparedModel& model : comparison.models) {
    const std::vector<models::BleuStats>& stats = model.evaluation.sentences;
    for (const models::LengthBucket& bucket : comparison.buckets) {
      std::vector<models::BleuStats> part;
      for (size_t i = 0; i < stats.size(); ++i) {
        const int length = comparison.source_lengths[i];
        if (length >= bucket.min && length <= bucket.max) part.push_back(stats[i]);
      }
      model.by_length.emplace_back();
      if (!part.empty()) model.by_length.back() = models::bootstrap(part, score);
    }
    if (&model != &first)
      model.against_first = models::paired_bootstrap(first.evaluation.sentences, stats, score);
    model.worst = worst_sentences(comparison, model);
  }
}

}  // namespace

Comparison begin_comparison(const Sentences& sentences, const models::RunConfig& config,
                            const models::SearchOptions& search) {
  Comparison comparison;
  comparison.corpus = sentences.description;
  comparison.scored = sentences.scored;
  comparison.sources = sentences.test.source;
  comparison.documents = sentences.test.documents;
  comparison.references = sentences.test.target;
  for (const auto& words : models::tokenize_lines(comparison.sources, config.source_text)) {
    comparison.source_lengths.push_back(static_cast<int>(words.size()));
  }
  comparison.reference_words = models::tokenize_lines(comparison.references, config.target_text);
  for (std::vector<std::string>& words : comparison.reference_words) {
    for (std::string& word : words)
      word = models::readable(word, config.target_text);  // as a translation's are
  }
  comparison.buckets = models::default_length_buckets();
  comparison.search = search.beam > 1          ? fmt::format("beam {}", search.beam)
                      : search.temperature > 0 ? "sampled"
                                               : "greedy";
  if (!sentences.gold_name.empty())
    comparison.gold = aligned_pairs(config, sentences.test, sentences.gold, sentences.gold_name);
  return comparison;
}

void measure(Comparison& comparison, const std::vector<Candidate>& candidates,
             const models::TranslateOptions& options) {
  for (const Candidate& candidate : candidates) {
    comparison.models.push_back(measure_one(candidate, comparison, options));
    const models::Evaluation& evaluation = comparison.models.back().evaluation;
    say("{}: BLEU {:.2f}\n", candidate.name, evaluation.value("bleu"));
    for (const std::string& what : evaluation_warnings(evaluation))
      warn("translator", fmt::format("{}: {}", candidate.name, what));
    std::fflush(stdout);
    if (interrupted.load() != 0) {
      say("stopped before the report; what was trained is kept\n");
      throw Interrupted();
    }
  }
  if (!comparison.models.empty()) add_statistics(comparison);
}

}  // namespace heed::apps
