// The loop that trains a translator, resumable bit for bit.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "models/corpus/tokenised.h"
#include "models/run/folder.h"
#include "models/training/checkpoint.h"

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
  KeptScores scores;                         // of greedy translations, on tokens
  bool best = false;                         // so far
  int64_t averaged = 0;                      // how many checkpoints these weights are the mean of; 0: the last ones
  std::string sample_source, sample_output;  // one sentence to look at
};

class Trainer;
/// What the trainer tells and asks its surroundings; any may be empty.
struct TrainCallbacks {
  std::function<void(const Trainer&)> ready;               // before the first update: sizes are known, a resumed run stands where it stood
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
  KeptScores best;          // of the kept weights; empty before the first validation
  int64_t best_update = 0;  // when that was
  int64_t parameters = 0;   // of the model
  int64_t skipped = 0;      // of `updates`, those left out for a loss or a gradient with NaN or infinity
};

/// The loop of a training in a run folder that is there already: see session.h for what makes, locks and resumes one. Behind resume() it
/// goes on from state.safetensors as if it had never stopped; a run on disk is never left half-written.
class Trainer {
 public:
  /// Opens a run.
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
  // Weights in model.safetensors that a longer run would not have: see single.safetensors in run/files.h. They stay until they are beaten.
  struct FinalModel {
    KeptScores scores;
    int64_t update = 0, averaged = 0;
    bool held() const { return update > 0; }
  };
  std::optional<double> step(const Batch& batch, double lr);
  bool is_usable(const char* what, double value) const;
  ValidationResult measure() const;
  bool beats(const KeptScores& one, const KeptScores& other) const;
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
  KeptScores best_;  // of the best weights of the schedule
  FinalModel final_;
  int64_t total_updates_ = 0, skipped_ = 0;
};

}  // namespace heed::models
