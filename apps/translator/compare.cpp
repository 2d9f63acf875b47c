// translator compare: models that differ in their attention alone, on one test set, in one report.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <tuple>

#include "apps/common/environment.h"
#include "apps/common/files.h"
#include "apps/common/main_guard.h"
#include "apps/common/print.h"
#include "apps/common/run_option.h"
#include "apps/common/streams.h"
#include "apps/heatmap/drawing.h"
#include "apps/translator/commands.h"
#include "apps/translator/corpus_option.h"
#include "apps/translator/experiment/measure.h"
#include "apps/translator/experiment/plan.h"
#include "apps/translator/experiment/report.h"
#include "apps/translator/experiment/train.h"
#include "apps/translator/pairs.h"
#include "apps/translator/preset.h"
#include "apps/translator/run_options.h"
#include "apps/translator/search_options.h"
#include "apps/translator/training.h"
#include "framework/io/file.h"
#include "models/run/box.h"
#include "models/run/files.h"
#include "models/run/folder.h"
#include "models/text/counted.h"
#include "models/text/lines.h"

namespace heed::apps {
namespace {

namespace fs = std::filesystem;

struct CompareOptions {
  const CLI::App* app = nullptr;
  std::string folder = "out/compare", corpus_folder, gold, json;
  std::optional<Corpus> corpus;  // of --corpus
  models::PairFiles files;
  std::string test_source, test_target;
  std::vector<std::string> run_texts, attention = {"none", "additive"};
  std::vector<NamedRun> runs;  // of run_texts
  RunOptions run;
  int train_pairs = 16000, threads = 0;
  bool resume = false, overwrite = false;
  models::TranslateOptions translate;

