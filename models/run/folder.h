// The run folder: everything a trained translator is.
//   config.toml         model, training and text settings
//   source.vocab, target.vocab   one token a line, in the order of the ids
//   source.spm, target.spm       SentencePiece models, when the vocabularies hold pieces; equal when joint
//   model.safetensors   the best weights so far, by keep_best_by on the validation pairs
//   single.safetensors  the best single weights, while model.safetensors holds something that only the run's end brought: a mean, or
//                       weights that were validated off the schedule; what a longer run goes on from
//   state.safetensors   the last weights, optimiser, random numbers, cursor: what --resume needs
//   checkpoint-N.safetensors   the weights of the last validations, when they are to be averaged
//   metrics.jsonl       one line a report: losses, rates, BLEU, chrF
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "models/architectures/architecture.h"
#include "models/text/codec.h"
#include "models/text/tokenizer.h"

namespace heed::models {

/// How a run is trained; [train] of config.toml.
struct TrainConfig {
  int64_t batch_size = 64;               // sentence pairs a batch
  int64_t batch_tokens = 0;              // instead: at most so many tokens a batch on either side, padding counted; 0: by batch_size
  int64_t epochs = 10;                   // over the training pairs
  int64_t updates = 0;                   // instead of epochs when above 0
  int64_t max_length = 100;              // training pairs with more tokens on a side are left out
  double lr = 1e-3;                      // after the warm-up
  std::string schedule = "constant";     // a kind of nn::Schedule
  int64_t warmup = 0;                    // updates
  double lr_floor = 0.0;                 // where linear and cosine end, as a part of lr
  double label_smoothing = 0.1;          // in [0, 1)
  double clip = 1.0;                     // gradient norm; 0: no clipping
  std::string on_bad_gradient = "stop";  // a loss or a gradient with NaN or infinity: "stop" the training, or "skip" the update
  double weight_decay = 0.0;             // of AdamW
  double beta2 = 0.999;                  // of Adam
  int64_t average = 0;                   // the last checkpoints to average at the end; 0: none
  std::string precision = "f32";         // of the products while training; "bf16" where the CPU has it (AutocastGuard)
  std::string subwords = "none";         // "bpe" or "unigram": the vocabularies hold pieces of words
  int64_t subword_vocabulary = 8000;     // pieces a side, or of both when joint
  bool joint = false;                    // one vocabulary for both sides
  int64_t min_count = 1;                 // words seen less often are unknown
  int64_t max_vocabulary = 0;            // a side; 0: no limit
  int64_t validate_every = 0;            // updates; 0: every epoch
  std::string keep_best_by = "chrf";     // what the kept weights are best in: "loss", "bleu" or "chrf"; ties by the loss
  int64_t patience = 0;                  // validations without better weights before training ends; 0: never
  int64_t log_every = 50;                // updates between two lines of metrics.jsonl
  uint64_t seed = 1;                     // of weights, order and dropout
  bool operator==(const TrainConfig&) const = default;
};

/// config.toml.
struct RunConfig {
  ModelConfig model;                      // sizes and kinds
  TrainConfig train;                      // rates and lengths
  TextSettings source_text, target_text;  // how text becomes tokens
  bool operator==(const RunConfig&) const = default;
};

/// Refuses a config that makes no sense.
/// @param config as a user gave it
/// @throws ValueError naming the field
void check(const RunConfig& config);
/// @param config of a run
/// @return the text of config.toml
std::string to_toml(const RunConfig& config);
/// Reads what to_toml() wrote.
/// @param text of the file
/// @param name stands in messages
/// @return the config
/// @throws FormatError naming `name` and the key for anything missing, unknown or of the wrong type
RunConfig parse_run_config(const std::string& text, const std::string& name);

/// A trained translator as it lies in a run folder.
struct LoadedRun {
  RunConfig config;                         // as it was trained
  TextCodec source, target;                 // vocabularies and pieces
  std::unique_ptr<TranslationModel> model;  // with the best weights, in evaluation mode
};
/// Reads a run folder.
/// @param folder of a run
/// @return the translator
/// @throws IoError for a missing file, FormatError for a truncated or foreign one and for a vocabulary that does not fit the weights
LoadedRun load_run(const std::filesystem::path& folder);

/// Vocabularies and subword models of a run folder.
/// @param folder of a run
/// @param config its config
/// @return the source's and the target's
/// @throws IoError, FormatError
std::pair<TextCodec, TextCodec> load_codecs(const std::filesystem::path& folder, const RunConfig& config);

/// Reads a file of a run.
/// @param path of the file
/// @return its bytes
/// @throws IoError when it cannot be read or is no file but a folder, a pipe or a device, which might be waited for for ever
std::string read_run_file(const std::filesystem::path& path);

/// Refuses numbers that no training can want.
/// @param tensors by name
/// @param file stands in the message
/// @throws FormatError naming the tensor that holds NaN or infinity
void check_finite(const std::map<std::string, Tensor>& tensors, const std::string& file);

/// Whether no element is NaN or infinite.
/// @param x f32 or f64; others are finite
/// @return one pass over the bits, vectorised
bool all_finite(const Tensor& x);

/// Refuses TOML whose keys nest so deeply that the parser's recursion would end the program.
/// @param text of the file
/// @param name stands in the message
/// @throws FormatError naming the line
void check_toml_depth(std::string_view text, const std::string& name);

/// Refuses a config that describes a larger model than the weights are, before it is built: its size is that of the file and no more.
/// @param config the model's
/// @param weights by name
/// @param file of the config; stands in the message
/// @throws FormatError naming the size. Compared are products of sizes that every model of the kind has as a weight
void check_sizes(const ModelConfig& config, const std::map<std::string, Tensor>& weights, const std::string& file);

/// Refuses weights of other vocabularies.
/// @param weights by name
/// @param source,target the vocabularies
/// @param folder stands in the message
/// @throws FormatError when the embedding tables have not one row for each word
void check_vocabularies(const std::map<std::string, Tensor>& weights, const Vocabulary& source, const Vocabulary& target,
                        const std::filesystem::path& folder);

}  // namespace heed::models
