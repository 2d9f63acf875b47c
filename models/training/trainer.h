// Training of a translator into a run folder, resumable bit for bit.
#pragma once

#include <cmath>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "models/corpus/tokenised.h"
#include "models/run/folder.h"

namespace heed::models {

/// Where a training stands.
struct TrainProgress {
  int64_t update = 0, updates = 0;  // done, and in all
  int64_t epoch = 0;                // that the update belongs to, from 1
  int64_t skipped = 0;              // updates left out so far for a loss or a gradient with NaN or infinity
  double loss = 0;                  // smoothed cross-entropy since the last report, nats a token; NaN when all since then were left out
  double lr = 0;                    // of this update
  double tokens_per_second = 0;     // target tokens, the end of sentence counted
  double seconds = 0;               // spent in updates so far, over all sessions
  double seconds_left = 0;          // as far as one can tell
};
/// What a validation found.
struct ValidationResult {
  int64_t update = 0;                        // after which it was
  double loss = 0;                           // cross-entropy without smoothing, nats a token
  double bleu = 0;                           // greedy, on tokens (tok:none), in [0, 100]
  double chrf = 0;                           // chrF2 of the same, in [0, 100]
  bool best = false;                         // so far
  int64_t averaged = 0;                      // how many checkpoints these weights are the mean of; 0: the last ones
  std::string sample_source, sample_output;  // one sentence to look at
};

/// What the trainer tells and asks its surroundings; any may be empty.
struct TrainCallbacks {
  std::function<void(const TrainProgress&)> progress;      // after every update
  std::function<void(const ValidationResult&)> validated;  // after every validation
  std::function<bool()> should_stop;                       // asked after every update
  std::function<double()> clock;                           // seconds, steady; needed
};

/// What Trainer::run did.
struct TrainResult {
  bool finished = false;    // false: should_stop said so; the state was saved
  int64_t updates = 0;      // done, over all sessions
  double seconds = 0;       // spent in updates
  double best_bleu = 0;     // of the kept weights, greedy, on tokens
  double best_chrf = 0;     // of the same
  double best_loss = 0;     // of the same, nats a token
  int64_t best_update = 0;  // when that was
  int64_t parameters = 0;   // of the model
  int64_t skipped = 0;      // of `updates`, those left out for a loss or a gradient with NaN or infinity
};

/// Trains into `folder`, which must exist. A new run writes config and vocabularies first. Behind resume() training goes on from
/// state.safetensors, as if it had never stopped. Throws IoError and FormatError; a run on disk is never left half-written.
class Trainer {
 public:
  /// What a run knows of its text before it trains: vocabularies and SentencePiece models, file name to content.
  using TextFiles = std::map<std::string, std::string>;
  /// Learns them; touches no run.
  /// @param config words or pieces, sizes
  /// @param train the training pairs
  /// @return the files
  /// @throws ValueError when the corpus is too small for the pieces that are asked for
  static TextFiles learn_text(const RunConfig& config, const TokenisedCorpus& train);
  /// Writes a new run.
  /// @param folder must exist
  /// @param config of the run
  /// @param text what learn_text gave
  /// @throws IoError
  static void start(const std::filesystem::path& folder, const RunConfig& config, const TextFiles& text);
  /// What start() and the constructor would throw, without touching the disk.
  /// @param config of the run
  /// @param train,validation the corpora
  /// @throws ValueError
  static void check_corpora(const RunConfig& config, const TokenisedCorpus& train, const TokenisedCorpus& validation);
  /// Opens a run that start() made.
  /// @param folder of the run
  /// @param config the run's own, or one that differs in how long it trains
  /// @param train,validation what it was started with (their sizes are checked on resume)
  /// @param callbacks who is told and asked
  /// @throws IoError, FormatError, ValueError
  Trainer(std::filesystem::path folder, RunConfig config, const TokenisedCorpus& train, const TokenisedCorpus& validation,
          TrainCallbacks callbacks);
  /// Goes on from state.safetensors, or from the beginning when the run was stopped before its first checkpoint.
  /// @throws FormatError when the state does not fit the run or the corpus
  void resume();
  /// Trains until the end or until should_stop.
  /// @return what was done
  /// @throws Error when the loss or the gradient's norm is not finite (unless on_bad_gradient says to skip such an update), or when a
  ///   weight or the validation's loss is not; nothing of it is saved, the last good state stays.
  ///   IoError for what cannot be written
  TrainResult run();
  /// @return of this training
  const RunConfig& config() const { return config_; }
  /// @return updates done
  int64_t update() const { return cursor_.update; }
  /// @return updates in all
  int64_t total_updates() const { return total_updates_; }
  /// @return whether the validation targets are such that the metric of keep_best_by can tell weights apart: BLEU needs four tokens
  bool metric_can_tell() const;
  /// @return training pairs left out for their length
  int64_t skipped_pairs() const { return skipped_; }
  /// @return validation pairs, from 0, left out for a side of more than 1000 words or pieces
  const std::vector<int64_t>& skipped_validation() const { return skipped_validation_; }
  /// @return entries of the source's vocabulary
  int64_t source_vocabulary() const { return source_.vocabulary.size(); }
  /// @return entries of the target's
  int64_t target_vocabulary() const { return target_.vocabulary.size(); }

 private:
  struct Cursor {
    int64_t update = 0, epoch = 0, batch = 0;  // done so far; batch within the epoch
    int64_t best_update = 0, without_improvement = 0;
    int64_t loss_tokens = 0;                // since the last line of metrics.jsonl
    double seconds = 0;                     // spent in updates
    double loss_sum = 0, loss_seconds = 0;  // like loss_tokens
    int64_t skipped = 0;                    // updates
  };
  struct Scores {  // of a validation
    double bleu = -1, chrf = -1, loss = INFINITY;
    bool operator==(const Scores&) const = default;
  };
  // Weights in model.safetensors that a longer run would not have: see single.safetensors in run/folder.h. They stay until they are beaten.
  struct FinalModel {
    Scores scores;
    int64_t update = 0, averaged = 0;
    bool held() const { return update > 0; }
  };
  std::optional<double> step(const Batch& batch, double lr);
  bool is_usable(const char* what, double value) const;
  ValidationResult measure() const;
  bool beats(const Scores& one, const Scores& other) const;
  void validate();
  void validate_at_end(int64_t averaged);
  void report(const ValidationResult& result) const;
  bool validation_is_due() const;
  void require_finite_weights() const;
  void read_final_model();
  void go_on_from_schedule();
  void keep_checkpoint() const;
  void average_checkpoints();
  void save_state() const;
  void append_metrics(const std::string& line) const;
  void trim_metrics() const;

  std::filesystem::path folder_;
  RunConfig config_;
  TextCodec source_, target_;
  std::vector<EncodedPair> train_, validation_;
  std::vector<std::string> references_;  // validation targets, tokens joined by spaces
  std::vector<std::string> validation_sources_;
  std::vector<int64_t> skipped_validation_;
  std::unique_ptr<TranslationModel> model_;
  std::unique_ptr<nn::Optimizer> optimizer_;
  TrainCallbacks callbacks_;
  Cursor cursor_;
  Scores best_;  // of the best weights of the schedule
  FinalModel final_;
  int64_t total_updates_ = 0, skipped_ = 0;
};

}  // namespace heed::models
