// Where a training stands, as state.safetensors keeps it: every number under its name.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "framework/core/random.h"
#include "framework/io/safetensors.h"

namespace heed::models {

/// Values of kept_metrics(), by what --keep-best-by calls them.
using KeptScores = std::map<std::string, double>;

/// What a training has done so far.
struct Cursor {
  int64_t update = 0, epoch = 0;    // done
  int64_t batch = 0;                // done within the epoch
  int64_t best_update = 0;          // behind which the kept weights were validated; 0: none were
  int64_t without_improvement = 0;  // validations since
  int64_t skipped = 0;              // updates left out for a loss or a gradient with NaN or infinity
  double seconds = 0;               // spent in updates
  int64_t loss_tokens = 0;          // since the last line of metrics.jsonl
  double loss_sum = 0;              // nats, since then
  double loss_seconds = 0;          // in updates, since then
};

/// A training that can go on.
struct TrainingState {
  Cursor cursor;                                  // how far it got
  KeptScores best;                                // of the kept weights
  int64_t train_pairs = 0, validation_pairs = 0;  // that it was trained and validated on
  Generator::State random = {};                   // of the default generator
};

constexpr const char* kWeights = "weights.";  ///< before the names of the model's tensors

/// A state as tensors: scalars, "training.update" and so on.
/// @param state of a training
/// @return i64 and f64, each of shape []
NamedTensors to_tensors(const TrainingState& state);

/// Takes a state out of a file's tensors; reads what earlier versions wrote as well, whose numbers stood in four vectors.
/// @param tensors of the file; those of the state are removed
/// @param updates that the training has in all
/// @param name of the file, for messages
/// @return the state
/// @throws FormatError for a number that is missing, of another type, or of no training of so many updates
TrainingState take_state(std::map<std::string, Tensor>& tensors, int64_t updates, const std::string& name);

/// The model's tensors of a state.
/// @param state the file
/// @return them, under the model's names
std::map<std::string, Tensor> weights_of(const SafetensorsFile& state);

}  // namespace heed::models
