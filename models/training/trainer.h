// The training loop of a translator; a training can be interrupted and resumed with bit-identical results.
#pragma once

#include <cmath>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "models/cluster/batch_share.h"
#include "models/cluster/gradient_sums.h"
#include "models/cluster/ranks.h"
#include "models/run/folder.h"
#include "models/training/batch_reader.h"
#include "models/training/checkpoint.h"
#include "models/training/encoded.h"
#include "models/training/facts.h"
#include "models/training/kept_runs.h"
#include "models/training/store.h"

namespace heed::models {

/// Progress report of a training, made after each update.
struct TrainProgress {
  int64_t update = 0, updates = 0;  // completed updates, and their total number
  int64_t epoch = 0;                // epoch of the update, from 1
  int64_t skipped = 0;  // updates skipped so far because the loss or a gradient had NaN or infinity
  /// Label-smoothed cross-entropy since the last report, nats per token; NaN if all updates since then were
  /// skipped.
  double loss = 0;
  double lr = 0;                 // learning rate of this update
  double tokens_per_second = 0;  // target tokens per second, end marks included
  double seconds = 0;            // time spent in updates so far, over all sessions
  double seconds_left = 0;       // estimated time to the end
  double update_loss = 0;        // as loss, of this update alone; NaN if it was skipped
  /// Guided-alignment loss since the last report, nats per linked token; NaN without.
  double alignment_loss = 0;
};
/// Result of a validation.
struct ValidationResult {
  int64_t update = 0;  // the update after which it was made
  KeptScores scores;   // scores of greedy translations, on tokens
  bool best = false;   // whether the weights are the best so far
  /// Number of checkpoints that the validated weights are the mean of; 0: the current weights.
  int64_t averaged = 0;
  std::string sample_source, sample_output;  // one sentence and its translation, as an example
  int64_t outputs = 0;                       // number of translations
  int64_t distinct_outputs = 0;              // of different ones
  int64_t empty_outputs = 0;                 // of empty ones
  double stop_score = NAN;                   // by stop_by, where that is a score of its own
};

class Trainer;
/// Functions that the trainer calls; all except clock may be empty.
struct TrainCallbacks {
  /// Called before the first update, once sizes are known and a run is resumed.
  std::function<void(const Trainer&)> ready;
  std::function<void(const TrainProgress&)> progress;      // called after every update
  std::function<void(const ValidationResult&)> validated;  // called after every validation
  std::function<bool()> should_stop;  // called after every update; if it returns true, training stops
  /// Called now and then within a validation; if it returns true, the validation is left, the state is saved,
  /// and training stops. Resumed, it begins with that validation.
  std::function<bool()> should_leave;
  std::function<bool()> should_save;  // called after every update; if it returns true, the state is saved
  /// Called with a line when a file is not written because the disk is full, when it is written later, and
  /// when the disk will not hold all checkpoints.
  std::function<void(const std::string&)> disk_full;
  FreeBytes free_bytes;           // bytes that the run's file system has left; empty: disk_space()
  std::function<double()> clock;  // returns the time in seconds, monotonic; required
  /// Those that train together, each a part of every batch: all of them run the same training on the same
  /// folder, and the first alone writes. Null: the training runs alone.
  Ranks* ranks = nullptr;
};

/// Result of Trainer::run.
struct TrainResult {
  bool finished = false;    // false if should_stop or should_leave ended it; the state was saved
  int64_t updates = 0;      // completed updates, over all sessions
  double seconds = 0;       // time spent in updates
  KeptScores best;          // scores of the best weights; empty before the first validation
  int64_t best_update = 0;  // the update of the best weights
  int64_t parameters = 0;   // number of parameters of the model
  /// Number of `updates` that were skipped because the loss or a gradient had NaN or infinity.
  int64_t skipped = 0;
  TrainingFacts facts = {};          // what was known before the first update
  double waited = 0;                 // seconds of this session that updates waited for their pairs
  double waited_first = 0;           // of these, before its first update
  Communication communication = {};  // of this session, with other ranks
};

/// The training loop in an existing run folder; session.h creates, locks and resumes run folders. After
/// resume() it continues from state.safetensors as if it had never stopped. Files are replaced atomically, so
/// a run on disk is always complete.
class Trainer {
 public:
  /// Opens a run.
  /// @param folder folder of the run
  /// @param config the run's own configuration, or one that differs in how long it trains
  /// @param data what the run was started with, which is checked on resume
  /// @param callbacks functions that the trainer calls
  /// @throws IoError, FormatError, ValueError
  Trainer(std::filesystem::path folder, RunConfig config, const TrainingData& data, TrainCallbacks callbacks);
  /// Continues from state.safetensors, or from the beginning if the run was stopped before its first
  /// checkpoint.
  /// @throws FormatError when the state does not fit the run or the corpus
  void resume();
  /// Trains to the end or until should_stop returns true.
  /// @return result of the training
  /// @throws Error when the loss or the gradient norm is not finite (unless on_bad_gradient says to skip such
  ///   an update, up to max_bad_gradients): the state before that update is saved, and the message says which
  ///   op gave the first NaN. Error when a weight or the validation loss is not finite; the faulty state is
  ///   not saved, the last good one stays. IoError for files that cannot be written, where the disk has no
  ///   room for a first checkpoint, and where it has none at the end; in between a full disk is waited out
  TrainResult run();
  /// @return the model that is trained
  const TranslationModel& model() const { return *model_; }
  /// @return the configuration of the training
  const RunConfig& config() const { return config_; }
  /// @return pairs, vocabularies, sizes and length
  const TrainingFacts& facts() const { return facts_; }
  /// @return the number of completed updates
  int64_t update() const { return cursor_.update; }
  /// @return the total number of updates
  int64_t total_updates() const { return total_updates_; }
  /// @return whether the metric of keep_best_by can distinguish weights on these validation targets; BLEU
  ///   needs a target of at least four tokens
  bool metric_can_tell() const;
  /// @return indices, from 0, of validation pairs left out because a side has more than 1000 words or pieces
  const std::vector<int64_t>& skipped_validation() const { return data_.skipped_validation; }

