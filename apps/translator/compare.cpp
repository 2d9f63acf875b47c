// translator compare: models that differ in their attention alone, on one test set, in one report.
#include <fmt/format.h>

#include <fstream>
#include <memory>

#include "apps/common/environment.h"
#include "apps/common/files.h"
#include "apps/common/main_guard.h"
#include "apps/common/run_output.h"
#include "apps/translator/commands.h"
#include "apps/translator/comparison.h"
#include "apps/translator/demo_training.h"
#include "apps/translator/gold.h"
#include "apps/translator/search_options.h"
#include "framework/io/file.h"
#include "models/text/lines.h"
#include "models/training/trainer.h"

namespace heed::apps {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string folder = "out/compare", source, target, gold, json;
  std::vector<std::string> runs, attention = {"none", "additive"};
  DemoTraining training;
  int threads = 0;
  models::TranslateOptions translate;
};

struct Candidate {
  std::string name;
  fs::path run;
};

// NAME=FOLDER or FOLDER.
fs::path folder_of(const std::string& run) { return run.find('=') == std::string::npos ? run : run.substr(run.find('=') + 1); }

// The validations of a run's metrics.jsonl, and what its training took.
void read_metrics(const fs::path& run, ComparedModel& model) {
  std::ifstream file(run / "metrics.jsonl");
  for (std::string line; std::getline(file, line);) {
    const auto record = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!record.is_object()) continue;
    model.train_seconds = record.value("seconds", model.train_seconds);
    model.updates = record.value("update", model.updates);
    if (record.contains("validation_bleu") && record.value("averaged", 0) == 0) {
      model.curve.push_back(
          {record.value("update", int64_t{0}), record.value("validation_bleu", 0.0), record.value("validation_loss", 0.0)});
    }
  }
}

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

// Intervals, the comparison with the first model, the worst sentences.
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

void compare(const Options& options) {
  models::check(options.translate.search);
  if (options.runs.empty() != options.source.empty() || options.source.empty() != options.target.empty()) {
    throw CLI::ValidationError("--run",
                               "goes with --source and --target, the test sentences and their translations; without them the "
                               "models are trained on the built-in corpus");
  }
  const fs::path out = options.folder;
  check_files({.inputs = {{"--source", options.source}, {"--target", options.target}, {"--gold", options.gold}},
               .outputs = {{"--json", options.json}},
               .runs = {},
               .new_folders = {{"--out", options.folder}}});
  use_threads(options.threads);
  catch_interrupts();
  Comparison comparison;
  std::vector<Candidate> candidates;
  std::vector<models::AlignedPair> gold;
  if (options.runs.empty()) {
    const models::DemoCorpus corpus = models::make_demo_corpus({.seed = 1, .train = options.training.train_pairs});
    comparison.corpus = fmt::format("Built-in English-German corpus, {} training pairs", corpus.train.size());
    gold = corpus.test;
    for (const models::AlignedPair& pair : corpus.test) {
      comparison.sources.push_back(models::join(pair.source));
      comparison.references.push_back(models::join(pair.target));
    }
    for (const std::string& attention : options.attention) {
      const fs::path run = out / "runs" / attention;
      train_on_demo_corpus(run, demo_config(options.training, attention), corpus, attention);
      candidates.push_back({attention, run});
    }
  } else {
    models::ParallelLines lines = models::read_parallel(options.source, options.target);
    if (!options.gold.empty())
      gold = aligned_pairs(models::Translator(models::load_run(folder_of(options.runs.front()))), lines, options.gold);
    comparison.corpus = fmt::format("'{}' and '{}'", options.source, options.target);
    comparison.sources = std::move(lines.source);
    comparison.references = std::move(lines.target);
    for (const std::string& run : options.runs) {  // NAME=FOLDER or FOLDER
      const size_t at = run.find('=');
      candidates.push_back({at == std::string::npos ? fs::path(run).filename().string() : run.substr(0, at), folder_of(run)});
    }
  }
  if (comparison.sources.empty()) throw ValueError("compare: the test set has no sentences");
  const models::RunConfig config = models::load_run(candidates.front().run).config;
  for (const auto& words : models::tokenize_lines(comparison.sources, config.source_text)) {
    comparison.source_lengths.push_back(static_cast<int>(words.size()));
  }
  comparison.reference_words = models::tokenize_lines(comparison.references, config.target_text);
  comparison.buckets = models::default_length_buckets();
  const models::SearchOptions& s = options.translate.search;
  comparison.search = s.beam > 1 ? fmt::format("beam {}", s.beam) : s.temperature > 0 ? "sampled" : "greedy";
  for (const Candidate& candidate : candidates) {
    comparison.models.push_back(measure(candidate, comparison, gold, options.translate));
    fmt::print("{}: BLEU {:.2f}\n", candidate.name, comparison.models.back().evaluation.bleu.score);
    std::fflush(stdout);
  }
  add_statistics(comparison);
  std::error_code error;
  fs::create_directories(out, error);
  if (error) throw IoError(fmt::format("cannot make the folder '{}': {}", out.string(), error.message()));
  write_file_atomically(out / "bleu-by-length.svg", length_chart(comparison));
  write_file_atomically(out / "curves.svg", curve_chart(comparison));
  write_file_atomically(out / "report.md", comparison_markdown(comparison, "bleu-by-length.svg", "curves.svg"));
  write_file_atomically(out / "report.html", comparison_html(comparison));
  const nlohmann::ordered_json report = comparison_json(comparison);
  write_json((out / "report.json").string(), report);
  write_json(options.json, report);
  fmt::print("report: {} (and report.html, report.json)\n", (out / "report.md").string());
}

}  // namespace

Command add_compare(CLI::App& cli) {
  const auto o = std::make_shared<Options>();
  cli.add_option("-o,--out", o->folder, "folder of the report; only what a comparison wrote before is replaced")->capture_default_str();
  cli.add_option("-r,--run", o->runs, "a trained run, FOLDER or NAME=FOLDER, the baseline first; without: train on the built-in corpus");
  cli.add_option("-s,--source", o->source, "test sentences, with --run");
  cli.add_option("-t,--target", o->target, "their reference translations, with --run");
  cli.add_option("--gold", o->gold, "their gold alignments, with --run: adds the alignment error rate")->needs("--source");
  std::vector<std::string> kinds = nn::attention_kinds();
  kinds.insert(kinds.begin(), {"none", "none_state"});
  cli.add_option("--attention", o->attention, "what to train on the built-in corpus, the baseline first")
      ->check(CLI::IsMember(kinds))
      ->delimiter(',')
      ->capture_default_str();
  cli.add_option("--updates", o->training.updates, "updates of each model, 0 for the demo's own setting")->check(CLI::NonNegativeNumber);
  cli.add_option("--train", o->training.train_pairs, "training pairs of the built-in corpus")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  cli.add_option("--seed", o->training.seed, "seed of weights and order")->check(kWholeNumber)->capture_default_str();
  cli.add_option("--threads", o->threads, "threads (default: what the container allows)")->check(CLI::Range(0, 1024));
  cli.add_option("--json", o->json, "also write the report's JSON here");
  add_search_options(cli, o->translate);
  return [o] { compare(*o); };
}

}  // namespace heed::apps
