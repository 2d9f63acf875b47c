// Evaluation mode for the length of a scope.
#pragma once

#include "models/architectures/architecture.h"

namespace heed::models {

/// Evaluation mode while it lives, training mode after it.
class EvaluationMode {
 public:
  /// @param model in training mode
  explicit EvaluationMode(TranslationModel& model) : model_(model) { model_.train(false); }
  ~EvaluationMode() { model_.train(true); }
  EvaluationMode(const EvaluationMode&) = delete;
  EvaluationMode& operator=(const EvaluationMode&) = delete;

 private:
  TranslationModel& model_;
};

}  // namespace heed::models
