#include "apps/translator/training.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <optional>

#include "apps/common/environment.h"
#include "apps/common/main_guard.h"
#include "apps/common/print.h"
#include "apps/common/progress.h"
#include "framework/core/error.h"
#include "framework/io/file.h"
#include "models/metrics/metric.h"
#include "models/text/counted.h"
#include "models/training/watch.h"

namespace heed::apps {
namespace {

// What is odd about the data and the machine, before the first update.
void say_what_is_odd(const models::Trainer& trainer) {
  const models::TrainConfig& config = trainer.config().train;
  for (const int64_t pair : trainer.skipped_validation()) {
    warn("translator",
         fmt::format("validation line {} is left out: it has more than 1000 words or pieces", pair + 1));
  }
  if (const int64_t skipped = trainer.facts().skipped_pairs; skipped > 0) {
    note("left out for being empty or longer than {} tokens: {}\n", config.max_length,
         models::counted(skipped, "pair"));
  }
  if (!trainer.metric_can_tell()) {
    warn("translator",
         "no validation target has four tokens, so BLEU is 0 whatever the model does: weights are kept by "
         "loss; "
         "--keep-best-by chrf tells more");
  }
  if (config.precision == models::Precision::bf16 && !has_bf16_products()) {
    warn("translator", "this CPU has no bf16 products: trains in f32");
  }
}

// What to try, in the options of the command line.
std::string remedy(const models::Finding& finding) {
  switch (finding.concern) {
    case models::Concern::unknown_words:
      return "--subwords bpe leaves nothing unknown; a lower --min-count or a larger --max-vocabulary less; "
             "or the files do not belong together";
    case models::Concern::little_memory:
      return "a smaller --size, --embedding or vocabulary";
    case models::Concern::does_not_move:
      return "try a higher or, after a --warmup, a lower --lr; and look whether the lines of both files "
             "belong together";
    case models::Concern::bad_updates:
      return "lower --lr, add --warmup, or keep --clip at 1";
    case models::Concern::overfits:
      return "a smaller --size, a higher --dropout or --label-smoothing, --patience 5 to end such a "
             "training, or more pairs; the best weights are kept";
    case models::Concern::no_information:
      return "look at the other scores; --keep-best-by loss tells weights apart in any case";
    case models::Concern::one_output:
      return "a training that has just begun does so; later, lower --lr, or look whether the lines of both "
             "files belong together";
  }
  return "";
}

// Says how long a training will take, once some updates were measured.
class ExpectedTime {
 public:
  void progress(const models::TrainProgress& p, ProgressPrinter& printer, const std::string& head) {
    constexpr int64_t kUpdates = 20;     // batches are of different lengths
    constexpr double kSeconds = 5;       // of a training that takes less nobody needs to know
    if (first_ < 0) first_ = p.seconds;  // the first update makes memory and plans that the others reuse
    ++seen_;
    const double spent = p.seconds - first_;
    if (said_ || spent < kSeconds || (seen_ <= kUpdates && spent < 12 * kSeconds)) return;
    said_ = true;
    const double each = spent / static_cast<double>(seen_ - 1);
    const int64_t left = p.updates - p.update;
    if (left == 0) return;
    printer.clear_line();
    note("{}expected time: {} for {} updates of {:.2g} s, and the validations\n", head,
         clock_time(each * static_cast<double>(left)), left, each);
  }

