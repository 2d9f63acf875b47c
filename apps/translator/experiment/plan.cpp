#include "apps/translator/experiment/plan.h"

#include <fmt/format.h>

#include "apps/common/environment.h"
#include "apps/translator/run_options.h"
#include "framework/io/file.h"
#include "models/corpus/pharaoh.h"
#include "models/grammar/demo_corpus.h"
#include "models/run/files.h"
#include "models/text/vocabulary.h"
#include "models/training/spacing.h"

namespace heed::apps {
namespace {

namespace fs = std::filesystem;

constexpr const char* kAttention = "--attention";

models::RunConfig with_attention(models::RunConfig config, const std::string& attention) {
  run_option(kAttention).set(config, attention);
  if (attention.starts_with("none")) config.train.guided_alignment = 0;  // there is nothing to guide
  return config;
}

std::string attention_of(const models::RunConfig& config) {
  const models::RunOption& row = run_option(kAttention);
  return row.applies(config) ? std::get<std::string>(row.get(config)) : config.model.architecture().name;
}

// The first option in which two configs of one architecture differ.
std::string difference(const models::RunConfig& a, const models::RunConfig& b) {
  if (&a.model.architecture() != &b.model.architecture()) return "architecture";
  for (const models::RunOption& row : models::run_options()) {
    if (row.applies(a) && row.get(a) != row.get(b)) return row.name();
  }
  return "";
}

// Whether the folder holds a run. Without a config it is one that was stopped while it was started, unless it
// has weights.
bool holds_run(const fs::path& folder) {
  if (file_exists(folder / models::run_files::kConfig)) return true;
  for (const char* weights : {models::run_files::kModel, models::run_files::kState}) {
    if (file_exists(folder / weights)) {
      throw IoError(fmt::format("resume '{}': {} is missing", folder.string(), models::run_files::kConfig));
    }
  }
  return false;
}

models::ParallelLines lines_of(const std::vector<models::AlignedPair>& pairs) {
  models::ParallelLines lines;
  for (const models::AlignedPair& pair : pairs) {
    lines.source.push_back(models::join(pair.source));
    lines.target.push_back(models::join(pair.target));
  }
  return lines;
}

}  // namespace

Sentences built_in_sentences(int train_pairs, int test_pairs) {
  const models::DemoCorpus corpus =
      models::make_demo_corpus({.seed = 1, .train = train_pairs, .test = test_pairs});
  Sentences s;
  s.description = fmt::format("Built-in English-German corpus, {} training pairs", corpus.train.size());
  s.train = lines_of(corpus.train);
  s.validation = lines_of(corpus.validation);
  s.test = lines_of(corpus.test);
  for (const models::AlignedPair& pair : corpus.test) s.gold.push_back(models::gold_line(pair));
  s.gold_name = "the built-in corpus";
  return s;
}

models::RunConfig built_in_config() {
  models::RunConfig config;
  const std::pair<const char*, models::OptionValue> model[] = {
      {"--embedding", int64_t{64}},       {"--encoder-hidden", int64_t{64}},
      {"--decoder-hidden", int64_t{128}}, {"--attention-size", int64_t{64}},
      {"--readout", int64_t{96}},         {"--dropout", 0.0}};
  for (const auto& [flag, value] : model) run_option(flag).set(config, value);
  models::TrainConfig& t = config.train;
  t.batch_size = 32;
  t.epochs = 6;
  t.lr = 4e-3;
  t.schedule = nn::ScheduleKind::cosine;
  t.warmup = 200;
  t.lr_floor = 0.05;
  t.label_smoothing = 0.0;
  return config;
}

TrainingPlan plan_training(const fs::path& folder, const std::vector<std::string>& kinds,
                           const models::RunConfig& config, const models::ParallelLines& train,
                           const Resumed& resumed) {
  TrainingPlan plan{folder, {}, {}, {}, {}};
  for (const std::string& kind : kinds) plan.runs.push_back({kind, folder / kind, config});
  const PlannedRun* first = nullptr;
  for (PlannedRun& run : plan.runs) {
    if (!resumed || !holds_run(run.folder)) continue;
    const std::string file = (run.folder / models::run_files::kConfig).string();
    const models::RunConfig before = models::parse_run_config(read_file(file), file);
    if (attention_of(before) != run.attention) {
      throw ValueError("resume", fmt::format("'{}' was trained with attention {}", run.folder.string(),
                                             attention_of(before)));
    }
    run.config = resumed(before, run.folder.string());
    run.started = true;
    if (!first) first = &run;
    if (with_attention(run.config, first->attention) != first->config) {
      throw ValueError("resume",
                       fmt::format("'{}' and '{}' differ in {}", first->folder.string(), run.folder.string(),
                                   difference(with_attention(run.config, first->attention), first->config)));
    }
  }
  catch_save_requests();
  for (PlannedRun& run : plan.runs) {
    if (models::is_run_folder(run.folder))
      plan.locks.emplace(run.attention, models::lock_run_folder(run.folder));
  }
  for (PlannedRun& run : plan.runs) {
    if (run.started) continue;
    run.config =
        with_attention(first ? first->config : models::with_spacing_of(config, train), run.attention);
    models::check_run_folder(run.folder, /*overwrite=*/true);
    check_given(run.config);
    // sizes that only it can judge
    models::make_model(run.config.model, models::Vocabulary::kSpecials, models::Vocabulary::kSpecials);
  }
  return plan;
}

}  // namespace heed::apps
