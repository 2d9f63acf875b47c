// The options of a run, each said once: fields, and the table of rows that config.toml, command lines, presets, checks, resume rules and
// --help walk. A new option is a field, a row, and its use.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "models/architectures/registry.h"
#include "models/options/option.h"
#include "models/text/subwords.h"
#include "models/text/tokenizer.h"

namespace heed::models {

/// What becomes of an update whose loss or gradient holds NaN or infinity: the training stops, or the update is left out.
enum class BadGradient : uint8_t { stop, skip };
/// The names of BadGradient.
template <>
inline constexpr std::array<std::string_view, 2> kNames<BadGradient>{"stop", "skip"};

/// Of the products while training.
enum class Precision : uint8_t { f32, bf16 };
/// The names of Precision.
template <>
inline constexpr std::array<std::string_view, 2> kNames<Precision>{"f32", "bf16"};

/// What the vocabularies hold: words, or pieces of them that SentencePiece learns in one of two ways.
enum class SubwordKind : uint8_t { none, bpe, unigram };
/// The names of SubwordKind.
template <>
inline constexpr std::array<std::string_view, 3> kNames<SubwordKind>{"none", "bpe", "unigram"};

/// How a run is trained; [train] of config.toml.
struct TrainConfig {
  int64_t batch_size = 64;            // sentence pairs a batch
  int64_t batch_tokens = 0;           // instead: at most so many tokens a batch on either side, padding counted; 0: by batch_size
  int64_t epochs = 10;                // over the training pairs
  int64_t updates = 0;                // instead of epochs when above 0
  int64_t max_length = 100;           // training pairs with more tokens on a side are left out
  double lr = 1e-3;                   // after the warm-up
  std::string schedule = "constant";  // a kind of nn::Schedule
  int64_t warmup = 0;                 // updates
  double lr_floor = 0.0;              // where linear and cosine end, as a part of lr
  double label_smoothing = 0.1;       // in [0, 1)
  double clip = 1.0;                  // gradient norm; 0: no clipping
  BadGradient on_bad_gradient = BadGradient::stop;  // what becomes of a loss or a gradient with NaN or infinity
  double weight_decay = 0.0;                        // of AdamW
  double beta1 = 0.9;                               // of Adam
  double beta2 = 0.999;                             // of Adam
  int64_t average = 0;                              // the last checkpoints to average at the end; 0: none
  Precision precision = Precision::f32;             // of the products while training; bf16 where the CPU has it (AutocastGuard)
  SubwordKind subwords = SubwordKind::none;         // bpe, unigram: the vocabularies hold pieces of words
  int64_t subword_vocabulary = 8000;                // pieces a side, or of both when joint
  bool joint = false;                               // one vocabulary for both sides
  int64_t min_count = 1;                            // words seen less often are unknown
  int64_t max_vocabulary = 0;                       // a side; 0: no limit
  int64_t validate_every = 0;                       // updates; 0: every epoch
  std::string keep_best_by = "chrf";                // the metric that the kept weights are best in (kept_metrics()); ties by the loss
  int64_t patience = 0;                             // validations without better weights before training ends; 0: never
  int64_t log_every = 50;                           // updates between two lines of metrics.jsonl
  uint64_t seed = 1;                                // of weights, order and dropout
  bool operator==(const TrainConfig&) const = default;
};

/// config.toml.
struct RunConfig {
  ModelConfig model;                      // sizes and kinds
  TrainConfig train;                      // rates and lengths
  TextSettings source_text, target_text;  // how text becomes tokens
  bool operator==(const RunConfig&) const = default;
};

/// A row of the table: an option of a run, where it stands in config.toml and what it is called on a command line.
struct RunOption : OptionOf<RunConfig> {
  std::string section;       // of config.toml
  std::string flag;          // "--batch-size"; empty: config.toml alone. Rows with one flag are set together, as far as they apply
  std::string group;         // of --help: Model, Training, Text
  std::string architecture;  // whose option it is; empty: of every run
  /// @param config of a run
  /// @return whether it is an option of that run
  bool applies(const RunConfig& config) const { return architecture.empty() || architecture == config.model.architecture().name; }
};
/// @return all of them, the architecture first
const std::vector<RunOption>& run_options();

/// Refuses a config that makes no sense.
/// @param config as a user gave it
/// @throws ValueError naming the option
void check(const RunConfig& config);

/// Refuses TOML whose keys nest so deeply that the parser's recursion would end the program.
/// @param text of the file
/// @param name stands in the message
/// @throws FormatError naming the line
void check_toml_depth(std::string_view text, const std::string& name);
/// @param config of a run
/// @return the text of config.toml
std::string to_toml(const RunConfig& config);
/// Reads what to_toml() of this heed or of an older one wrote.
/// @param text of the file
/// @param name used in error messages
/// @return the config
/// @throws FormatError naming `name` and the key for anything missing, unknown or of the wrong type
RunConfig parse_run_config(const std::string& text, const std::string& name);

}  // namespace heed::models
