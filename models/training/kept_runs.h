// The weights of a training's course that are kept as runs of their own, RUN/checkpoints/update-N: those of
// the last checkpoints and of the best validations. Every command takes them for runs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "models/run/files.h"
#include "models/run/options.h"
#include "models/training/checkpoint.h"

namespace heed::models {

/// A run that is kept.
struct KeptRun {
  int64_t update = 0;     // the update after which the weights were so
  bool scheduled = true;  // whether a longer training has it too; else only the end of this one made it
  KeptScores scores;      // of a validation; empty: none was made
  std::filesystem::path folder = {};  // where it lies; empty: nowhere yet
};

/// Writes one: settings and vocabularies of the run, and the weights. config.toml comes last.
/// @param run folder of the training
/// @param config its configuration
/// @param about update and scores; they are stored in the file of the weights
/// @param weights the model's tensors
/// @throws IoError
void write_kept_run(const std::filesystem::path& run, const RunConfig& config, const KeptRun& about,
                    const NamedTensors& weights);

/// @param run folder of the training
/// @return those that are whole, the first update first
std::vector<KeptRun> kept_runs(const std::filesystem::path& run);

/// Whether one score is better than another.
using Beats = std::function<bool(const KeptScores&, const KeptScores&)>;

/// @param kept runs that are kept
/// @param scores of a validation
/// @param most number of best ones to keep
/// @param beats compares
/// @return whether fewer than `most` of them are at least as good
bool is_among_best(const std::vector<KeptRun>& kept, const KeptScores& scores, int64_t most,
                   const Beats& beats);

/// Which are kept.
struct KeepRule {
  int64_t keep_last = 0, keep_best = 0;  // how many of the last and of the best
  int64_t every = 0;                     // only updates that it divides count among the last; 0: all do
  int64_t end = 0;                       // the last update of the training, whose weights stay in any case
  Beats beats = {};                      // compares scores
};
/// Removes those that are neither among the last nor among the best, and what a killed process left. What
/// only the end of the training made stays beside them: it must not take the place of one that a longer
/// training has.
/// @param run folder of the training
/// @param rule which stay
/// @throws IoError
void prune_kept_runs(const std::filesystem::path& run, const KeepRule& rule);

/// Removes what a training that goes on from an update makes again.
/// @param run folder of the training
/// @param update where it stands
/// @param longer whether it goes on: what only its end made goes as well
/// @throws IoError
void rewind_kept_runs(const std::filesystem::path& run, int64_t update, bool longer);

}  // namespace heed::models
