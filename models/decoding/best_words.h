// What else a model held to be likely at each step of an output: one pass over the finished outputs, so that
// search need not store it.
#pragma once

#include <span>
#include <vector>

#include "framework/ops/most_probable.h"
#include "models/architectures/architecture.h"

namespace heed::models {

/// A step of an output.
struct StepWords {
  double log_probability = 0;    // natural logarithm, of the unit that was output
  std::vector<ProbableId> best;  // the most probable units, the best first
};

/// An output whose steps are wanted.
struct FinishedOutput {
  std::vector<int> source, target;  // ids in the vocabularies; the target without </s>
  bool ended = false;               // whether </s> was output
};

/// The most probable units at each step of finished outputs.
/// @param models at least one model; of several, probabilities are averaged as in search()
/// @param outputs the outputs
/// @param count units a step
/// @param batch_size outputs that are computed together
/// @return for each output a step for each unit, and one for </s> if that was output
std::vector<std::vector<StepWords>> best_words(std::span<const TranslationModel* const> models,
                                               std::span<const FinishedOutput> outputs, int64_t count,
                                               int64_t batch_size = 64);

}  // namespace heed::models
