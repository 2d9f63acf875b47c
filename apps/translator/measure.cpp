#include "apps/translator/measure.h"

#include <fstream>

#include "apps/common/environment.h"

namespace heed::apps {
namespace {

// A value of another type counts as absent, so that one odd line does not cost the report.
template <class T>
T number(const nlohmann::json& record, const char* key, T otherwise) {
  const auto found = record.find(key);
  return found != record.end() && found->is_number() ? found->get<T>() : otherwise;
}

// The validations of a run's metrics.jsonl, and what its training took.
void read_metrics(const std::filesystem::path& run, ComparedModel& model) {
  std::ifstream file(run / "metrics.jsonl");
  for (std::string line; std::getline(file, line);) {
    const auto record = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!record.is_object()) continue;
    model.train_seconds = number(record, "seconds", model.train_seconds);
    model.updates = number(record, "update", model.updates);
    if (record.contains("validation_bleu") && number(record, "averaged", 0) == 0) {
      model.curve.push_back(
          {number(record, "update", int64_t{0}), number(record, "validation_bleu", 0.0), number(record, "validation_loss", 0.0)});
    }
  }
}

}  // namespace

ComparedModel measure(const Candidate& candidate, const Comparison& comparison, const std::vector<models::AlignedPair>& gold,
                      const models::TranslateOptions& options) {
  const models::Translator translator(models::load_run(candidate.run));
  ComparedModel model;
  model.name = candidate.name;
  model.description = translator.run().model->describe();
  model.parameters = translator.run().model->parameter_count();
  read_metrics(candidate.run, model);
  model.evaluation = models::evaluate(translator, comparison.sources, comparison.references, steady_seconds, options);
  if (!gold.empty()) model.alignment = models::evaluate_alignment(translator, gold);
  return model;
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
    if (&model != &first) model.against_first = models::paired_bootstrap(first.evaluation.sentences, stats, score);
    model.worst = worst_sentences(comparison, model);
  }
}

}  // namespace heed::apps
