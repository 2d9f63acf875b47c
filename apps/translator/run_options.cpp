#include "apps/translator/run_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "apps/common/main_guard.h"
#include "framework/core/error.h"
#include "nn/nn.h"

namespace heed::apps {
namespace {

const CLI::Validator kLanguageCode(
    [](const std::string& text) {
      const bool letters = std::all_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
      return letters && text.size() != 1 && text.size() <= 3 ? std::string()
                                                             : fmt::format("'{}' is not a language code of two or three letters", text);
    },
    "");

}  // namespace

bool makes_run(const CLI::Option& option) {
  const std::string& group = option.get_group();
  return group == kPairs || group == kModel || group == kTraining || group == kText;
}

std::vector<std::string> attention_choices() {
  std::vector<std::string> kinds = nn::attention_kinds();
  kinds.insert(kinds.begin(), {"none", "none_state"});
  return kinds;
}

CLI::Validator one_attention_kind() {
  return one_of(attention_choices(), {{"bahdanau", "additive"},
                                      {"mlp", "additive"},
                                      {"luong", "general"},
                                      {"bilinear", "general"},
                                      {"multiplicative", "general"},
                                      {"dot_product", "dot"},
                                      {"dot-product", "dot"},
                                      {"scaled-dot", "scaled_dot"},
                                      {"multi-head", "multi_head"},
                                      {"multihead", "multi_head"},
                                      {"local-p", "local_p"},
                                      {"local-m", "local_m"},
                                      {"no", "none"}});
}

// `field` is the part of a config that the option sets: auto&(auto& config).
template <class Field>
CLI::Option* RunOptions::enter(CLI::Option* option, const char* group, Field field) {
  entries_.push_back({option->group(group), [this, field](models::RunConfig& run) { field(run) = field(config_); },
                      [this, field](const models::RunConfig& run) { return field(run) != field(config_); }});
  return option;
}

#define HEED_FIELD(name) \
  [](auto& run) -> auto& { return run.name; }

void RunOptions::add_attention(CLI::App& cli) {
  const auto field = HEED_FIELD(model.attention);
  const std::string what = fmt::format("of the recurrent translator: {}", fmt::join(attention_choices(), ", "));
  enter(cli.add_option("--attention", field(config_), what)->capture_default_str()->check(one_attention_kind()), kModel, field);
}

void RunOptions::add_to(CLI::App& cli) {
  const auto add = [&](const char* group, const char* name, auto field, const char* what) {
    return enter(cli.add_option(name, field(config_), what)->capture_default_str(), group, field);
  };
  const auto model = [&](const char* name, auto field, const char* what) { return add(kModel, name, field, what); };
  const auto train = [&](const char* name, auto field, const char* what) { return add(kTraining, name, field, what); };
  const auto text = [&](const char* name, auto field, const char* what) { return add(kText, name, field, what); };
  const auto flag = [&](const char* name, auto field, const char* what) { enter(cli.add_flag(name, field(config_), what), kText, field); };
  const auto length = [&](const char* name, auto field, const char* what) {
    const CLI::Option* const option = train(name, field, what);
    entries_.back().differs = nullptr;
    return option;
  };
  model("--architecture", HEED_FIELD(model.architecture), "recurrent or transformer")->check(one_of({"recurrent", "transformer"}));
  model("--cell", HEED_FIELD(model.cell), "of the recurrent translator: lstm or gru")->check(one_of({"lstm", "gru"}));
  model("--embedding", HEED_FIELD(model.embedding), "size of the word vectors");
  model("--encoder-hidden", HEED_FIELD(model.encoder_hidden), "size of the encoder, a direction");
  model("--encoder-layers", HEED_FIELD(model.encoder_layers), "layers of the encoder");
  model("--residual", HEED_FIELD(model.residual), "encoder layers from the second on add their input to their output");
  model("--decoder-hidden", HEED_FIELD(model.decoder_hidden), "size of the decoder");
  model("--bidirectional", HEED_FIELD(model.bidirectional), "an encoder that reads in both directions");
  model("--input-feeding", HEED_FIELD(model.input_feeding), "the context is part of the decoder's next input");
  model("--coverage", HEED_FIELD(model.coverage), "additive, concat, dot, general, scaled_dot: past weights enter the energy");
  model("--attention-window", HEED_FIELD(model.attention_window), "half window of local_p and local_m");
  model("--attention-max-source", HEED_FIELD(model.attention_max_source), "longest source that location looks at");
  model("--attention-size", HEED_FIELD(model.attention_size), "size of the attention's hidden layer");
  model("--readout", HEED_FIELD(model.readout), "size of the layer in front of the vocabulary");
  model("--decoder-layers", HEED_FIELD(model.decoder_layers), "layers of the transformer's decoder");
  model("--model-size", HEED_FIELD(model.model_size), "width of the transformer");
  model("--feed-forward", HEED_FIELD(model.feed_forward), "width of its feed-forward layers");
  model("--heads", HEED_FIELD(model.heads), "attention heads of each of its layers, and of multi_head");
  model("--norm", HEED_FIELD(model.norm), "layer normalisation in front of each sublayer (pre) or behind it (post)")
      ->check(one_of({"pre", "post"}));
  model("--positions", HEED_FIELD(model.positions), "of the transformer: sinusoidal, learned or rotary")
      ->check(one_of({"sinusoidal", "learned", "rotary"}));
  model("--max-positions", HEED_FIELD(model.max_positions), "rows of learned positions: the longest source and target");
  model("--tie", HEED_FIELD(model.tie), "none, output (target embedding = projection), all (source embedding too)")
      ->check(one_of({"none", "output", "all"}));
  model("--dropout", HEED_FIELD(model.dropout), "probability of dropout");
  train("--batch-size", HEED_FIELD(train.batch_size), "sentence pairs a batch");
  train("--batch-tokens", HEED_FIELD(train.batch_tokens), "tokens a batch on either side instead, padding counted");
  epochs_ = length("--epochs", HEED_FIELD(train.epochs), "times through the training data");
  updates_ = length("--updates", HEED_FIELD(train.updates), "updates, instead of epochs");
  train("--max-length", HEED_FIELD(train.max_length), "leave out training pairs with more tokens on a side");
  train("--lr", HEED_FIELD(train.lr), "learning rate of Adam");
  train("--schedule", HEED_FIELD(train.schedule), "constant, inverse_sqrt, linear or cosine")
      ->check(one_of({"constant", "inverse_sqrt", "linear", "cosine"}));
  train("--warmup", HEED_FIELD(train.warmup), "updates of linear warm-up");
  train("--lr-floor", HEED_FIELD(train.lr_floor), "where linear and cosine end, as a part of lr");
  train("--label-smoothing", HEED_FIELD(train.label_smoothing), "probability spread over all words");
  train("--clip", HEED_FIELD(train.clip), "largest norm of the gradient, 0 for none");
  on_bad_gradient_ =
      train("--on-bad-gradient", HEED_FIELD(train.on_bad_gradient),
            "what a loss or a gradient with NaN or infinity does: stop the training, or skip the update; --resume may change it")
          ->check(one_of({"stop", "skip"}));
  entries_.back().differs = nullptr;
  train("--weight-decay", HEED_FIELD(train.weight_decay), "L2 weight decay");
  train("--beta2", HEED_FIELD(train.beta2), "Adam's decay of the second moment");
  train("--average", HEED_FIELD(train.average), "validated weights to average at the end, the last ones; 0 for none");
  train("--precision", HEED_FIELD(train.precision), "of the products while training: f32, or bf16 where the CPU has AMX or AVX512-BF16")
      ->check(one_of({"f32", "bf16"}));
  train("--validate-every", HEED_FIELD(train.validate_every), "updates between validations, 0 for every epoch");
  train("--keep-best-by", HEED_FIELD(train.keep_best_by),
        "which weights are kept, by validation: loss, bleu (greedy, tokens; 0 for targets of fewer than four) or chrf; ties by the loss")
      ->check(one_of({"loss", "bleu", "chrf"}));
  train("--patience", HEED_FIELD(train.patience), "validations without better weights (--keep-best-by) before training ends, 0 for never");
  train("--log-every", HEED_FIELD(train.log_every), "updates between two lines of metrics.jsonl");
  train("--seed", HEED_FIELD(train.seed), "seed of weights, dropout and order")->check(kWholeNumber);
  text("--subwords", HEED_FIELD(train.subwords), "none, bpe or unigram (SentencePiece, trained on the training sentences)")
      ->check(one_of({"none", "bpe", "unigram"}));
  text("--subword-vocabulary", HEED_FIELD(train.subword_vocabulary), "pieces a side, or of both with --joint");
  flag("--joint", HEED_FIELD(train.joint), "one vocabulary for both sides");
  text("--min-count", HEED_FIELD(train.min_count), "words or pieces seen less often are unknown");
  text("--max-vocabulary", HEED_FIELD(train.max_vocabulary), "words kept a side, 0 for all");
  text("--source-language", HEED_FIELD(source_text.language),
       "two or three letters (en, de, fr, ...), for apostrophes and abbreviations; any is taken")
      ->check(kLanguageCode);
  text("--target-language", HEED_FIELD(target_text.language), "the same for the target")->check(kLanguageCode);
  flag("--lowercase", HEED_FIELD(source_text.lowercase), "lower-case both sides");
  entries_.back().assign = [this](models::RunConfig& run) {
    run.source_text.lowercase = run.target_text.lowercase = config_.source_text.lowercase;
  };
}

#undef HEED_FIELD

models::RunConfig RunOptions::applied_to(models::RunConfig base) const {
  for (const Entry& entry : entries_) {
    if (entry.option->count() > 0) entry.assign(base);
  }
  return base;
}

std::vector<std::string> RunOptions::given() const {
  std::vector<std::string> names;
  for (const Entry& entry : entries_) {
    if (entry.option->count() > 0) names.push_back(entry.option->get_name());
  }
  return names;
}

models::RunConfig RunOptions::resumed(const models::RunConfig& run, const std::string& folder) const {
  for (const Entry& entry : entries_) {
    if (entry.option->count() > 0 && entry.differs && entry.differs(run)) {
      throw ValueError(fmt::format("resume: {} is not what '{}' was started with", entry.option->get_name(), folder));
    }
  }
  models::RunConfig result = run;
  if (on_bad_gradient_->count() > 0) result.train.on_bad_gradient = config_.train.on_bad_gradient;
  lengthen(result, folder);
  return result;
}

// A run whose rates do not depend on its length may go on for longer, in its unit.
void RunOptions::lengthen(models::RunConfig& run, const std::string& folder) const {
  struct Length {
    const CLI::Option* option;
    int64_t wanted;
    int64_t* now;
  };
  Length unit{updates_, config_.train.updates, &run.train.updates}, other{epochs_, config_.train.epochs, &run.train.epochs};
  if (run.train.updates == 0) std::swap(unit, other);
  const auto differs = [](const Length& length) { return length.option->count() > 0 && length.wanted != *length.now; };
  const std::string name = unit.option->get_name(), &schedule = run.train.schedule;
  if (differs(other)) {
    throw ValueError(fmt::format("resume: {}: the length of '{}' was given in {}", other.option->get_name(), folder, name));
  }
  if (!differs(unit)) return;
  if (schedule != "constant" && schedule != "inverse_sqrt") {
    throw ValueError(
        fmt::format("resume: {} stays {}: the length is part of the schedule '{}' (constant and inverse_sqrt can go on for longer)", name,
                    *unit.now, schedule));
  }
  if (unit.wanted < *unit.now) {
    throw ValueError(fmt::format("resume: {} can only grow: '{}' was started with {}", name, folder, *unit.now));
  }
  *unit.now = unit.wanted;
}

}  // namespace heed::apps
