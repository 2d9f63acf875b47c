// translator demo: the built-in corpus, two translators that differ only in their attention, a table of what that bought, heatmaps.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "apps/common/environment.h"
#include "apps/common/files.h"
#include "apps/common/main_guard.h"
#include "apps/common/print.h"
#include "apps/common/run_output.h"
#include "apps/heatmap/draw.h"
#include "apps/translator/commands.h"
#include "apps/translator/demo_training.h"
#include "apps/translator/report.h"
#include "framework/io/file.h"
#include "models/grammar/demo_corpus.h"
#include "models/metrics/evaluation.h"
#include "models/training/trainer.h"

namespace heed::apps {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string folder = "out/demo", json;
  int threads = 0;
  DemoTraining training;
  std::vector<std::string> attention = {"none", "additive"};
};

struct Trained {
  std::string attention;
  models::TrainResult training;
  std::unique_ptr<models::Translator> translator;
  models::Evaluation evaluation;
  std::optional<models::AlignmentEvaluation> alignment;
};

Trained train(const Options& options, const std::string& attention, const models::DemoCorpus& corpus) {
  const fs::path folder = fs::path(options.folder) / attention;
  Trained trained;
  trained.attention = attention;
  trained.training = train_on_demo_corpus(folder, demo_config(options.training, attention), corpus, attention);
  trained.translator = std::make_unique<models::Translator>(models::load_run(folder));
  std::vector<std::string> sources, references;
  for (const models::AlignedPair& pair : corpus.test) {
    sources.push_back(models::join(pair.source));
    references.push_back(models::join(pair.target));
  }
  trained.evaluation = models::evaluate(*trained.translator, sources, references, steady_seconds);
  trained.alignment = models::evaluate_alignment(*trained.translator, corpus.test);
  return trained;
}

// A test sentence that uses a pattern, of about the wanted length: the nearest, the first of equals.
const models::AlignedPair* find_sentence(const models::DemoCorpus& corpus, const std::string& pattern, int length) {
  const models::AlignedPair* best = nullptr;
  const auto distance = [&](const models::AlignedPair& pair) { return std::abs(static_cast<int>(pair.source.size()) - length); };
  for (const models::AlignedPair& pair : corpus.test) {
    if (std::find(pair.patterns.begin(), pair.patterns.end(), pattern) == pair.patterns.end()) continue;
    if (!best || distance(pair) < distance(*best)) best = &pair;
  }
  return best;
}

struct Wanted {
  const char *file, *pattern;
  int length;
};

std::vector<std::string> draw_heatmaps(const Options& options, const models::DemoCorpus& corpus, const models::Translator& translator) {
  const Wanted wanted[] = {{"separable-verb", "separable_verb", 9},
                           {"compound", "compound", 11},
                           {"perfect", "perfect", 13},
                           {"relative-clause", "relative_object", 17},
                           {"verb-final-long", "adverbial_clause", 32}};
  const fs::path folder = fs::path(options.folder) / "heatmaps";
  make_folder(folder);
  std::vector<std::string> paths;
  for (const Wanted& w : wanted) {
    const models::AlignedPair* const pair = find_sentence(corpus, w.pattern, w.length);
    if (!pair) continue;
    const std::vector<std::string> source{models::join(pair->source)};
    const models::Translation record = translator.translate(source).front();
    for (const char* extension : {".svg", ".png"}) {
      paths.push_back((folder / (std::string(w.file) + extension)).string());
      heatmap::draw_file(record, paths.back());
    }
  }
  return paths;
}

nlohmann::ordered_json model_json(const Trained& t) {
  nlohmann::ordered_json entry{{"attention", t.attention},
                               {"parameters", t.training.parameters},
                               {"updates", t.training.updates},
                               {"train_seconds", t.training.seconds},
                               {"bleu", t.evaluation.bleu.score},
                               {"bleu_by_length", by_length_json(t.evaluation)},
                               {"aer", nullptr}};
  if (t.alignment) {
    entry["aer"] = 100 * t.alignment->attention.error_rate();
    entry["aer_perfect"] = 100 * t.alignment->perfect.error_rate();
  }
  return entry;
}

