// The state of a training as stored in state.safetensors, with one named entry for each number.
#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <string>

#include "framework/core/random.h"
#include "framework/io/safetensors.h"

namespace heed::models {

/// Validation scores: the values of kept_metrics(), by the names that --keep-best-by uses.
using KeptScores = std::map<std::string, double>;

/// The progress of a training.
struct Cursor {
  int64_t update = 0, epoch = 0;  // completed updates and epochs
  int64_t batch = 0;              // batches completed in the current epoch
  int64_t best_update = 0;  // the update after which the best weights were validated; 0: no validation yet
  int64_t without_improvement = 0;  // number of validations since best_update
  int64_t skipped = 0;              // updates skipped because the loss or a gradient had NaN or infinity
  double seconds = 0;               // time spent in updates, over all sessions
  int64_t loss_tokens = 0;          // target tokens since the last line of metrics.jsonl
  double loss_sum = 0;              // sum of the losses since then, in nats
  double loss_seconds = 0;          // time spent in updates since then
  int64_t linked_tokens = 0;        // target tokens with alignments since then
  double alignment_sum = 0;         // sum of their guided-alignment losses, in nats
  int64_t validates = 0;            // 1: the validation of this update is still to be made
  int64_t stop_waits = 0;           // validations since the best one by stop_by
  int64_t aligned_tokens = 0;       // as linked_tokens, since the last validation
  double aligned_sum = 0;           // as alignment_sum, since the last validation
};

/// The state from which a training can be resumed, apart from its tensors.
struct TrainingState {
  Cursor cursor;                                  // progress
  KeptScores best;                                // scores of the best weights
  int64_t train_pairs = 0, validation_pairs = 0;  // sizes of the training and validation sets
  int64_t data = 0;                               // fingerprint_of() them; 0: not known
  double best_stop = NAN;                         // best score by stop_by; NaN: none yet
  Generator::State random = {};                   // state of the default generator
};

constexpr const char* kWeights = "weights.";  ///< prefix of the names of the model's tensors

/// Converts a state to scalar tensors named "training.update" and so on.
/// @param state state of a training
/// @return i64 and f64, each of shape []
NamedTensors to_tensors(const TrainingState& state);

/// The metadata of a file that holds a state: format and version.
/// @return for save_safetensors
std::map<std::string, std::string> state_metadata();

/// Extracts the state from a file and removes its tensors from it. Version 1, whose numbers stand in four
/// vectors, is read too.
/// @param file as read
/// @param updates number of updates of the whole training
/// @param name name of the file, for error messages
/// @return the state
/// @throws FormatError for a newer version, and for a number that is missing, of another type, or impossible
///   in a training of this many updates
TrainingState take_state(SafetensorsFile& file, int64_t updates, const std::string& name);

/// Selects the model's tensors in a state file.
/// @param state content of state.safetensors
/// @return the tensors, under the model's names
std::map<std::string, Tensor> weights_of(const SafetensorsFile& state);

}  // namespace heed::models
