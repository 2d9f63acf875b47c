// translator train: sentence pairs in, a run folder out.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "apps/common/environment.h"
#include "apps/common/files.h"
#include "apps/common/main_guard.h"
#include "apps/common/progress.h"
#include "apps/common/run_output.h"
#include "apps/translator/commands.h"
#include "apps/translator/preset.h"
#include "models/text/lines.h"
#include "models/training/trainer.h"

namespace heed::apps {
namespace {

struct Options {
  std::string source, target, valid_source, valid_target, folder, json;
  const CLI::App* app = nullptr;
  const CLI::Option *epochs = nullptr, *updates = nullptr;
  bool resume = false, overwrite = false, lowercase = false;
  int threads = 0;
  models::RunConfig config;
  std::vector<std::pair<CLI::Option*, std::function<bool(const models::RunConfig&)>>> differs;  // option, "the run has another value"
};

const CLI::Validator kLanguageCode(
    [](const std::string& text) {
      const bool letters = std::all_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
      return letters && text.size() != 1 && text.size() <= 3 ? std::string()
                                                             : fmt::format("'{}' is not a language code of two or three letters", text);
    },
    "");

models::TokenisedCorpus tokenised(const models::ParallelLines& lines, const models::RunConfig& config) {
  return {models::tokenize_lines(lines.source, config.source_text), models::tokenize_lines(lines.target, config.target_text)};
}

// What a resumed run is asked to change and cannot.
void check_same(const Options& options, const models::RunConfig& run) {
  for (const auto& [option, differs] : options.differs) {
    if (option->count() > 0 && differs(run)) {
      throw ValueError(fmt::format("resume: {} is not what '{}' was started with", option->get_name(), options.folder));
    }
  }
}

// A run whose rates do not depend on its length may go on for longer, in its unit. Whether `run` has another length now.
bool lengthen(const Options& options, models::RunConfig& run) {
  struct Length {
    const CLI::Option* option;
    int64_t wanted;
    int64_t* now;
  };
  Length unit{options.updates, options.config.train.updates, &run.train.updates};
  Length other{options.epochs, options.config.train.epochs, &run.train.epochs};
  if (run.train.updates == 0) std::swap(unit, other);
  const auto differs = [](const Length& length) { return length.option->count() > 0 && length.wanted != *length.now; };
  const std::string name = unit.option->get_name(), &schedule = run.train.schedule;
  if (differs(other)) {
    throw ValueError(fmt::format("resume: {}: the length of '{}' was given in {}", other.option->get_name(), options.folder, name));
  }
  if (!differs(unit)) return false;
  if (schedule != "constant" && schedule != "inverse_sqrt") {
    throw ValueError(
        fmt::format("resume: {} stays {}: the length is part of the schedule '{}' (constant and inverse_sqrt can go on for longer)", name,
                    *unit.now, schedule));
  }
  if (unit.wanted < *unit.now) {
    throw ValueError(fmt::format("resume: {} can only grow: '{}' was started with {}", name, options.folder, *unit.now));
  }
  *unit.now = unit.wanted;
  return true;
}

void check_files(const Options& options) {
  apps::check_files({.inputs = {{"--source", options.source},
                                {"--target", options.target},
                                {"--valid-source", options.valid_source},
                                {"--valid-target", options.valid_target},
                                {"--config", preset_of(*options.app)}},
                     .outputs = {{"--json", options.json}},
                     .runs = {options.folder},
                     .new_folders = {{"--run", options.folder}}});
  if (!options.resume) check_run_folder(options.folder, options.overwrite);
}

void train(Options& options) {
  check_files(options);
  use_threads(options.threads);
  const models::ParallelLines lines = models::read_parallel(options.source, options.target);
  const models::ParallelLines valid_lines = models::read_parallel(options.valid_source, options.valid_target);
  models::RunConfig config = options.config;
  const std::filesystem::path folder = options.folder;
  if (options.resume) {
    const std::filesystem::path file = folder / "config.toml";
    config = models::parse_run_config(read_file(file), file.string());
    check_same(options, config);
    if (lengthen(options, config)) write_file_atomically(file, models::to_toml(config));
  } else {
    models::check(config);
  }
  const models::TokenisedCorpus corpus = tokenised(lines, config), validation = tokenised(valid_lines, config);
  if (!options.resume) {
    models::Trainer::check_corpora(config, corpus, validation);  // before anything of an older run goes
    make_run_folder(folder, options.overwrite);
    models::Trainer::start(folder, config, corpus);
  }
  if (config.train.precision == "bf16" && !has_bf16_products()) {
    warn("translator train", "this CPU has no bf16 products: trains in f32");
  }
  catch_interrupts();
  ProgressPrinter printer;
  models::Trainer trainer(folder, corpus, validation,
                          {.progress = [&](const auto& p) { printer.progress(p); },
                           .validated = [&](const auto& v) { printer.validated(v); },
                           .should_stop = [] { return interrupted.load() != 0; },
                           .clock = steady_seconds});
  if (options.resume) {
    trainer.resume();
    fmt::print(stderr, "resumes '{}' behind update {} of {}\n", folder.string(), trainer.update(), trainer.total_updates());
  }
  if (trainer.skipped_pairs() > 0) {
    fmt::print(stderr, "left out: {} pairs that are empty or longer than {} tokens\n", trainer.skipped_pairs(), config.train.max_length);
  }
  const models::TrainResult result = trainer.run();
  if (result.finished) {
    fmt::print("trained {} updates in {}, {} parameters; best validation BLEU {:.2f} at update {}\n", result.updates,
               clock_time(result.seconds), result.parameters, result.best_bleu, result.best_update);
  } else {
    fmt::print("stopped behind update {}; the same command with --resume goes on\n", result.updates);
  }
  write_json(options.json, {{"run", options.folder},
                            {"finished", result.finished},
                            {"updates", result.updates},
                            {"train_seconds", result.seconds},
                            {"parameters", result.parameters},
                            {"best_validation_bleu", result.best_bleu},
                            {"best_update", result.best_update}});
  if (!result.finished) throw Interrupted();
}

}  // namespace

Command add_train(CLI::App& cli) {
  const auto o = std::make_shared<Options>();
  cli.option_defaults()->take_last();  // a repeated option: the last one counts
  cli.add_option("-s,--source", o->source, "training sentences, one a line")->required();
  cli.add_option("-t,--target", o->target, "their translations, line by line")->required();
  cli.add_option("--valid-source", o->valid_source, "validation sentences")->required();
  cli.add_option("--valid-target", o->valid_target, "their translations")->required();
  cli.add_option("-o,--run", o->folder, "run folder to write")->required();
  auto* const resume = cli.add_flag("--resume", o->resume, "go on from the last checkpoint of the run folder");
  cli.add_flag("--overwrite", o->overwrite, "replace a run that is there already")->excludes(resume);
  cli.add_option("--threads", o->threads, "threads (default: what the container allows)")->check(CLI::Range(0, 1024));
  cli.add_option("--json", o->json, "write the result as JSON");
  // Options that make the run: a resumed run keeps its own, and says so when another value is asked for.
  Options* const raw = o.get();  // o holds what captures it: a shared pointer would own itself
  const auto add = [&](const char* name, auto& field, const char* what, auto member) {
    CLI::Option* const option = cli.add_option(name, field, what)->capture_default_str();
    o->differs.emplace_back(option, [&field, member](const models::RunConfig& run) { return member(run) != field; });
  };
  const auto add_length = [&](const char* name, int64_t& field, const char* what) {  // a resumed run may have more: lengthen()
    return cli.add_option(name, field, what)->capture_default_str();
  };
#define HEED_ADD_MODEL(name, field, what) add(name, o->config.model.field, what, [](const models::RunConfig& r) { return r.model.field; })
#define HEED_ADD_TRAIN(name, field, what) add(name, o->config.train.field, what, [](const models::RunConfig& r) { return r.train.field; })
  HEED_ADD_MODEL("--architecture", architecture, "recurrent or transformer");
  HEED_ADD_MODEL("--attention", attention,
                 ("of the recurrent translator: none, none_state, " + fmt::format("{}", fmt::join(nn::attention_kinds(), ", "))).c_str());
  HEED_ADD_MODEL("--embedding", embedding, "size of the word vectors");
  HEED_ADD_MODEL("--encoder-hidden", encoder_hidden, "size of the encoder, a direction");
  HEED_ADD_MODEL("--encoder-layers", encoder_layers, "layers of the encoder");
  HEED_ADD_MODEL("--decoder-hidden", decoder_hidden, "size of the decoder");
  HEED_ADD_MODEL("--bidirectional", bidirectional, "an encoder that reads in both directions");
  HEED_ADD_MODEL("--input-feeding", input_feeding, "the context is part of the decoder's next input");
  HEED_ADD_MODEL("--coverage", coverage, "additive and concat: past weights enter the energy");
  HEED_ADD_MODEL("--attention-window", attention_window, "half window of local_p and local_m");
  HEED_ADD_MODEL("--attention-max-source", attention_max_source, "longest source that location looks at");
  HEED_ADD_MODEL("--attention-size", attention_size, "size of the attention's hidden layer");
  HEED_ADD_MODEL("--readout", readout, "size of the layer in front of the vocabulary");
  HEED_ADD_MODEL("--decoder-layers", decoder_layers, "layers of the transformer's decoder");
  HEED_ADD_MODEL("--model-size", model_size, "width of the transformer");
  HEED_ADD_MODEL("--feed-forward", feed_forward, "width of its feed-forward layers");
  HEED_ADD_MODEL("--heads", heads, "attention heads of each of its layers");
  HEED_ADD_MODEL("--norm", norm, "layer normalisation in front of each sublayer (pre) or behind it (post)");
  HEED_ADD_MODEL("--tie", tie, "none, output (target embedding = projection), all (source embedding too)");
  HEED_ADD_MODEL("--dropout", dropout, "probability of dropout");
  HEED_ADD_TRAIN("--batch-size", batch_size, "sentence pairs a batch");
  HEED_ADD_TRAIN("--batch-tokens", batch_tokens, "tokens a batch on either side instead, padding counted");
  o->epochs = add_length("--epochs", o->config.train.epochs, "times through the training data");
  o->updates = add_length("--updates", o->config.train.updates, "updates, instead of epochs");
  HEED_ADD_TRAIN("--max-length", max_length, "leave out training pairs with more tokens on a side");
  HEED_ADD_TRAIN("--lr", lr, "learning rate of Adam");
  HEED_ADD_TRAIN("--schedule", schedule, "constant, inverse_sqrt, linear or cosine");
  HEED_ADD_TRAIN("--warmup", warmup, "updates of linear warm-up");
  HEED_ADD_TRAIN("--lr-floor", lr_floor, "where linear and cosine end, as a part of lr");
  HEED_ADD_TRAIN("--label-smoothing", label_smoothing, "probability spread over all words");
  HEED_ADD_TRAIN("--clip", clip, "largest norm of the gradient, 0 for none");
  HEED_ADD_TRAIN("--weight-decay", weight_decay, "L2 weight decay");
  HEED_ADD_TRAIN("--beta2", beta2, "Adam's decay of the second moment");
  HEED_ADD_TRAIN("--average", average, "validated weights to average at the end, the last ones; 0 for none");
  HEED_ADD_TRAIN("--precision", precision, "of the products while training: f32, or bf16 where the CPU has AMX or AVX512-BF16");
  HEED_ADD_TRAIN("--subwords", subwords, "none, bpe or unigram (SentencePiece, trained on the training sentences)");
  HEED_ADD_TRAIN("--subword-vocabulary", subword_vocabulary, "pieces a side, or of both with --joint");
  HEED_ADD_TRAIN("--min-count", min_count, "words or pieces seen less often are unknown");
  HEED_ADD_TRAIN("--max-vocabulary", max_vocabulary, "words kept a side, 0 for all");
  HEED_ADD_TRAIN("--validate-every", validate_every, "updates between validations, 0 for every epoch");
  HEED_ADD_TRAIN("--patience", patience, "validations without a better BLEU before training ends, 0 for never");
  HEED_ADD_TRAIN("--log-every", log_every, "updates between two lines of metrics.jsonl");
  HEED_ADD_TRAIN("--seed", seed, "seed of weights, dropout and order");
  cli.get_option("--seed")->check(kWholeNumber);
#undef HEED_ADD_MODEL
#undef HEED_ADD_TRAIN
  add("--source-language", o->config.source_text.language,
      "two or three letters (en, de, fr, ...), for apostrophes and abbreviations; any is taken",
      [](const models::RunConfig& r) { return r.source_text.language; });
  add("--target-language", o->config.target_text.language, "the same for the target",
      [](const models::RunConfig& r) { return r.target_text.language; });
  for (const char* name : {"--source-language", "--target-language"}) cli.get_option(name)->check(kLanguageCode);
  CLI::Option* const lower = cli.add_flag("--lowercase", o->lowercase, "lower-case both sides");
  o->differs.emplace_back(lower, [raw](const models::RunConfig& run) { return run.source_text.lowercase != raw->lowercase; });
  CLI::Option* const joint = cli.add_flag("--joint", o->config.train.joint, "one vocabulary for both sides");
  o->differs.emplace_back(joint, [raw](const models::RunConfig& run) { return run.train.joint != raw->config.train.joint; });
  o->app = &cli;
  return [o] {
    o->config.source_text.lowercase = o->config.target_text.lowercase = o->lowercase;
    train(*o);
  };
}

}  // namespace heed::apps
