// The options of a run, each defined in one place: a field, and a row in the table from which config.toml,
// command lines, presets, checks, resume rules and --help are derived. To add an option, add a field, a row,
// and the code that uses it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "models/architectures/registry.h"
#include "models/options/option.h"
#include "models/text/subwords.h"
#include "models/text/tokenizer.h"
#include "nn/optim/schedule.h"

namespace heed::models {

/// The names of nn::ScheduleKind.
template <>
inline constexpr std::array<std::string_view, 4> kNames<nn::ScheduleKind>{"constant", "inverse_sqrt",
                                                                          "linear", "cosine"};

/// What happens when the loss or gradient of an update has NaN or infinity: training stops, or the update is
/// skipped.
enum class BadGradient : uint8_t { stop, skip };
/// The names of BadGradient.
template <>
inline constexpr std::array<std::string_view, 2> kNames<BadGradient>{"stop", "skip"};

/// Precision of matrix products while training.
enum class Precision : uint8_t { f32, bf16 };
/// The names of Precision.
template <>
inline constexpr std::array<std::string_view, 2> kNames<Precision>{"f32", "bf16"};

/// The value of stop_by that stands for the metric of keep_best_by.
constexpr const char* kNoStopBy = "keep_best_by";
/// The value of stop_by that is the guided-alignment loss of the training, and no metric of a validation.
constexpr const char* kAlignmentLoss = "alignment_loss";

/// The training options of a run: section [train] of config.toml.
struct TrainConfig {
  int64_t batch_size = 64;  // sentence pairs per batch
  /// If above 0, replaces batch_size: most tokens per batch on either side, padding included.
  int64_t batch_tokens = 0;
  int64_t accumulate = 1;    // batches whose gradients make one update
  int64_t epochs = 10;       // passes over the training pairs
  int64_t updates = 0;       // if above 0, replaces epochs: number of updates
  int64_t max_length = 100;  // training pairs with more tokens on a side are left out
  double lr = 1e-3;          // learning rate after the warm-up
  nn::ScheduleKind schedule = nn::ScheduleKind::constant;  // course of the learning rate (nn::Schedule)
  int64_t warmup = 0;                                      // number of warm-up updates
  double lr_floor = 0.0;         // final rate of linear and cosine, as a fraction of lr
  double label_smoothing = 0.1;  // in [0, 1)
  double clip = 1.0;             // largest gradient norm; 0: no clipping
  /// What happens when a loss or gradient has NaN or infinity.
  BadGradient on_bad_gradient = BadGradient::stop;
  int64_t max_bad_gradients = 0;  // most updates that may be skipped before training stops; 0: any number
  double weight_decay = 0.0;      // weight decay of AdamW
  double beta1 = 0.9;             // decay rate of Adam's first moment
  double beta2 = 0.999;           // decay rate of Adam's second moment
  int64_t average = 0;            // number of last checkpoints to average at the end; 0: none
  /// Precision of products while training; bf16 needs a CPU that supports it (AutocastGuard).
  Precision precision = Precision::f32;
  SubwordKind subwords = SubwordKind::none;  // units of the vocabularies; none: words
  int64_t subword_vocabulary = 8000;         // pieces per side, or in total when joint
  /// Sentences a side that subwords are learned from, drawn by the seed; 0: all.
  int64_t subword_sentences = 1'000'000;
  Normalisation normalisation = Normalisation::identity;  // of the text before it is split into subwords
  bool joint = false;                                     // whether both sides share one vocabulary
  int64_t min_count = 1;                                  // words that occur less often are unknown
  int64_t max_vocabulary = 0;                             // entries per side; 0: no limit
  int64_t validate_every = 0;                             // updates between validations; 0: after every epoch
  /// Metric that selects the best weights (kept_metrics()); ties are broken by the loss.
  std::string keep_best_by = "chrf";
  int64_t patience = 0;  // training ends after this many validations without better weights; 0: never
  /// Metric that patience counts by (stopping_metrics()); kNoStopBy: that of keep_best_by.
  std::string stop_by = kNoStopBy;
  int64_t validation_sentences = 0;  // validation pairs that are used, a random sample; 0: all
  int64_t save_every = 0;            // updates between checkpoints; 0: only at validations and by time
  double save_minutes = 15;          // minutes of training between checkpoints; 0: none by time
  int64_t keep_last = 0;             // last checkpoints whose weights are kept as runs
  int64_t keep_best = 0;             // best validations whose weights are kept as runs
  int64_t log_every = 50;            // updates between two lines of metrics.jsonl
  /// Weight of the guided-alignment loss (guided_alignment_loss); 0: none.
  double guided_alignment = 0.0;
  int64_t guided_layer = -1;  // layer whose attention follows the alignments; -1: the last but one
  int64_t guided_head = 0;    // its head
  int64_t guided_from = 0;    // updates before that loss sets in
  uint64_t seed = 1;          // seed of initial weights, order of batches and dropout
  bool operator==(const TrainConfig&) const = default;
};

/// What a model reads and writes beside the words of a sentence: section [rules] of config.toml, which
/// imported runs have. Models that heed trained keep the defaults.
struct ModelRules {
  bool source_end = true;     // whether a source ends with </s>
  bool whole_lines = false;   // TextCodec::whole_lines
  bool unknown = true;        // whether <unk> may be written
  std::string banned;         // further tokens that are never written, separated by spaces
  bool end_at_limit = false;  // OutputRules::end_at_limit
  bool renormalise = false;   // OutputRules::renormalise
  bool operator==(const ModelRules&) const = default;
};

/// The configuration of a run, stored as config.toml.
struct RunConfig {
  ModelConfig model;                      // architecture and its options
  TrainConfig train;                      // training options
  TextSettings source_text, target_text;  // how text is split into tokens
  ModelRules rules;                       // what the model reads and writes beside words
  bool operator==(const RunConfig&) const = default;
};

/// A row of the table: an option of a run, its place in config.toml and its command-line flag.
struct RunOption : OptionOf<RunConfig> {
  std::string section;  // section of config.toml
  /// "--batch-size"; empty: only in config.toml. A flag of several rows sets all of them that apply.
  std::string flag;
  std::string group;         // heading in --help: Model, Training, Text
  std::string architecture;  // architecture that has the option; empty: all runs have it
  /// @param config configuration of a run
  /// @return whether the run has this option
  bool applies(const RunConfig& config) const {
    return architecture.empty() || architecture == config.model.architecture().name;
  }
  /// Throws if a value is not allowed.
  /// @param value a value of the option's type
  /// @throws ValueError that names the flag: "target-context: must not be negative, got -1"
  void check(const OptionValue& value) const { OptionOf::check(value, flag.empty() ? flag : flag.substr(2)); }
};
/// @return all options, the architecture first
const std::vector<RunOption>& run_options();

/// @param config configuration of a run
/// @param text the settings of one of its sides, its tokenizer known
/// @return whether the side can have Spacing::kept: tokenizer none with heed's own subwords, or characters
bool can_keep_spacing(const RunConfig& config, const TextSettings& text);

/// Replaces Tokenizer::automatic by what it stands for.
/// @param config any configuration
/// @return the same with the tokenizer of both sides
RunConfig with_tokenizers(RunConfig config);

/// Replaces what a configuration leaves open by what it stands for: Tokenizer::automatic, and
/// Spacing::automatic, which is Spacing::one where the text did not decide (with_spacing_of).
/// @param config any configuration
/// @return the same, as it is stored in config.toml
RunConfig resolved(RunConfig config);

/// What the subword models of a run are like. Those of raw text have bytes: nothing is unknown to them.
/// @param config a configuration with subwords
/// @return kind, size, bytes, normalisation
SubwordOptions subword_options(const RunConfig& config);

/// Throws if a configuration is invalid.
/// @param config the configuration given by the user
/// @throws ValueError naming the option
void check(const RunConfig& config);

/// Throws if TOML keys are nested so deeply that the recursion of the parser would overflow the stack.
/// @param text content of the file
/// @param name name of the file, used in the error message
/// @throws FormatError naming the line
void check_toml_depth(std::string_view text, const std::string& name);
/// @param config configuration of a run
/// @return the content of config.toml
std::string to_toml(const RunConfig& config);
/// Parses a config.toml written by this or an older version of heed.
/// @param text content of the file
/// @param name name of the file, used in error messages
/// @return the configuration
/// @throws FormatError naming `name` and the key for anything missing, unknown or of the wrong type
RunConfig parse_run_config(const std::string& text, const std::string& name);

}  // namespace heed::models
