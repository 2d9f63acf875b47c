// translator train: sentence pairs in, a run folder out.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>

#include "apps/common/environment.h"
#include "apps/common/progress.h"
#include "apps/common/run_output.h"
#include "apps/translator/commands.h"
#include "models/text/lines.h"
#include "models/training/trainer.h"

namespace heed::apps {
namespace {

struct Options {
  std::string source, target, valid_source, valid_target, folder, json;
  bool resume = false, overwrite = false, lowercase = false;
  int threads = 0;
  models::RunConfig config;
  std::vector<std::pair<CLI::Option*, std::function<bool(const models::RunConfig&)>>> differs;  // option, "the run has another value"
};

models::TokenisedCorpus tokenised(const models::ParallelLines& lines, const models::RunConfig& config) {
  return {models::tokenize_lines(lines.source, config.source_text), models::tokenize_lines(lines.target, config.target_text)};
}

void train(Options& options) {
  use_threads(options.threads);
  const models::ParallelLines lines = models::read_parallel(options.source, options.target);
  const models::ParallelLines valid_lines = models::read_parallel(options.valid_source, options.valid_target);
  models::RunConfig config = options.config;
  const std::filesystem::path folder = options.folder;
  if (options.resume) {
    const std::filesystem::path file = folder / "config.toml";
    config = models::parse_run_config(read_file(file), file.string());
    for (const auto& [option, differs] : options.differs) {
      if (option->count() > 0 && differs(config)) {
        throw ValueError(fmt::format("resume: {} is not what '{}' was started with", option->get_name(), folder.string()));
      }
    }
  } else {
    models::check(config);
  }
  const models::TokenisedCorpus corpus = tokenised(lines, config), validation = tokenised(valid_lines, config);
  if (!options.resume) {
    models::Trainer::check_corpora(config, corpus, validation);  // before anything of an older run goes
    make_run_folder(folder, options.overwrite);
    models::Trainer::start(folder, config, corpus);
  }
  catch_interrupts();
  ProgressPrinter printer;
  models::Trainer trainer(folder, corpus, validation,
                          {.progress = [&](const auto& p) { printer.progress(p); },
                           .validated = [&](const auto& v) { printer.validated(v); },
                           .should_stop = [] { return interrupted.load(); },
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
#define HEED_ADD_MODEL(name, field, what) add(name, o->config.model.field, what, [](const models::RunConfig& r) { return r.model.field; })
#define HEED_ADD_TRAIN(name, field, what) add(name, o->config.train.field, what, [](const models::RunConfig& r) { return r.train.field; })
  HEED_ADD_MODEL("--architecture", architecture, "recurrent or transformer");
  HEED_ADD_MODEL("--attention", attention, ("of the recurrent translator: none, none_state, " + fmt::format("{}", fmt::join(nn::attention_kinds(), ", "))).c_str());
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
  HEED_ADD_MODEL("--tie", tie, "transformer: none, output (target embedding = projection), all (source embedding too)");
  HEED_ADD_MODEL("--dropout", dropout, "probability of dropout");
  HEED_ADD_TRAIN("--batch-size", batch_size, "sentence pairs a batch");
  HEED_ADD_TRAIN("--batch-tokens", batch_tokens, "tokens a batch on either side instead, padding counted");
  HEED_ADD_TRAIN("--epochs", epochs, "times through the training data");
  HEED_ADD_TRAIN("--updates", updates, "updates, instead of epochs");
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
  HEED_ADD_TRAIN("--subwords", subwords, "none, bpe or unigram (SentencePiece, trained on the training sentences)");
  HEED_ADD_TRAIN("--subword-vocabulary", subword_vocabulary, "pieces a side, or of both with --joint");
  HEED_ADD_TRAIN("--min-count", min_count, "words or pieces seen less often are unknown");
  HEED_ADD_TRAIN("--max-vocabulary", max_vocabulary, "words kept a side, 0 for all");
  HEED_ADD_TRAIN("--validate-every", validate_every, "updates between validations, 0 for every epoch");
  HEED_ADD_TRAIN("--patience", patience, "validations without a better BLEU before training ends, 0 for never");
  HEED_ADD_TRAIN("--log-every", log_every, "updates between two lines of metrics.jsonl");
  HEED_ADD_TRAIN("--seed", seed, "seed of weights, dropout and order");
#undef HEED_ADD_MODEL
#undef HEED_ADD_TRAIN
  add("--source-language", o->config.source_text.language, "how apostrophes are cut: en, de, fr, ...",
      [](const models::RunConfig& r) { return r.source_text.language; });
  add("--target-language", o->config.target_text.language, "the same for the target",
      [](const models::RunConfig& r) { return r.target_text.language; });
  CLI::Option* const lower = cli.add_flag("--lowercase", o->lowercase, "lower-case both sides");
  o->differs.emplace_back(lower, [raw](const models::RunConfig& run) { return run.source_text.lowercase != raw->lowercase; });
  CLI::Option* const joint = cli.add_flag("--joint", o->config.train.joint, "one vocabulary for both sides");
  o->differs.emplace_back(joint, [raw](const models::RunConfig& run) { return run.train.joint != raw->config.train.joint; });
  return [o] {
    o->config.source_text.lowercase = o->config.target_text.lowercase = o->lowercase;
    train(*o);
  };
}

}  // namespace heed::apps
