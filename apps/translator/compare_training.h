// Models that differ in their attention alone: the same data, parameters and budget, a run folder for each kind.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "apps/translator/run_options.h"
#include "framework/io/file_lock.h"
#include "models/text/lines.h"

namespace heed::apps {

/// What to train and where; planned before anything is touched.
struct TrainingPlan {
  struct Run {
    std::string attention;
    std::filesystem::path folder;
    models::RunConfig config;
    bool started = false;  // goes on from what is there
  };
  std::filesystem::path folder;
  std::vector<Run> runs;                       // equal but for their attention
  std::vector<std::filesystem::path> reports;  // of runs that were there before: removed with the first run that is replaced
  std::map<std::string, FileLock> locks;       // by kind, of those that are there; held until the plan goes
};

struct FailedTraining {
  std::string attention, what;
};

/// A run folder `folder`/KIND for each kind. With `resume` those that are there go on with the config they have; others, and all without
/// it, get `config`, or with `resume` that of the others. Throws ValueError for a config that makes no sense, for runs that were not
/// trained alike and for options that a resumed run cannot take; IoError for a folder that holds something else than a run or in which
/// another process trains.
TrainingPlan plan_training(const std::filesystem::path& folder, const std::vector<std::string>& kinds, const models::RunConfig& config,
                           const RunOptions& options, bool resume);

/// Trains what is planned, one after the other, and keeps in `folder`/data.json what each run was trained on: a run that goes on with other
/// sentences is a ValueError, before anything is touched. What is in the way of a run that is not `started` is removed, if it is a run. A
/// training that fails is told on standard error and returned, and the others are trained. Throws Interrupted when a signal came.
std::vector<FailedTraining> train_planned(TrainingPlan& plan, const models::ParallelLines& train, const models::ParallelLines& validation);

}  // namespace heed::apps
