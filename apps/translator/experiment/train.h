// The trainings of an experiment, one after the other.
#pragma once

#include <string>
#include <vector>

#include "apps/translator/experiment/plan.h"

namespace heed::apps {

struct FailedTraining {
  std::string attention, what;
};

/// Trains what is planned. A run that goes on with other sentences than it was started with is a ValueError,
/// before anything is touched. What is in the way of a run that is not `started` is removed, if it is a run.
/// A training that fails is told on standard error and returned, and the others are trained. Throws
/// Interrupted when a signal came.
std::vector<FailedTraining> train_planned(TrainingPlan& plan, const Sentences& sentences);

}  // namespace heed::apps
