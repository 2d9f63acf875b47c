// translator train: sentence pairs in, a run folder out.
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "apps/cluster/ranks.h"
#include "apps/common/environment.h"
#include "apps/common/files.h"
#include "apps/common/main_guard.h"
#include "apps/common/print.h"
#include "apps/common/profile.h"
#include "apps/common/run_option.h"
#include "apps/common/streams.h"
#include "apps/translator/commands.h"
#include "apps/translator/corpus_option.h"
#include "apps/translator/pairs.h"
#include "apps/translator/preset.h"
#include "apps/translator/run_options.h"
#include "apps/translator/training.h"
#include "framework/core/error.h"
#include "framework/io/file.h"
#include "models/corpus/documents.h"
#include "models/corpus/pair_text.h"
#include "models/corpus/pharaoh.h"
#include "models/metrics/metric.h"
#include "models/run/data.h"
#include "models/run/files.h"
#include "models/text/fingerprint.h"
#include "models/training/spacing.h"

namespace heed::apps {
namespace {

struct TrainOptions {
  models::PairFiles files;
  std::string folder, corpus_folder, json, init_from, profile, alignments;
  std::optional<Corpus> corpus;  // of --corpus
  const CLI::App* app = nullptr;
  bool resume = false, overwrite = false;
  int threads = 0;
  RunOptions run;
};

void check_files(const TrainOptions& options) {
  apps::check_files({.inputs = {{"--source", options.files.source},
                                {"--target", options.files.target},
                                {"--valid-source", options.files.valid_source},
                                {"--valid-target", options.files.valid_target},
                                {"--alignments", options.alignments},
                                {"--config", preset_of(*options.app)}},
                     .outputs = {{"--json", options.json}, {"--profile", options.profile}},
                     .runs = options.init_from.empty() ? std::vector{options.folder}
                                                       : std::vector{options.folder, options.init_from},
                     .new_folders = {{"--run", options.folder}},
                     .sources = {{"--init-from", options.init_from}, {"--corpus", options.corpus_folder}}});
  if (!options.resume) models::check_run_folder(options.folder, options.overwrite, /*resumes=*/true);
}

// A corpus folder names the files, and the languages where no option does.
void take_corpus(TrainOptions& options) {
  if (options.corpus_folder.empty()) return;
  options.files = options.corpus.emplace(options.corpus_folder).training_files();
}

// The config of a new run, and the line that says its size.
std::pair<models::RunConfig, std::string> new_config(const TrainOptions& options, size_t training_pairs) {
  models::RunConfig config = config_of_preset(*options.app);
  if (options.corpus) options.corpus->set_languages(config);
  const auto [size, why] = options.run.size_of(config, !preset_of(*options.app).empty(), training_pairs);
  config = options.run.applied_to(config, size);
  if (options.corpus) options.corpus->require_languages(config, "an option");
  return {config, why};
}

// With --resume alone the run says what it was trained on; else all four files are named.
void complete_files(TrainOptions& options) {
  models::PairFiles& f = options.files;
  const std::pair<const char*, const std::string*> all[] = {{"--source", &f.source},
                                                            {"--target", &f.target},
                                                            {"--valid-source", &f.valid_source},
                                                            {"--valid-target", &f.valid_target}};
  const bool none = std::ranges::all_of(all, [](const auto& file) { return file.second->empty(); });
  if (none && options.resume && models::is_run_folder(options.folder)) {
    f = training_files(options.folder);
    options.corpus = Corpus::of_files(f);
    if (options.corpus) f = options.corpus->training_files();  // whose bytes it checks
    return;
  }
  if (none && options.resume) throw IoError("resume", fmt::format("'{}' is not a run", options.folder));
  for (const auto& [name, path] : all) {
    if (path->empty()) throw CLI::RequiredError(name);
  }
}

// The config with which a run goes on.
models::RunConfig resumed_config(const TrainOptions& options) {
  const std::filesystem::path file = std::filesystem::path(options.folder) / models::run_files::kConfig;
  const models::RunConfig config = models::parse_run_config(read_file(file), file.string());
  require_preset_of(config_of_preset(*options.app, config), config, "resume", options.folder);
  return options.run.resumed(config, options.folder);
}

std::optional<models::WordLinks> links_of(const TrainOptions& options, const models::RunConfig& config) {
  if (options.alignments.empty()) return std::nullopt;
  if (config.train.guided_alignment == 0)
    throw CLI::ValidationError("--alignments", "does nothing without --guided-alignment, which is 0");
  return models::read_pharaoh(input_path(options.alignments));
}

// The training pairs of a corpus as a stream, with their ids in files beside it.
std::shared_ptr<const models::TrainingData> streamed(const Corpus& corpus, const models::RunConfig& run,
                                                     const models::ParallelLines& validation) {
  const std::filesystem::path& folder = corpus.folder();
  const models::CorpusInfo& info = corpus.info();
  const models::RunConfig config = models::resolved(run);
  const models::DataMarks known = corpus.marks();
  std::vector<uint64_t> documents;
  for (const models::CorpusDocument& document : models::read_documents(folder, info, "train"))
    documents.push_back(document.pairs);
  if (documents.empty() && std::max(config.source_text.context, config.target_text.context) > 0) {
    warn("translator", fmt::format("'{}' does not say which lines are of one document: all are taken as one",
                                   folder.string()));
  }
  const models::CorpusFile* const listed = info.find("train.documents");
  auto data = std::make_shared<models::TrainingData>(
      std::make_shared<const models::PairsInFiles>(
          models::PairsInFiles::Side{folder / ("train." + info.source_language), config.source_text},
          models::PairsInFiles::Side{folder / ("train." + info.target_language), config.target_text},
          corpus.train_pairs(), std::move(documents)),
      models::tokenised(config, validation), folder / models::kIdFolder,
      models::fingerprint(known.source.fingerprint + known.target.fingerprint +
                          (listed ? listed->fingerprint : "")));
  data->note = [](const std::string& line) { note("{}\n", line); };
  models::check_data(config, *data);
  return data;
}

// What a training reads: the pairs of a corpus folder as a stream, those of other files in memory.
struct Pairs {
  models::DataMarks marks;
  int64_t count = 0;  // of the training pairs
  // The configuration with what the text decides.
  std::function<models::RunConfig(const models::RunConfig&)> resolve;
  std::function<std::shared_ptr<const models::TrainingData>(const models::RunConfig&)> prepare;
};

Pairs read_all(const TrainOptions& options) {
  const models::PairFiles& files = options.files;
  auto validation =
      std::make_shared<const models::ParallelLines>(read_pairs(files.valid_source, files.valid_target));
  if (options.corpus) {
    return {options.corpus->marks(), options.corpus->train_pairs(),
            [&files](const models::RunConfig& config) {
              return models::with_spacing_of(config, files.source, files.target);
            },
            [&options, validation](const models::RunConfig& config) {
              return streamed(*options.corpus, config, *validation);
            }};
  }
  const auto train = std::make_shared<const models::ParallelLines>(read_pairs(files.source, files.target));
  return {models::marks_of(*train, *validation), static_cast<int64_t>(train->source.size()),
          [train](const models::RunConfig& config) { return models::with_spacing_of(config, *train); },
          [train, validation](const models::RunConfig& config) {
            return models::prepare(config, *train, *validation);
          }};
}

// A new run with the model, the vocabularies and the weights of another one.
models::TrainingSession begin_from(const TrainOptions& options, const Pairs& pairs,
                                   std::optional<FileLock> lock) {
  const models::LoadedRun run = models::load_run(options.init_from);
  if (config_of_preset(*options.app, run.config) != run.config)
    throw ValueError("init-from", "--config is the config of a run: the model is that of --init-from");
  if (options.corpus) options.corpus->require_languages(run.config, fmt::format("'{}'", options.init_from));
  const models::RunConfig config = options.run.begun_from(run.config, options.init_from);
  check_given(config);
  std::map<std::string, Tensor> weights;
  for (const auto& [name, value] : run.model->state_dict()) weights.emplace(name, value.detach());
  return models::TrainingSession::start(options.folder, config, pairs.prepare(config),
                                        {.text = models::text_of_run(options.init_from, run.config),
                                         .weights = std::move(weights),
                                         .links = links_of(options, config),
                                         .data = models::run_data(options.files, pairs.marks),
                                         .overwrite = options.overwrite,
                                         .lock = std::move(lock)});
}

// What all ranks but the first do: they wait until it has started the run or opened it, and read what it
// says.
models::TrainingSession join_session(const TrainOptions& options, models::Ranks& ranks) {
  const bool resume = ranks.from_first("") == "resume";
  const Pairs pairs = read_all(options);
  const std::filesystem::path file = std::filesystem::path(options.folder) / models::run_files::kConfig;
  const models::RunConfig config =
      resume ? resumed_config(options) : models::parse_run_config(read_file(file), file.string());
  return models::TrainingSession::join(options.folder, config, pairs.prepare(config), resume);
}

models::TrainingSession open_session(const TrainOptions& options) {
  const std::filesystem::path folder = options.folder;
  const bool resume = options.resume && !models::is_unfinished_start(folder);  // what never began begins
  if (resume && !models::is_run_folder(folder))
    throw IoError("resume", fmt::format("'{}' is not a run", options.folder));
  std::optional<FileLock> lock;
  if (models::is_run_folder(folder)) lock.emplace(models::lock_run_folder(folder));
  const Pairs pairs = read_all(options);
  if (resume) {
    models::check_run_data(folder, options.files, pairs.marks);
    const models::RunConfig config = resumed_config(options);
    return models::TrainingSession::resume(folder, config, pairs.prepare(config), std::move(lock),
                                           models::run_data(options.files, pairs.marks));
  }
  if (!options.init_from.empty()) return begin_from(options, pairs, std::move(lock));
  const auto [given, size] = new_config(options, static_cast<size_t>(pairs.count));
  check_given(given);
  const models::RunConfig config = pairs.resolve(given);
  auto session = models::TrainingSession::start(folder, config, pairs.prepare(config),
                                                {.links = links_of(options, config),
                                                 .data = models::run_data(options.files, pairs.marks),
                                                 .overwrite = options.overwrite,
                                                 .lock = std::move(lock)});
  // nothing was refused
  if (!size.empty()) note("{}\n", size);
  if (const std::string spacing = models::spacing_text(config); !spacing.empty()) note("{}\n", spacing);
  return session;
}

// Several ranks cannot read one stream.
void require_files(const TrainOptions& options) {
  const models::PairFiles& f = options.files;
  for (const std::string* path : {&f.source, &f.target, &f.valid_source, &f.valid_target}) {
    if (*path == "-") throw ValueError("train", "several ranks read files, not standard input");
  }
}

models::TrainingSession open_session(const TrainOptions& options, models::Ranks* ranks) {
  if (!ranks) return open_session(options);
  if (!ranks->first()) return join_session(options, *ranks);
  models::TrainingSession session = open_session(options);
  ranks->from_first(session.resumes() ? "resume" : "start");
  return session;
}

nlohmann::ordered_json ranks_json(const models::Ranks& ranks, const models::Communication& said) {
  return {{"count", ranks.size()},
          {"bytes", said.bytes},
          {"seconds", said.seconds},
          {"waited_seconds", said.waited}};
}

void train(TrainOptions& options) {
  catch_save_requests();
  if (options.resume) options.init_from.clear();  // it has begun
  take_corpus(options);
  models::Ranks* const ranks = cluster::start_ranks();
  complete_files(options);
  if (ranks) require_files(options);
  if (!ranks || ranks->first()) check_files(options);
  use_threads(ranks && options.threads == 0 ? cluster::threads_of_rank() : options.threads);
  Profiling profiling(ranks && !ranks->first() ? "" : options.profile);
  models::TrainingSession session = open_session(options, ranks);
  catch_interrupts();
  const models::TrainResult result = run_session(
      session, "",
      [&](const models::Trainer& trainer) {
        const nn::Module* const model = &trainer.model();
        profiling.name_layers({&model, 1});
      },
      ranks);
  profiling.finish();
  if (ranks) {
    cluster::all_ranks_are_done();
    if (!result.finished && interrupted.load() == 0) interrupted.store(SIGTERM);  // it came to another rank
    if (!ranks->first()) {
      if (!result.finished) throw Interrupted();
      return;
    }
    const models::Communication& said = result.communication;
    note("{} ranks: this one gave {:.1f} MB to the others in {:.1f} s, of which it waited {:.1f} s\n",
         ranks->size(), static_cast<double>(said.bytes) / 1e6, said.seconds, said.waited);
  }
  if (result.finished) {
    say("{}\n", summary(result));
  } else {
    say("stopped after update {}; the same command with --resume{} goes on\n", result.updates,
        options.overwrite ? " in place of --overwrite" : "");
  }
  nlohmann::ordered_json report{{"run", options.folder},
                                {"finished", result.finished},
                                {"updates", result.updates},
                                {"skipped_updates", result.skipped},
                                {"train_seconds", result.seconds},
                                {"waited_seconds", result.waited},
                                {"waited_seconds_before_first_update", result.waited_first},
                                {"parameters", result.parameters},
                                {"keep_best_by", session.config().train.keep_best_by},
                                {"best_update", result.best_update},
                                {"facts", facts_json(result.facts)}};
  if (ranks) report["ranks"] = ranks_json(*ranks, result.communication);
  for (const models::Metric* metric : models::kept_metrics()) {
    const auto best = result.best.find(metric->keep);
    report["best_validation_" + metric->keep] =
        best == result.best.end() ? nlohmann::ordered_json() : nlohmann::ordered_json(best->second);
  }
  write_json(options.json, report);
  if (!result.finished) throw Interrupted();
}

}  // namespace

Command add_train(CLI::App& cli) {
  const auto o = std::make_shared<TrainOptions>();
  cli.option_defaults()->take_last();  // a repeated option: the last one counts
  // two would not be the last one alone
  const auto file = [&](const char* name, std::string& path, const char* what) {
    return cli.add_option(name, path, what)->multi_option_policy(CLI::MultiOptionPolicy::Throw);
  };
  file("-s,--source", o->files.source, "training sentences, one a line; - for standard input")->group(kPairs);
  file("-t,--target", o->files.target, "their translations, line by line")->group(kPairs);
  file("--valid-source", o->files.valid_source, "validation sentences")->group(kPairs);
  file("--valid-target", o->files.valid_target, "their translations")->group(kPairs);
  auto* const corpus = file("--corpus", o->corpus_folder, kCorpusHelp)->group(kPairs);
  for (const char* name : {"--source", "--target", "--valid-source", "--valid-target"})
    corpus->excludes(cli.get_option(name));
  file("-r,--run", o->folder, "run folder to write")->required();
  auto* const resume = cli.add_flag(
      "--resume", o->resume,
      "go on from the last checkpoint of the run folder, by itself with the files that the run names");
  cli.add_flag("--overwrite", o->overwrite, "replace a run that is there already")->excludes(resume);
  cli.add_option(
         "--init-from", o->init_from,
         "begin with the weights of this run, trained or imported: its model and vocabularies are kept, "
         "data, learning rate and schedule are new")
      ->transform(kNamesRun);
  file("--alignments", o->alignments,
       "word alignments of the training pairs, 0-0 1-2 (those of align, of fast_align), that "
       "--guided-alignment learns")
      ->excludes(resume);
  cli.add_option("--threads", o->threads, "threads (default: what the container allows)")
      ->check(CLI::Range(0, 1024));
  cli.add_option("--json", o->json, "write the result as JSON")
      ->multi_option_policy(CLI::MultiOptionPolicy::Throw);
  add_profile_option(cli, o->profile);
  o->run.add_to(cli);
  o->app = &cli;
  return [o] { train(*o); };
}

}  // namespace heed::apps