 private:
  double first_ = -1;
  int64_t seen_ = 0;
  bool said_ = false;
};

// "1.2 million", "505219"
std::string count_text(int64_t count) {
  return count < 1'000'000 ? fmt::format("{}", count)
                           : fmt::format("{:.1f} million", static_cast<double>(count) / 1e6);
}

std::string megabytes(int64_t bytes) {
  const double mb = static_cast<double>(bytes) / 1e6;
  return fmt::format("{:.{}f} MB", mb, mb < 1 ? 2 : mb < 10 ? 1 : 0);
}

// A line of the file of ids; nothing where the pairs never were in one.
std::string ids_text(const models::IdFile& file) {
  if (file.path.empty()) return "";
  return fmt::format("ids of the training pairs: '{}', {}\n", file.path.string(),
                     megabytes(static_cast<int64_t>(file.bytes)));
}

}  // namespace

std::string facts_text(const models::TrainingFacts& f) {
  const char* const unit = f.pieces ? "pieces" : "words";
  return fmt::format("{} to train on ({} and {} {}), {} to validate with\n",
                     models::counted(f.train_pairs, "pair"), count_text(f.source.tokens),
                     count_text(f.target.tokens), unit, f.validation_pairs) +
         fmt::format(
             "vocabulary: {} and {} entries; unknown: {:.2f} % and {:.2f} % of the {} in training, "
             "{:.2f} % and {:.2f} % in validation\n",
             f.source.vocabulary, f.target.vocabulary, 100 * f.source.unknown, 100 * f.target.unknown, unit,
             100 * f.source.validation_unknown, 100 * f.target.validation_unknown) +
         fmt::format("model: {} parameters; weights {}, state of the training {}\n", count_text(f.parameters),
                     megabytes(f.weight_bytes), megabytes(f.state_bytes)) +
         ids_text(f.ids) +
         fmt::format("length: {}, {:.3g} {} of {}\n", models::counted(f.updates, "update"), f.epochs(),
                     f.updates == f.updates_per_epoch ? "epoch" : "epochs", f.updates_per_epoch);
}

nlohmann::ordered_json facts_json(const models::TrainingFacts& f) {
  const auto side = [](const models::SideFacts& s) {
    return nlohmann::ordered_json{{"vocabulary", s.vocabulary},
                                  {"tokens", s.tokens},
                                  {"unknown", s.unknown},
                                  {"validation_unknown", s.validation_unknown}};
  };
  return {
      {"train_pairs", f.train_pairs},
      {"skipped_pairs", f.skipped_pairs},
      {"validation_pairs", f.validation_pairs},
      {"pieces", f.pieces},
      {"source", side(f.source)},
      {"target", side(f.target)},
      {"parameters", f.parameters},
      {"weight_bytes", f.weight_bytes},
      {"state_bytes", f.state_bytes},
      {"updates", f.updates},
      {"updates_per_epoch", f.updates_per_epoch},
      {"ids",
       {{"file", f.ids.path.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(f.ids.path.string())},
        {"bytes", f.ids.bytes}}}};
}

models::TrainResult run_session(models::TrainingSession& session, const std::string& label,
                                const std::function<void(const models::Trainer&)>& begins,
                                models::Ranks* ranks) {
  ProgressPrinter printer(label);
  ExpectedTime expected;
  std::optional<models::TrainingWatch> watch;
  const std::string head = label.empty() ? "" : label + ": ";
  const auto say_findings = [&](const std::vector<models::Finding>& findings) {
    for (const models::Finding& finding : findings) {
      printer.clear_line();
      warn("translator", fmt::format("{}{}; {}", head, finding.what, remedy(finding)));
    }
  };
  double last_loss = 0, guessing = 0;
  const auto ready = [&, resumes = session.resumes()](const models::Trainer& trainer) {
    if (resumes) {
      note("resumes '{}' after update {} of {}\n", session.folder().string(), trainer.update(),
           trainer.total_updates());
    }
    say_what_is_odd(trainer);
    if (!head.empty()) note("{}\n", label);
    note("{}", facts_text(trainer.facts()));
    say_findings(watch.emplace(trainer.facts()).begin());
    const int64_t target_vocabulary = trainer.facts().target.vocabulary;
    const models::TrainConfig& config = trainer.config().train;
    if (config.subwords != models::SubwordKind::none &&
        target_vocabulary < config.subword_vocabulary * 9 / 10) {
      warn("translator", fmt::format("the text gives {} pieces of the {} that --subword-vocabulary asks for",
                                     target_vocabulary, config.subword_vocabulary));
    }
    guessing = std::log(static_cast<double>(target_vocabulary));
    if (begins) begins(trainer);
  };
  const models::TrainResult result = session.run({.ready = ready,
                                                  .progress =
                                                      [&](const auto& p) {
                                                        printer.progress(p);
                                                        expected.progress(p, printer, head);
                                                        say_findings(watch->progress(p));
                                                      },
                                                  .validated =
                                                      [&](const auto& v) {
                                                        last_loss = v.scores.at("loss");
                                                        printer.validated(v);
                                                        say_findings(watch->validated(v));
                                                      },
                                                  .should_stop = [] { return interrupted.load() != 0; },
                                                  .should_leave = [] { return interrupted.load() != 0; },
                                                  .should_save = save_was_asked_for,
                                                  .disk_full =
                                                      [&](const std::string& line) {
                                                        printer.clear_line();
                                                        warn("translator", head + line);
                                                      },
                                                  .clock = steady_seconds,
                                                  .ranks = ranks});
  if (last_loss > 2 * guessing) {
    warn("translator", fmt::format("training diverged: its validation loss ended at {:.3g} nats a token, "
                                   "where guessing has {:.3g}; lower --lr",
                                   last_loss, guessing));
  }
  if (result.skipped > 0) {
    warn("translator", fmt::format("{} of {} updates were left out: their loss or gradient was NaN or "
                                   "infinite (--on-bad-gradient skip); a lower "
                                   "--lr may help",
                                   result.skipped, result.updates));
  }
  return result;
}

std::string scores_text(const models::KeptScores& scores) {
  std::string text;
  for (const models::Metric* metric : models::kept_metrics()) {
    if (const auto found = scores.find(metric->keep); found != scores.end()) {
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", metric->name, metric->text(found->second));
    }
  }
  return text;
}

std::string summary(const models::TrainResult& result) {
  return fmt::format("trained {} in {}, {} parameters; kept update {}: validation {}",
                     models::counted(result.updates, "update"), clock_time(result.seconds), result.parameters,
                     result.best_update, scores_text(result.best));
}

models::PairFiles training_files(const std::string& folder) {
  constexpr const char* kGive = "give --source, --target, --valid-source and --valid-target";
  const std::optional<models::PairFiles> files = models::files_of_run(folder);
  if (!files)
    throw IoError("resume", fmt::format("'{}' does not say what it was trained on; {}", folder, kGive));
  for (const std::string* path :
       {&files->source, &files->target, &files->valid_source, &files->valid_target}) {
    if (path->empty())
      throw IoError(
          "resume",
          fmt::format("'{}' was trained on the built-in corpus; go on with compare or demo", folder));
    if (*path == "-")
      throw IoError("resume", fmt::format("'{}' was trained on standard input or a pipe; {}", folder, kGive));
    if (!file_exists(*path))
      throw IoError("resume",
                    fmt::format("'{}' was trained on '{}', which is not there; {}", folder, *path, kGive));
    if (!std::filesystem::is_regular_file(*path))
      throw IoError("resume",
                    fmt::format("'{}' was trained on '{}', which is no file now; {}", folder, *path, kGive));
  }
  return *files;
}

}  // namespace heed::apps