 private:
  // Weights in model.safetensors that a longer run would not have produced: see single.safetensors in
  // run/files.h. They are kept until better ones are found.
  struct FinalModel {
    KeptScores scores;
    int64_t update = 0, averaged = 0;
    bool held() const { return update > 0; }
  };
  // The losses of an update, and what they are means over.
  struct StepLosses {
    double words = 0, alignment = 0;
    int64_t target_tokens = 0, linked_tokens = 0;
  };
  // A number of an update that is not finite.
  struct BadNumber {
    const char* what;
    double value;
  };
  std::variant<StepLosses, BadNumber> step(std::span<const BatchShare> batches, double lr);
  std::optional<BadNumber> backward(std::span<const BatchShare> batches, StepLosses& sums,
                                    GradientSums* shared);
  [[noreturn]] void stop_at(const BadNumber& bad, std::span<const BatchShare> batches,
                            Generator::State random);
  // Whether this rank writes the run folder.
  bool writes() const { return !ranks_ || ranks_->first(); }
  void meet() const;
  void takes_long(bool at_length) const;
  void share_weights();
  bool any_rank(bool mine) const;
  void guide();
  void count(const StepLosses& losses);
  void report_losses(const TrainProgress& progress);
  UpdateSizes update_sizes() const;
  std::vector<BatchShare> next_batches();
  // Thrown where a validation is left.
  struct LeftValidation {};
  // Whether what follows an update saved the state, and whether a validation was left.
  struct Followed {
    bool saved = false, left = false;
  };
  Followed follow_up();
  std::vector<std::vector<int>> translate_validation() const;
  ValidationResult measure() const;
  bool beats(const KeptScores& one, const KeptScores& other) const;
  ValidationResult validate();
  ValidationResult validate_at_end(int64_t averaged);
  void report(const ValidationResult& result);
  bool validation_is_due() const;
  void count_waiting(const ValidationResult& result);
  bool patience_has_ended() const;
  std::string faulty_weight() const;
  void require_finite_weights() const;
  void require_disk() const;
  void read_state();
  void read_final_model();
  void go_on_from_schedule();
  void keep_checkpoint();
  void keep_run(const KeptScores& scores, bool ends);
  void prune_kept() const;
  bool checkpoint_is_due() const;
  void average_checkpoints();
  NamedTensors tensors_of_state() const;
  bool save_state(bool must);
  void append_metrics(const std::string& line);
  bool write_metrics();
  void write_lines();
  void trim_metrics() const;

  std::filesystem::path folder_;
  RunConfig config_;
  TextCodec source_, target_;
  EncodedData data_;
  std::unique_ptr<TranslationModel> model_;
  bool guided_ = false;  // whether the training pairs have links
  std::unique_ptr<nn::Optimizer> optimizer_;
  TrainCallbacks callbacks_;
  Ranks* ranks_;  // null where the training runs alone
  std::unique_ptr<GradientSums> gradient_sums_;
  Store store_;
  std::string lines_;      // of metrics.jsonl that wait for room on the disk
  double last_save_ = 0;   // when the state was saved, by the clock
  int64_t data_mark_ = 0;  // fingerprint of the pairs
  Cursor cursor_;
  KeptScores best_;         // scores of the best weights validated on schedule
  double best_stop_ = NAN;  // best score by stop_by
  FinalModel final_;
  int64_t total_updates_ = 0;
  TrainingFacts facts_;
  std::unique_ptr<BatchReader> reader_;  // of the updates that come; none: where it begins is not known yet
  int64_t updates_of_epoch_ = 0;         // of the epoch that it reads
  double waited_ = 0, waited_first_ = -1;
};

}  // namespace heed::models
