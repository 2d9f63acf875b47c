// Looks at a training while it runs and says once each what goes wrong: it overfits, it does not move, its
// updates are left out, its scores tell nothing, many words are unknown, memory may not last.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "models/metrics/rates.h"
#include "models/training/trainer.h"

namespace heed::models {

/// What can go wrong; whoever shows it knows what to try.
enum class Concern : uint8_t {
  unknown_words,   // many tokens are not in the vocabulary
  little_memory,   // weights, gradients and the optimiser's state take most of the memory there is
  does_not_move,   // the training loss stays where guessing is
  bad_updates,     // many updates are left out because of NaN or infinity
  overfits,        // the validation loss rises while the training loss falls
  no_information,  // a validation score has the same value every time
  one_output,      // all translations are empty, or the same
};

/// Something that went wrong.
struct Finding {
  Concern concern;     // of which kind
  std::string what;    // one line: the facts
  std::string metric;  // of no_information: its name for keep_best_by
};

/// Sees the facts, reports and validations of one training in their order. Each concern is found once, and
/// no_information once a metric.
class TrainingWatch {
 public:
  /// Share of unknown tokens from which they are a concern: with every seventh word unknown, half of the
  /// four-grams have one and can never be right. `translator evaluate` warns from the same share on.
  static constexpr double kManyUnknown = models::kManyUnknown;
  /// Share of the memory there is, above which state and gradients (4 times the weights) are a concern: where
  /// weights are most of a model a training takes 9 times their bytes at its peak, activations not counted.
  static constexpr double kMuchMemory = 0.4;
  /// Updates whose losses make a mean: single batches differ by some 10 %, so means of 50 by some 1.5 %.
  static constexpr int64_t kWindow = 50;
  /// Updates after which a loss must have moved. Training that works has lost a tenth of the first loss
  /// within 100 updates; three times that leaves room for a warm-up.
  static constexpr int64_t kMustMove = 300;
  /// Part of the first loss that is within the noise of two such means.
  static constexpr double kNoise = 0.02;
  /// Part of the loss of guessing, log(vocabulary), below which something was learned. Weights of another run
  /// begin far below it, and need not move.
  static constexpr double kGuessing = 0.8;
  /// Share of left-out updates that is a concern, and updates that there must be: one now and then is what
  /// skipping is for.
  static constexpr double kManySkipped = 0.05;
  static constexpr int64_t kSkippedAfter = 20;  // see kManySkipped
  static constexpr int64_t kLeastSkipped = 3;   // see kManySkipped
  /// Validations in a row whose loss rises, none of them with the best weights: one or two are noise.
  static constexpr size_t kRising = 3;
  /// Part by which they rise together; less is noise, or a training that has converged.
  static constexpr double kRise = 0.01;
  /// Validations with the same score to the second decimal: real changes of weights change a score.
  static constexpr size_t kEqual = 3;
  /// Validations in a row with one output for everything: the first one may come too early.
  static constexpr size_t kOneOutput = 2;

  /// @param facts of the training
  explicit TrainingWatch(const TrainingFacts& facts);
  /// @return what is odd before the first update
  std::vector<Finding> begin();
  /// @param progress after each update
  /// @return what is new
  std::vector<Finding> progress(const TrainProgress& progress);
  /// @param result after each validation
  /// @return what is new
  std::vector<Finding> validated(const ValidationResult& result);

 private:
  // A validation, and the mean training loss since the one before.
  struct Point {
    double loss, training_loss;
    bool best;
  };
  void find(std::vector<Finding>& found, Concern concern, std::string what, const std::string& metric = "");
  void look_at_losses(std::vector<Finding>& found);

  TrainingFacts facts_;
  std::set<std::pair<Concern, std::string>> said_;
  double first_sum_ = 0, window_sum_ = 0, since_sum_ = 0;  // of losses: first, newest, since the validation
  int64_t first_count_ = 0, window_count_ = 0, since_count_ = 0, updates_ = 0, skipped_before_ = -1;
  std::vector<Point> points_;
  std::map<std::string, std::vector<double>> scores_;
  size_t one_output_ = 0;
};

}  // namespace heed::models