void check_files(const Options& options) {
  const fs::path folder = options.folder;
  std::vector<std::string> runs;
  for (const std::string& attention : options.attention) runs.push_back((folder / attention).string());
  apps::check_files({.outputs = {{"--json", options.json}}, .runs = runs, .new_folders = {{"--output", options.folder}}});
  for (const std::string& run : runs) check_run_folder(run, /*overwrite=*/true);
  if (file_exists(folder / "report.json")) {
    const auto known = nlohmann::json::parse(read_file(folder / "report.json"), nullptr, /*allow_exceptions=*/false);
    const bool ours = known.is_object() && known.contains("corpus") && known.contains("heatmaps");
    if (!ours) throw IoError(fmt::format("'{}' was not written by translator demo; it is left alone", (folder / "report.json").string()));
  } else if (file_exists(folder)) {  // one that was stopped has its runs alone
    for (const fs::path& path : list_folder(folder)) {
      const std::string name = path.filename().string();
      if (name == "heatmaps" || name == "none" || name == "additive") continue;
      throw IoError(fmt::format("--output: '{}' holds '{}', which no demo wrote; choose another folder", options.folder, name));
    }
  }
}

void demo(const Options& options) {
  check_files(options);
  use_threads(options.threads);
  catch_interrupts();
  const double begin = steady_seconds();
  const models::DemoCorpus corpus = models::make_demo_corpus({.seed = 1, .train = options.training.train_pairs});
  say("built-in corpus: {} training, {} validation and {} test pairs of our own grammar (small data for demonstration)\n",
      corpus.train.size(), corpus.validation.size(), corpus.test.size());
  std::fflush(stdout);
  std::vector<Trained> trained;
  for (const std::string& attention : options.attention) trained.push_back(train(options, attention, corpus));

  std::vector<std::string> names;
  std::vector<const models::Evaluation*> evaluations;
  for (const Trained& t : trained) {
    names.push_back(t.attention == "none" ? "no attention" : t.attention);
    evaluations.push_back(&t.evaluation);
  }
  say("\nboth models: the same data, order and number of updates; only attention differs");
  say("\nBLEU on {} test sentences by source length:\n{}\n", corpus.test.size(), by_length_table(names, evaluations));
  nlohmann::ordered_json report{
      {"corpus", fmt::format("built-in English-German grammar, {} training and {} test pairs", corpus.train.size(), corpus.test.size())},
      {"seed", options.training.seed},
      {"threads", num_threads()},
      {"models", nlohmann::ordered_json::array()},
      {"heatmaps", nlohmann::ordered_json::array()}};
  for (size_t i = 0; i < trained.size(); ++i) {
    const Trained& t = trained[i];
    say("{}: {} parameters, {} updates in {:.0f} s of training\n", names[i], t.training.parameters, t.training.updates, t.training.seconds);
    if (t.alignment) {
      say("{}: alignment error rate {:.2f} % against the gold links (a perfect attention under one link a word: {:.2f} %)\n", names[i],
          100 * t.alignment->attention.error_rate(), 100 * t.alignment->perfect.error_rate());
    }
    report["models"].push_back(model_json(t));
  }
  for (const Trained& t : trained) {
    if (!t.alignment) continue;
    for (const std::string& path : draw_heatmaps(options, corpus, *t.translator)) report["heatmaps"].push_back(path);
  }
  say("\nheatmaps of test sentences:\n");
  for (const auto& path : report["heatmaps"]) say("  {}\n", path.get<std::string>());
  report["seconds"] = steady_seconds() - begin;
  write_json((fs::path(options.folder) / "report.json").string(), report);
  write_json(options.json, report);
  say("report: {}\n", (fs::path(options.folder) / "report.json").string());
}

}  // namespace

Command add_demo(CLI::App& cli) {
  const auto o = std::make_shared<Options>();
  cli.option_defaults()->take_last();  // ./run demo gives its own --output first
  cli.add_option("-o,--output", o->folder, "folder to write; only what a demo wrote before is replaced")->capture_default_str();
  cli.add_option("--seed", o->training.seed, "seed of weights and order")->check(kWholeNumber)->capture_default_str();
  cli.add_option("--updates", o->training.updates, "updates of each model, 0 for the demo's own setting")->check(CLI::NonNegativeNumber);
  cli.add_option("--train", o->training.train_pairs, "training pairs")->check(CLI::PositiveNumber)->capture_default_str();
  cli.add_option("--attention", o->attention, "which models to train")
      ->check(CLI::IsMember({"none", "additive"}))
      ->take_all()
      ->capture_default_str();
  cli.add_option("--threads", o->threads, "threads (default: what the container allows)")->check(CLI::Range(0, 1024));
  cli.add_option("--json", o->json, "also write the report here")->multi_option_policy(CLI::MultiOptionPolicy::Throw);
  return [o] { demo(*o); };
}

}  // namespace heed::apps