  bool given(const char* option) const { return app->count(option) > 0; }
  bool on_files() const { return runs.empty() && !files.source.empty(); }
};

fs::path runs_of(const CompareOptions& options) { return fs::path(options.folder) / "runs"; }

[[noreturn]] void wrong_usage(const std::string& option, const std::string& why) {
  throw CLI::ValidationError(option, why);
}

void check_pair(const char* a_name, const std::string& a, const char* b_name, const std::string& b) {
  if (a.empty() == b.empty()) return;
  wrong_usage(a.empty() ? a_name : b_name, fmt::format("is missing; {} and {} go together", a_name, b_name));
}

// Trained runs: what belongs to training has no meaning.
void check_trained_usage(const CompareOptions& o) {
  if (o.files.source.empty() == o.test_source.empty()) {
    wrong_usage("--test-source",
                "with --run, give the test sentences and their translations: --test-source and --test-target "
                "(or -s and -t)");
  }
  for (const char* option : {"--attention", "--valid-source", "--train", "--resume"}) {
    if (o.given(option)) wrong_usage(option, "belongs to training, and with --run nothing is trained");
  }
  for (const std::string& option : o.run.given()) {
    wrong_usage(option, "belongs to training, and with --run nothing is trained");
  }
  if (config_of_preset(*o.app) != models::RunConfig{})
    wrong_usage("--config", "is the config of a run, and with --run nothing is trained");
}

// Runs that are scored on the same sentences.
void check_languages(const std::vector<NamedRun>& runs) {
  const auto config_of = [](const NamedRun& run) {
    const fs::path file = run.folder / models::run_files::kConfig;
    return models::parse_run_config(read_file(file), file.string());
  };
  const models::RunConfig first = config_of(runs.front());
  for (const NamedRun& run : runs) {
    const models::RunConfig config = config_of(run);
    for (const auto& [side, own, of_first] :
         {std::tuple("source", &config.source_text.language, &first.source_text.language),
          std::tuple("target", &config.target_text.language, &first.target_text.language)}) {
      if (!own->empty() && !of_first->empty() && *own != *of_first)
        throw ValueError("run", fmt::format("'{}' has {} as its {} language, '{}' {}", run.folder.string(),
                                            *own, side, runs.front().folder.string(), *of_first));
    }
  }
}

void check_usage(const CompareOptions& o) {
  check_pair("--source", o.files.source, "--target", o.files.target);
  check_pair("--valid-source", o.files.valid_source, "--valid-target", o.files.valid_target);
  check_pair("--test-source", o.test_source, "--test-target", o.test_target);
  if (!o.runs.empty()) return check_trained_usage(o);
  if (o.on_files()) {
    if (o.files.valid_source.empty())
      wrong_usage("--valid-source", "is missing; the models are trained with validation sentences");
    if (o.given("--train"))
      wrong_usage("--train", "is the size of the built-in corpus, in the place of --source and --target");
  } else {
    for (const char* option : {"--valid-source", "--test-source", "--gold"}) {
      if (o.given(option))
        wrong_usage(option, "needs --source and --target, or --run; the built-in corpus has its own");
    }
  }
  for (size_t i = 0; i < o.attention.size(); ++i) {
    if (std::count(o.attention.begin(), o.attention.end(), o.attention[i]) > 1) {
      wrong_usage("--attention", fmt::format("{} is named twice", o.attention[i]));
    }
  }
  if (const models::RunConfig config = o.run.applied_to(config_of_preset(*o.app));
      !run_option("--attention").applies(config)) {
    wrong_usage(
        "--architecture",
        fmt::format(
            "a {} model has no kinds of attention to compare; train it with translator train, compare it "
            "with --run",
            config.model.architecture().name));
  }
}

// A report in the way must be one of ours, and beside --run it takes --overwrite to replace it.
void check_report(const CompareOptions& o) {
  const fs::path out = o.folder;
  if (models::is_run_folder(out))
    throw IoError("--output", fmt::format("'{}' is a run, not a folder for a report", o.folder));
  for (const char* file : kReportFiles) {
    if (!file_exists(out / file)) continue;
    if (report_writer(out) != "compare") {
      throw IoError(
          fmt::format("'{}' was not written by translator compare; it is left alone", (out / file).string()));
    }
    if (!o.runs.empty() && !o.given("--overwrite")) {
      throw IoError(fmt::format("'{}' holds a report already (--overwrite replaces it)", o.folder));
    }
  }
}

void check_files(const CompareOptions& o) {
  const fs::path out = o.folder;
  std::vector<NamedPath> outputs{{"--json", o.json}}, folders{{"--output", o.folder}};
  for (const char* file : kReportFiles) outputs.push_back({"--output", (out / file).string()});
  std::vector<std::string> runs;
  for (const NamedRun& run : o.runs) runs.push_back(run.folder.string());
  if (o.runs.empty()) {
    folders.push_back({"--output", runs_of(o).string()});
    for (const std::string& kind : o.attention) {
      runs.push_back((runs_of(o) / kind).string());
      folders.push_back({"--output", runs.back()});
    }
  }
  apps::check_files({.inputs = {{"--source", o.files.source},
                                {"--target", o.files.target},
                                {"--valid-source", o.files.valid_source},
                                {"--valid-target", o.files.valid_target},
                                {"--test-source", o.test_source},
                                {"--test-target", o.test_target},
                                {"--gold", o.gold},
                                {"--config", preset_of(*o.app)}},
                     .outputs = outputs,
                     .runs = runs,
                     .new_folders = folders});
  for (const NamedRun& run : o.runs) models::require_run(run.folder);
  if (!o.runs.empty()) check_languages(o.runs);
  check_report(o);
  if (!o.runs.empty()) return;
  if (!o.resume && file_exists(out) && !fs::is_empty(out)) {
    if (!file_exists(out / "report.json") && !file_exists(runs_of(o))) {
      throw IoError(
          fmt::format("'{}' exists already and holds no comparison; choose another folder", o.folder));
    }
    if (!o.overwrite) {
      throw IoError(
          fmt::format("'{}' exists already (--resume goes on with it, --overwrite replaces it)", o.folder));
    }
  }
  if (o.resume &&
      std::none_of(runs.begin(), runs.end(), [](const std::string& run) { return file_exists(run); })) {
    throw IoError("resume",
                  fmt::format("'{}' holds no run of {}", runs_of(o).string(), fmt::join(o.attention, ", ")));
  }
}

Sentences read_sentences(const CompareOptions& o) {
  Sentences s;
  const auto pair = [](const std::string& source, const std::string& target) {
    return fmt::format("'{}' and '{}'", source, target);
  };
  if (o.on_files()) {
    s.files = o.files;
    s.train = read_pairs(o.files.source, o.files.target);
    s.validation = read_pairs(o.files.valid_source, o.files.valid_target);
    s.description = fmt::format("Trained on {} ({}), validated on {}", pair(o.files.source, o.files.target),
                                models::counted(s.train.source.size(), "pair"),
                                pair(o.files.valid_source, o.files.valid_target));
  }
  if (o.on_files() && o.test_source.empty()) {
    s.test = s.validation;
    s.scored = "validation";
    s.description += " and scored on them as well, without a test set";
  } else {
    const bool in_short = o.test_source.empty();  // -s and -t, with --run
    const std::string &source = in_short ? o.files.source : o.test_source,
                      &target = in_short ? o.files.target : o.test_target;
    s.test = read_pairs(source, target);
    s.description += (o.on_files() ? ", scored on " : "") + pair(source, target);
  }
  if (!o.gold.empty()) s.gold = models::read_lines(input_path(o.gold));
  s.gold_name = o.gold;
  return s;
}

std::vector<Candidate> trained_runs(const CompareOptions& options) {
  std::vector<Candidate> candidates;
  for (const NamedRun& run : options.runs) candidates.push_back({run.name, run.folder});
  return candidates;
}

// With --resume alone the runs say what they are trained on.
void complete_files(CompareOptions& o) {
  if (!o.resume || !o.runs.empty() || !o.files.source.empty() || !o.files.target.empty() ||
      !o.files.valid_source.empty() || o.given("--train"))
    return;
  for (const std::string& kind : o.attention) {
    const fs::path folder = runs_of(o) / kind;
    const auto files = models::is_run_folder(folder) ? models::files_of_run(folder) : std::nullopt;
    if (!files || files->source.empty()) continue;  // of the built-in corpus
    o.files = training_files(folder.string());
    return;
  }
}

// A corpus folder names the files; with --run those of the test alone.
void take_corpus(CompareOptions& o) {
  if (o.corpus_folder.empty()) return;
  const Corpus& corpus = o.corpus.emplace(o.corpus_folder);
  if (o.runs.empty()) o.files = corpus.training_files();
  if (corpus.has_test() || !o.runs.empty()) {
    std::tie(o.test_source, o.test_target) = corpus.test_files();
    if (o.gold.empty()) o.gold = corpus.test_gold();
  }
}

void compare(CompareOptions& options) {
  options.runs = named_runs("--run", options.run_texts);
  take_corpus(options);
  complete_files(options);
  check_usage(options);
  check_search_options(*options.app, options.translate.search);
  if (options.translate.search.n_best > 1)
    throw ValueError("n-best", "a comparison scores one translation a sentence");
  check_files(options);
  heatmap::require_drawing();
  use_threads(options.threads);
  const bool training = options.runs.empty();
  const Sentences sentences =
      training && !options.on_files() ? built_in_sentences(options.train_pairs) : read_sentences(options);
  TrainingPlan plan;
  if (training) {
    const models::RunConfig base = options.on_files() ? models::RunConfig{} : built_in_config();
    Resumed resumed;
    if (options.resume) {
      resumed = [&](const models::RunConfig& run, const std::string& folder) {
        models::RunConfig preset = config_of_preset(*options.app, run);
        run_option("--attention").set(preset, std::get<std::string>(run_option("--attention").get(run)));
        require_preset_of(preset, run, "resume", folder);
        return options.run.resumed(run, folder);
      };
    }
    models::RunConfig config = config_of_preset(*options.app, base);
    if (options.corpus) options.corpus->set_languages(config);
    const auto [size, why] = options.run.size_of(
        config, !options.on_files() || !preset_of(*options.app).empty(), sentences.train.source.size());
    plan = plan_training(runs_of(options), options.attention, options.run.applied_to(config, size),
                         sentences.train, resumed);
    if (!why.empty() && std::ranges::none_of(plan.runs, &PlannedRun::started)) note("{}\n", why);
    for (const char* file : kReportFiles) plan.reports.push_back(fs::path(options.folder) / file);
  }
  const models::RunConfig config =
      training ? plan.runs.front().config : models::load_run(options.runs.front().folder).config;
  Comparison comparison = begin_comparison(sentences, config, options.translate.search);

  std::vector<FailedTraining> failed;
  std::vector<Candidate> candidates = trained_runs(options);
  if (training) failed = train_planned(plan, sentences);
  for (const PlannedRun& run : plan.runs) {
    if (std::ranges::find(failed, run.attention, &FailedTraining::attention) == failed.end()) {
      candidates.push_back({run.attention, run.folder});
    }
  }
  measure(comparison, candidates, options.translate);
  if (!comparison.models.empty()) {
    const nlohmann::ordered_json report = comparison_json(comparison);
    write_report(options.folder, comparison, report);
    write_json(options.json, report);
    say("report: {} (and report.html, report.json)\n", (fs::path(options.folder) / "report.md").string());
  }
  if (!failed.empty()) {
    std::vector<std::string> names;
    for (const FailedTraining& f : failed) names.push_back(f.attention);
    throw Error(
        "compare",
        fmt::format("{} could not be trained and {} not in the report; the runs are kept, --resume goes on",
                    fmt::join(names, ", "), failed.size() == 1 ? "is" : "are"));
  }
}

}  // namespace

Command add_compare(CLI::App& cli) {
  const auto o = std::make_shared<CompareOptions>();
  o->app = &cli;
  cli.option_defaults()->take_last();
  cli.add_option("-o,--output", o->folder, "folder of the report and, under runs/, of what is trained")
      ->capture_default_str();
  cli.add_option("--attention", o->attention,
                 fmt::format("the kinds to train, separated by commas, the baseline first: {}",
                             fmt::join(run_option("--attention").values.choices, ", ")))
      ->check(one_of(run_option("--attention").values))
      ->delimiter(',')
      ->take_all()
      ->capture_default_str();
  cli.add_option(
         "-r,--run", o->run_texts,
         "trained runs to compare, FOLDER or NAME=FOLDER (or a name of the box), the baseline first; nothing "
         "is trained")
      ->take_all();
  cli.add_option("--train", o->train_pairs, "training pairs of the built-in corpus")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  auto* const resume =
      cli.add_flag("--resume", o->resume,
                   "go on with the runs in the folder: what was trained stays, the rest is trained");
  cli.add_flag("--overwrite", o->overwrite, "replace the runs of these kinds, and the report")
      ->excludes(resume);
  cli.add_option("--threads", o->threads, "threads (default: what the container allows)")
      ->check(CLI::Range(0, 1024));
  cli.add_option("--json", o->json, "also write the report's JSON here")
      ->multi_option_policy(CLI::MultiOptionPolicy::Throw);
  const auto file = [&](const char* name, std::string& path, const char* what) {
    cli.add_option(name, path, what)->group(kPairs)->multi_option_policy(CLI::MultiOptionPolicy::Throw);
  };
  file("-s,--source", o->files.source,
       "training sentences, one a line (with --run: the test sentences); without: the built-in corpus");
  file("-t,--target", o->files.target, "their translations, line by line");
  file("--valid-source", o->files.valid_source, "validation sentences");
  file("--valid-target", o->files.valid_target, "their translations");
  file("--test-source", o->test_source, "test sentences; without them the validation sentences are scored");
  file("--test-target", o->test_target, "their reference translations");
  file("--corpus", o->corpus_folder, kCorpusHelp);
  for (const char* name :
       {"--source", "--target", "--valid-source", "--valid-target", "--test-source", "--test-target"})
    cli.get_option("--corpus")->excludes(cli.get_option(name));
  file("--gold", o->gold,
       "gold alignments of what is scored, 3-4 sure, 3?4 possible: adds the alignment error rate");
  o->run.add_to(cli, {"--attention"});
  add_search_options(cli, o->translate);
  cli.footer(
      "Trains a model for each kind of --attention, all else equal, and reports what it bought: report.md, "
      "report.html, report.json and\n"
      "two charts. The options of a run are those of translator train, and --config reads them from [train] "
      "as well; the built-in corpus\n"
      "has values of its own where none are given.\n"
      "  translator compare -o report                                   on the built-in corpus, a few "
      "minutes\n"
      "  translator compare -s train.en -t train.de --valid-source val.en --valid-target val.de\n"
      "             --test-source test.en --test-target test.de --attention none,additive,dot -o report\n"
      "  translator compare ... -o report --resume                      after Ctrl-C, or with further kinds\n"
      "  translator compare -r plain=run1 -r attention=run2 --test-source test.en --test-target test.de -o "
      "report");
  return [o] { compare(*o); };
}

}  // namespace heed::apps
