#include "models/run/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <set>
#include <sstream>

#include "framework/core/error.h"
#include "models/metrics/metric.h"
#include "models/text/vocabulary.h"

namespace heed::models {
namespace {

constexpr const char *kModel = "Model", *kTraining = "Training", *kText = "Text";  // groups of --help
// 1 listed the options of both architectures that there were; 2 lists those of the run's own; 3 has `none` as
// the tokenizer of raw text, which was what `whitespace` is now.
constexpr int64_t kFormatVersion = 3;
constexpr int kMaxKeyParts = 100;  // of a dotted key

bool has_subwords(const TrainConfig& t) { return t.subwords != SubwordKind::none; }

bool is_guided(const TrainConfig& t) { return t.guided_alignment > 0; }

std::vector<OptionOf<TrainConfig>> train_options() {
  using T = TrainConfig;
  const Values from_zero, from_one = between(1);
  std::vector<std::string> kept;
  for (const Metric* metric : kept_metrics()) kept.push_back(metric->keep);
  std::vector<std::string> stopping{kNoStopBy};
  for (const Metric* metric : stopping_metrics()) stopping.push_back(stopping_name(*metric));
  stopping.emplace_back(kAlignmentLoss);
  return {
      only_with<T>("--batch-tokens", "beside --batch-tokens, which stands in its place",
                   [](const T& t) { return t.batch_tokens == 0; },
                   {"batch_size", &T::batch_size, "sentence pairs a batch", from_one}),
      {"batch_tokens", &T::batch_tokens, "tokens a batch on either side instead, padding counted", from_zero},
      {"accumulate", &T::accumulate,
       "batches whose gradients are added up for one update: as one batch so much larger, in the memory of "
       "one",
       from_one},
      only_with<T>("--updates", "beside --updates, which stands in its place",
                   [](const T& t) { return t.updates == 0; },
                   {"epochs", &T::epochs, "times through the training data", from_zero, OnResume::length}),
      {"updates", &T::updates, "updates, instead of epochs", from_zero, OnResume::length},
      {"max_length", &T::max_length, "leave out training pairs with more tokens on a side", from_one},
      {"lr", &T::lr, "learning rate of Adam", above(0)},
      {"schedule", &T::schedule, "constant, inverse_sqrt, linear or cosine"},
      {"warmup", &T::warmup, "updates of linear warm-up", from_zero},
      only_with<T>(
          "--schedule", "without --schedule linear or cosine",
          [](const T& t) { return nn::depends_on_length(t.schedule); },
          {"lr_floor", &T::lr_floor, "where linear and cosine end, as a part of lr", not_negative()}),
      {"label_smoothing", &T::label_smoothing, "probability spread over all words", fraction()},
      {"clip", &T::clip, "largest norm of the gradient, 0 for none", not_negative()},
      {"on_bad_gradient",
       &T::on_bad_gradient,
       "what a loss or a gradient with NaN or infinity does: stop the training, or skip the update; --resume "
       "may change it",
       {},
       OnResume::free},
      only_with<T>(
          "--on-bad-gradient", "without --on-bad-gradient skip: the first one stops the training",
          [](const T& t) { return t.on_bad_gradient == BadGradient::skip; },
          {"max_bad_gradients", &T::max_bad_gradients,
           "updates that may be skipped so before training stops, 0 for any number; --resume may change it",
           from_zero, OnResume::free}),
      {"weight_decay", &T::weight_decay, "L2 weight decay", not_negative()},
      {"beta1", &T::beta1, "Adam's decay of the first moment, 0 for none", fraction()},
      {"beta2",
       &T::beta2,
       "Adam's decay of the second moment",
       {.least = 0, .most = 1, .above_least = true, .below_most = true}},
      {"average", &T::average, "validated weights to average at the end, the last ones; 0 for none",
       from_zero},
      {"precision", &T::precision,
       "of the products while training: f32, or bf16 where the CPU has AMX or AVX512-BF16"},
      {"validate_every", &T::validate_every, "updates between validations, 0 for every epoch", from_zero},
      {"keep_best_by", &T::keep_best_by,
       fmt::format("which weights are kept, by validation (greedy): {}; ties by the loss",
                   fmt::join(kept, ", ")),
       one_of(kept)},
      {"patience", &T::patience,
       "validations without a better score (--stop-by) before training ends, 0 for never", from_zero},
      only_with<T>(
          "--patience", "without --patience, which is 0: no score ends the training",
          [](const T& t) { return t.patience > 0; },
          {"stop_by", &T::stop_by,
           fmt::format("which score --patience counts by: {}; alignment_loss is that of guided alignment in "
                       "training",
                       fmt::join(stopping, ", ")),
           one_of(stopping)}),
      {"validation_sentences", &T::validation_sentences,
       "validation pairs to use, a sample drawn once by the seed, so that a validation stays short; 0 for "
       "all",
       from_zero},
      {"save_every", &T::save_every,
       "updates between two checkpoints, from which --resume goes on; 0: there is one at each validation and "
       "by --save-minutes; --resume may change it",
       from_zero, OnResume::free},
      {"save_minutes", &T::save_minutes,
       "minutes of training between two checkpoints, 0 for none by time; --resume may change it",
       not_negative(), OnResume::free},
      {"keep_last", &T::keep_last,
       "last checkpoints by updates (--save-every, else those of validations) whose weights are kept as runs "
       "in RUN/checkpoints; --resume may change it",
       from_zero, OnResume::free},
      {"keep_best", &T::keep_best,
       "best validations (--keep-best-by) whose weights are kept as runs there; --resume may change it",
       from_zero, OnResume::free},
      {"log_every", &T::log_every, "updates between two lines of metrics.jsonl", from_one},
      {"guided_alignment", &T::guided_alignment,
       "weight of a loss by which one head learns word alignments, given ones (train --alignments) or the "
       "run's own; 0 for none, Garg et al. take 0.05",
       not_negative()},
      only_with<T>(
          "--guided-alignment", "without --guided-alignment, which is 0", is_guided,
          {"guided_layer", &T::guided_layer, "layer of that head, -1 for the last but one", between(-1)}),
      only_with<T>("--guided-alignment", "without --guided-alignment, which is 0", is_guided,
                   {"guided_head", &T::guided_head, "which of its heads", from_zero}),
      only_with<T>("--guided-alignment", "without --guided-alignment, which is 0", is_guided,
                   {"guided_from", &T::guided_from,
                    "updates before that loss sets in; where no alignments are given the run aligns its "
                    "training pairs "
                    "then, by the mean of that layer",
                    from_zero}),
      {"seed", &T::seed, "seed of weights, dropout and order",
       between(0, std::numeric_limits<double>::infinity())},
  };
}

std::vector<OptionOf<TrainConfig>> vocabulary_options() {
  using T = TrainConfig;
  return {
      {"subwords", &T::subwords, "none, bpe or unigram (SentencePiece, trained on the training sentences)"},
      only_with<T>("--subwords", "without --subwords, which is none", has_subwords,
                   {"subword_vocabulary", &T::subword_vocabulary, "pieces a side, or of both with --joint",
                    between(1)}),
      only_with<T>(
          "--subwords", "without --subwords, which is none", has_subwords,
          {"subword_sentences", &T::subword_sentences,
           "sentences a side that subwords are learned from, drawn by the seed, 0 for all", not_negative()}),
      {"normalisation", &T::normalisation,
       "of subwords, before the text is split: identity, or SentencePiece's nfkc, nmt_nfkc, nfkc_cf, "
       "nmt_nfkc_cf (cf: case is lost)"},
      {"joint", &T::joint, "one vocabulary for both sides"},
      {"min_count", &T::min_count, "words or pieces seen less often are unknown", between(1)},
      {"max_vocabulary", &T::max_vocabulary, "words kept a side, 0 for all"},
  };
}

// With their flags; without one: what no command line sets.
std::vector<std::pair<OptionOf<TextSettings>, std::string>> text_options(const std::string& side) {
  using S = TextSettings;
  return {
      {{"tokenizer", &S::tokenizer,
        "auto (none with subwords, else words), words (Moses' rules), none (text as it is, split at spaces), "
        "whitespace, or characters"},
       "--tokenizer"},
      {{"lowercase", &S::lowercase, "lower-case both sides"}, "--lowercase"},
      {{"spacing", &S::spacing,
        "of text as it is: one (white space in a row is one space), kept (as it is written), or auto (kept "
        "on "
        "a side where one training line in a thousand has other white space than single spaces)"},
       "--spacing"},
      {{"normalise", &S::normalise, "typographic quotes, dashes and ellipses to ASCII"}, ""},
      {{"escape", &S::escape, "write & ' \" < > | [ ] as Moses does"}, ""},
      {{"language", &S::language,
        fmt::format("of the {}: two or three letters (en, de, fr, ...), for apostrophes and abbreviations; "
                    "any is taken",
                    side),
        language_code()},
       fmt::format("--{}-language", side)},
      {{"context", &S::context,
        side == "source"
            ? "lines of the same document that stand before a source, with <brk> between them; a blank line "
              "ends a document, and so does PART.documents of a corpus"
            : "the same of a target: the model writes them too, and what stands behind the last <brk> counts",
        between(0, 100)},
       side == "source" ? "--context" : "--target-context"},
  };
}

std::vector<OptionOf<ModelRules>> rules() {
  using R = ModelRules;
  return {
      {"source_end", &R::source_end, "a source ends with </s>"},
      {"whole_lines", &R::whole_lines, "the SentencePiece models are another program's and read whole lines"},
      {"unknown", &R::unknown, "<unk> may be written"},
      {"banned", &R::banned, "further tokens that are never written, separated by spaces"},
      {"end_at_limit", &R::end_at_limit, "an output that reaches its limit of length ends with </s>"},
      {"renormalise", &R::renormalise, "probabilities sum to one over what may be written"},
  };
}

OptionOf<RunConfig> architecture_option() {
  std::vector<std::string> names;
  std::string help;
  for (const Architecture* architecture : architectures()) {
    names.push_back(architecture->name);
    help += fmt::format("{}{}: {}", help.empty() ? "" : "; ", architecture->name, architecture->what);
  }
  struct Held {
    std::string name;
  };
  OptionOf<Held> option("architecture", &Held::name, help, one_of(names));
  OptionOf<RunConfig> row(option, {}, {});
  row.get = [](const RunConfig& config) -> OptionValue { return config.model.architecture().name; };
  row.set = [](RunConfig& config, const OptionValue& value) {
    const Architecture& wanted = find_architecture(std::get<std::string>(value));
    if (&wanted != &config.model.architecture()) config.model = ModelConfig(wanted);
  };
  return row;
}

template <class Part>
OptionOf<RunConfig> of_run(const OptionOf<Part>& option, Part RunConfig::*part) {
  return {option, std::function<const Part&(const RunConfig&)>([part](const RunConfig& run) -> const Part& {
            return run.*part;
          }),
          std::function<Part&(RunConfig&)>([part](RunConfig& run) -> Part& { return run.*part; })};
}

std::vector<RunOption> make_rows() {
  std::vector<RunOption> rows;
  const auto add = [&](OptionOf<RunConfig> option, const char* section, const std::string& flag,
                       const char* group, const std::string& architecture = "") {
    rows.push_back({std::move(option), section, flag, group, architecture});
  };
  const auto flag_of = [](const Option& option) { return "--" + option.name(); };
  add(architecture_option(), "model", "--architecture", kModel);
  for (const Architecture* architecture : architectures()) {
    for (const OptionOf<std::any>& option : architecture->options) {
      add({option,
           std::function<const std::any&(const RunConfig&)>(
               [](const RunConfig& run) -> const std::any& { return run.model.options(); }),
           std::function<std::any&(RunConfig&)>(
               [](RunConfig& run) -> std::any& { return run.model.options(); })},
          "model", flag_of(option), kModel, architecture->name);
    }
  }
  for (const OptionOf<TrainConfig>& option : train_options())
    add(of_run(only_in_training(option), &RunConfig::train), "train", flag_of(option), kTraining);
  for (const OptionOf<TrainConfig>& option : vocabulary_options())
    add(of_run(option, &RunConfig::train), "train", flag_of(option), kText);
  for (const auto& [option, flag] : text_options("source"))
    add(of_run(option, &RunConfig::source_text), "source_text", flag, kText);
  for (const auto& [option, flag] : text_options("target"))
    add(of_run(option, &RunConfig::target_text), "target_text", flag, kText);
  for (const OptionOf<ModelRules>& option : rules())
    add(of_run(option, &RunConfig::rules), "rules", "", kText);
  return rows;
}

// A value of config.toml as the kind that the option holds, or nothing.
std::optional<OptionValue> read_value(const toml::node& node, const OptionValue& kind) {
  if (std::holds_alternative<bool>(kind))
    return node.is_boolean() ? std::optional<OptionValue>(node.ref<bool>()) : std::nullopt;
  if (std::holds_alternative<int64_t>(kind))
    return node.is_integer() ? std::optional<OptionValue>(node.ref<int64_t>()) : std::nullopt;
  if (std::holds_alternative<std::string>(kind))
    return node.is_string() ? std::optional<OptionValue>(node.ref<std::string>()) : std::nullopt;
  // a whole number is one as well
  if (const auto number = node.value<double>(); number && node.is_number()) return *number;
  return std::nullopt;
}

// A section of config.toml, its keys one by one. Keys that are absent keep their defaults: an older heed had
// no such option.
void read_section(const toml::table& root, const std::string& section, const std::string& file,
                  int64_t version, RunConfig& config) {
  const toml::table* const table = root[section].as_table();
  if (!root.contains(section) && section == "rules") return;  // older runs have none
  if (!table) throw FormatError(fmt::format("'{}': the section [{}] is missing", file, section));
  std::set<std::string, std::less<>> known;
  for (const RunOption& row : run_options()) {
    if (row.section != section) continue;
    const bool applies = row.applies(config);
    if (applies || version == 1) known.insert(row.key);
    const toml::node* const node = table->get(row.key);
    if (!node || !applies) continue;
    const std::optional<OptionValue> value = read_value(*node, row.get(config));
    if (!value)
      throw FormatError(fmt::format("'{}': [{}] {} has a value of the wrong type", file, section, row.key));
    row.check(*value);
    row.set(config, *value);
  }
  for (const auto& [key, node] : *table) {
    if (!known.contains(key.str()))
      throw FormatError(fmt::format("'{}': [{}] {} is not known", file, section, std::string(key.str())));
  }
}

}  // namespace

const std::vector<RunOption>& run_options() {
  static const std::vector<RunOption> rows = make_rows();
  return rows;
}

bool can_keep_spacing(const RunConfig& config, const TextSettings& text) {
  if (text.tokenizer == Tokenizer::characters) return true;
  return text.tokenizer == Tokenizer::none && config.train.subwords != SubwordKind::none &&
         !config.rules.whole_lines;
}

RunConfig with_tokenizers(RunConfig config) {
  for (TextSettings* text : {&config.source_text, &config.target_text}) {
    if (text->tokenizer == Tokenizer::automatic)
      text->tokenizer = config.train.subwords == SubwordKind::none ? Tokenizer::words : Tokenizer::none;
  }
  return config;
}

RunConfig resolved(RunConfig config) {
  config = with_tokenizers(std::move(config));
  for (TextSettings* text : {&config.source_text, &config.target_text}) {
    if (text->spacing == Spacing::automatic) text->spacing = Spacing::one;
  }
  return config;
}

SubwordOptions subword_options(const RunConfig& config) {
  const RunConfig run = resolved(config);
  return {.kind = run.train.subwords,
          .size = run.train.subword_vocabulary,
          .bytes = run.source_text.raw() || run.target_text.raw(),
          .normalisation = run.train.normalisation};
}

void check(const RunConfig& config) {
  for (const RunOption& row : run_options()) {
    if (row.applies(config)) row.check(row.get(config));
  }
  check(config.model);
  const TrainConfig& t = config.train;
  const auto require = [](bool good, const std::string& what) {
    if (!good) throw ValueError(what);
  };
  require(t.average == 0 || t.average >= 2,
          fmt::format("average: must be 0 or at least 2, got {}", t.average));
  for (const TextSettings* text : {&config.source_text, &config.target_text}) {
    require(t.subwords == SubwordKind::none || text->tokenizer != Tokenizer::characters,
            "tokenizer: characters are units already, subwords of them make no sense");
    require(text->spacing != Spacing::kept || can_keep_spacing(resolved(config), *text),
            "spacing: kept is of text as it is, of subwords with --tokenizer none or of characters");
  }
  require(t.subwords != SubwordKind::none || t.normalisation == Normalisation::identity,
          "normalisation: is of --subwords");
  require(t.joint || !config.model.architecture().one_vocabulary(config.model.options()),
          "tie: 'all' needs --joint, one vocabulary for both sides");
  require(t.stop_by != kAlignmentLoss || t.guided_alignment > 0,
          fmt::format("stop-by: {} is of --guided-alignment, which is 0", kAlignmentLoss));
  require(t.epochs >= 1 || t.updates >= 1, fmt::format("epochs: must be at least 1, got {}", t.epochs));
  const int64_t longest = config.model.architecture().longest_source(config.model.options());
  require(t.max_length < longest,
          fmt::format("max-length: {} tokens and the end of the sentence do not fit {} learned positions",
                      t.max_length, longest));
  require(
      t.max_vocabulary == 0 || t.max_vocabulary > Vocabulary::kSpecials,
      fmt::format("max-vocabulary: must be 0 or above {}, got {}", Vocabulary::kSpecials, t.max_vocabulary));
}

std::string to_toml(const RunConfig& config) {
  toml::table root;
  root.insert("format", "heed.run");
  root.insert("version", kFormatVersion);
  for (const RunOption& row : run_options()) {
    if (!row.applies(config)) continue;
    if (!root.contains(row.section)) root.insert(row.section, toml::table{});
    std::visit([&](const auto& value) { root[row.section].as_table()->insert(row.key, value); },
               row.get(config));
  }
  std::ostringstream out;
  out << root << '\n';
  return out.str();
}

RunConfig parse_run_config(const std::string& text, const std::string& name) {
  check_toml_depth(text, name);
  toml::table root;
  try {
    root = toml::parse(text);
  } catch (const toml::parse_error& error) {
    throw FormatError(fmt::format("'{}' line {}: {}", name, error.source().begin.line, error.description()));
  }
  if (root["format"].value_or(std::string{}) != "heed.run")
    throw FormatError(fmt::format("'{}' is not the config of a heed run", name));
  const int64_t version = root["version"].value_or(int64_t{0});
  if (version < 1 || version > kFormatVersion) {
    throw FormatError(
        fmt::format("'{}' has version {}, this heed reads 1 to {}", name, version, kFormatVersion));
  }
  RunConfig config;
  config.train.keep_best_by = "bleu";  // what a run did before it could say
  if (version < 3) config.source_text.tokenizer = config.target_text.tokenizer = Tokenizer::words;
  config.source_text.spacing = config.target_text.spacing = Spacing::one;
  try {
    for (const char* section : {"model", "train", "source_text", "target_text", "rules"})
      read_section(root, section, name, version, config);
    for (TextSettings* side : {&config.source_text, &config.target_text}) {
      if (version < 3 && side->tokenizer == Tokenizer::none) side->tokenizer = Tokenizer::whitespace;
    }
    config = resolved(config);
    check(config);
  } catch (const ValueError& error) {
    throw FormatError(fmt::format("'{}': {}", name, error.what()));
  }
  return config;
}

void check_toml_depth(std::string_view text, const std::string& name) {
  int parts = 0;
  int64_t line = 1;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '#') i = std::min(text.find('\n', i), text.size()) - 1;
    if (c == '"' || c == '\'') {
      const std::string triple(3, c);
      const bool lines = text.substr(i, 3) == triple;
      for (i += lines ? 3 : 1; i < text.size(); ++i) {  // to the quote that ends it
        if (text[i] == '\n') ++line;
        if (c == '"' && text[i] == '\\') {
          ++i;
        } else if (lines ? text.substr(i, 3) == triple : text[i] == c || text[i] == '\n') {
          break;
        }
      }
      if (lines) i += 2;
      continue;
    }
    if (c == '\n') ++line;
    if (std::string_view("\n=,[]{}").find(c) != std::string_view::npos) parts = 0;
    if (c == '.' && ++parts > kMaxKeyParts)
      throw FormatError(fmt::format("'{}' line {}: a key of more than {} parts", name, line, kMaxKeyParts));
  }
}

}  // namespace heed::models
