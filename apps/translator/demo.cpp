// translator demo: compare with the built-in corpus, none and additive, and pictures of what the model with
// attention looked at.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>

#include "apps/common/environment.h"
#include "apps/common/files.h"
#include "apps/common/main_guard.h"
#include "apps/common/print.h"
#include "apps/common/streams.h"
#include "apps/heatmap/draw.h"
#include "apps/heatmap/drawing.h"
#include "apps/translator/commands.h"
#include "apps/translator/experiment/measure.h"
#include "apps/translator/experiment/plan.h"
#include "apps/translator/experiment/report.h"
#include "apps/translator/experiment/train.h"
#include "apps/translator/look.h"
#include "apps/translator/run_options.h"
#include "apps/translator/scores.h"
#include "framework/io/file.h"
#include "models/grammar/demo_corpus.h"
#include "models/run/box.h"
#include "models/run/files.h"
#include "models/run/translator.h"

namespace heed::apps {
namespace {

namespace fs = std::filesystem;

struct DemoOptions {
  std::string folder = "out/demo", json;
  int threads = 0;
  uint64_t seed = 1;
  int64_t updates = 0;  // 0: those of built_in_config
  int train_pairs = 16000, test_pairs = 1000;
  bool resume = false;
  std::vector<std::string> attention = {"none", "additive"};
};

std::string model_name(const std::string& attention) {
  return attention == "none" ? "no attention" : attention;
}

// The test sentence that uses a pattern and is nearest to the wanted length: the first of equals; nothing
// where none uses it.
std::optional<size_t> find_sentence(const models::DemoCorpus& corpus, const std::string& pattern,
                                    int length) {
  std::optional<size_t> best;
  const auto distance = [&](size_t i) {
    return std::abs(static_cast<int>(corpus.test[i].source.size()) - length);
  };
  for (size_t i = 0; i < corpus.test.size(); ++i) {
    if (std::ranges::find(corpus.test[i].patterns, pattern) == corpus.test[i].patterns.end()) continue;
    if (!best || distance(i) < distance(*best)) best = i;
  }
  return best;
}

struct Wanted {
  const char *file, *pattern;
  int length;
};

// Of a model's translations of the test set.
std::vector<std::string> draw_heatmaps(const DemoOptions& options,
                                       const std::vector<models::Translation>& translations) {
  const Wanted wanted[] = {{"separable-verb", "separable_verb", 9},
                           {"compound", "compound", 11},
                           {"perfect", "perfect", 13},
                           {"relative-clause", "relative_object", 17},
                           {"verb-final-long", "adverbial_clause", 32}};
  const models::DemoCorpus corpus =
      models::make_demo_corpus({.seed = 1, .train = options.train_pairs, .test = options.test_pairs});
  const fs::path folder = fs::path(options.folder) / "heatmaps";
  make_folder(folder);
  std::vector<std::string> paths;
  for (const Wanted& w : wanted) {
    const std::optional<size_t> sentence = find_sentence(corpus, w.pattern, w.length);
    if (!sentence) continue;
    for (const char* extension : {".svg", ".png"}) {
      paths.push_back((folder / (std::string(w.file) + extension)).string());
      heatmap::draw_file(translations[*sentence], paths.back());
    }
  }
  return paths;
}

void check_files(const DemoOptions& options) {
  const fs::path folder = options.folder;
  std::vector<NamedPath> outputs{{"--json", options.json}};
  for (const char* file : kReportFiles) outputs.push_back({"--output", (folder / file).string()});
  std::vector<std::string> runs;
  for (const std::string& attention : options.attention) runs.push_back((folder / attention).string());
  apps::check_files({.outputs = outputs, .runs = runs, .new_folders = {{"--output", options.folder}}});
  for (const std::string& run : runs) models::check_run_folder(run, /*overwrite=*/true);
  const auto is_report = [](const std::string& name) {
    return std::ranges::any_of(kReportFiles, [&](const char* file) { return name == file; });
  };
  if (report_writer(folder) == "demo") return;
  if (file_exists(folder / "report.json")) {
    throw IoError(fmt::format("'{}' was not written by translator demo; it is left alone",
                              (folder / "report.json").string()));
  }
  if (!file_exists(folder)) return;
  for (const fs::path& path : list_folder(folder)) {  // one that was stopped has its runs alone
    const std::string name = path.filename().string();
    if (name == "heatmaps" || name == "none" || name == "additive") continue;
    throw IoError(
        is_report(name)
            ? fmt::format("'{}' was not written by translator demo; it is left alone", path.string())
            : fmt::format("--output: '{}' holds '{}', which no demo wrote; choose another folder",
                          options.folder, name));
  }
}

// A trained translator of the box at work, before anything is trained.
void show_first_picture(const DemoOptions& options, nlohmann::ordered_json& report) {
  const std::vector<std::string> looks = first_looks();
  if (looks.empty()) return;  // this heed came without
  const std::string& name = looks.front();
  const Look seen = look_at("I am a student.", models::find_run(name), fs::path(options.folder) / "heatmaps",
                            "i-am-a-student");
  say("a trained translator, {} (more with translator look):\n{}\n", name,
      text_of(seen, name, terminal_width()));
  std::fflush(stdout);
  report["first_translation"] = seen.record.target.text;
  for (const std::string& path : seen.pictures) report["heatmaps"].push_back(path);
}

TrainingPlan plan_demo(const DemoOptions& options, const models::ParallelLines& train) {
  models::RunConfig config = built_in_config();
  config.train.updates = options.updates;
  config.train.seed = options.seed;
  Resumed resumed;
  if (options.resume) {
    resumed = [&](const models::RunConfig& run, const std::string& folder) {
      require_same("--updates", options.updates, run.train.updates, folder);
      require_same("--seed", std::to_string(options.seed), std::to_string(run.train.seed), folder);
      return run;
    };
  }
  TrainingPlan plan = plan_training(options.folder, options.attention, config, train, resumed);
  for (const char* file : kReportFiles) plan.reports.push_back(fs::path(options.folder) / file);
  return plan;
}

void say_table(const Comparison& comparison) {
  std::vector<std::string> names;
  std::vector<const models::Evaluation*> evaluations;
  for (const ComparedModel& model : comparison.models) {
    names.push_back(model.name);
    evaluations.push_back(&model.evaluation);
  }
  if (names.size() > 1)
    say("\nboth models: the same data, order and number of updates; only attention differs");
  say("\nBLEU on {} test sentences by source length:\n{}\n", comparison.sources.size(),
      by_length_table(names, evaluations));
  for (const ComparedModel& m : comparison.models) {
    say("{}: {} parameters, {} updates in {:.0f} s of training\n", m.name, m.parameters, m.updates,
        m.train_seconds);
    if (!m.evaluation.score("aer")) continue;
    say("{}: alignment error rate {:.2f} % against the gold links (a perfect attention under one link a "
        "word: {:.2f} %)\n",
        m.name, m.evaluation.value("aer"), m.evaluation.value("aer_perfect"));
  }
}

void demo(const DemoOptions& options) {
  if (std::ranges::count(options.attention, options.attention.front()) > 1) {
    throw CLI::ValidationError("--attention", fmt::format("{} is named twice", options.attention.front()));
  }
  check_files(options);
  heatmap::require_drawing();
  use_threads(options.threads);
  const double begin = steady_seconds();
  const Sentences sentences = built_in_sentences(options.train_pairs, options.test_pairs);
  TrainingPlan plan = plan_demo(options, sentences.train);
  nlohmann::ordered_json pictures{{"heatmaps", nlohmann::ordered_json::array()}};
  show_first_picture(options, pictures);
  say("built-in corpus: {} training, {} validation and {} test pairs of our own grammar (small data for "
      "demonstration)\n",
      sentences.train.source.size(), sentences.validation.source.size(), sentences.test.source.size());
  std::fflush(stdout);
  Comparison comparison = begin_comparison(sentences, plan.runs.front().config, {});
  if (const std::vector<FailedTraining> failed = train_planned(plan, sentences); !failed.empty()) {
    throw Error("demo", fmt::format("attention {} could not be trained", failed.front().attention));
  }
  std::vector<Candidate> candidates;
  for (const PlannedRun& run : plan.runs) candidates.push_back({model_name(run.attention), run.folder});
  measure(comparison, candidates, {});
  say_table(comparison);
  nlohmann::ordered_json report = comparison_json(comparison);
  report["seed"] = options.seed;
  report["threads"] = num_threads();
  report.update(pictures);
  say("\nheatmaps of test sentences:\n");
  for (const ComparedModel& m : comparison.models) {
    if (!m.evaluation.score("aer")) continue;
    for (const std::string& path : draw_heatmaps(options, m.evaluation.translations)) {
      report["heatmaps"].push_back(path);
      say("  {}\n", path);
    }
  }
  report["seconds"] = steady_seconds() - begin;
  write_report(options.folder, comparison, report);
  write_json(options.json, report);
  say("report: {} (and report.md, report.json)\n", (fs::path(options.folder) / "report.html").string());
}

}  // namespace

Command add_demo(CLI::App& cli) {
  const auto o = std::make_shared<DemoOptions>();
  cli.option_defaults()->take_last();  // ./run demo gives its own --output first
  cli.add_option("-o,--output", o->folder, "folder to write; only what a demo wrote before is replaced")
      ->capture_default_str();
  cli.add_option("--seed", o->seed, "seed of weights and order")->check(kWholeNumber)->capture_default_str();
  cli.add_option("--updates", o->updates, "updates of each model, 0 for the demo's own setting")
      ->check(CLI::NonNegativeNumber);
  cli.add_option("--train", o->train_pairs, "training pairs")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  cli.add_option("--test", o->test_pairs, "test pairs")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  cli.add_option("--attention", o->attention, "which models to train")
      ->check(one_of({"none", "additive"}))
      ->delimiter(',')
      ->take_all()
      ->capture_default_str();
  cli.add_flag("--resume", o->resume, "go on with a demo that was stopped");
  cli.add_option("--threads", o->threads, "threads (default: what the container allows)")
      ->check(CLI::Range(0, 1024));
  cli.add_option("--json", o->json, "also write the report here")
      ->multi_option_policy(CLI::MultiOptionPolicy::Throw);
  return [o] { demo(*o); };
}

}  // namespace heed::apps
