// What an experiment is about: sentences, models that differ in their attention alone, and where their
// trainings stand.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "framework/io/file_lock.h"
#include "models/corpus/alignment.h"
#include "models/run/data.h"
#include "models/text/lines.h"
#include "models/training/session.h"

namespace heed::apps {

/// The sentences of an experiment; training and validation are empty when nothing is trained.
struct Sentences {
  std::string description, scored = "test";  // "validation" where there is no test set
  models::PairFiles files;                   // of training and validation; empty: the built-in corpus
  models::ParallelLines train, validation, test;
  std::vector<std::string> gold;  // links of `test`, a line a sentence
  std::string gold_name;
};

/// The built-in corpus with so many training and test pairs.
Sentences built_in_sentences(int train_pairs, int test_pairs = 1000);

/// What the models of demo are, and those of compare on the built-in corpus where no option says otherwise.
models::RunConfig built_in_config();

/// A model that is trained for the experiment.
struct PlannedRun {
  std::string attention;
  std::filesystem::path folder;
  models::RunConfig config;
  bool started = false;  // goes on from what is there
};

/// What to train and where; planned before anything is touched.
struct TrainingPlan {
  std::filesystem::path folder;
  std::vector<PlannedRun> runs;  // equal but for their attention
  // of runs that were there before: removed with the first run that is replaced
  std::vector<std::filesystem::path> reports;
  std::map<std::string, FileLock> locks;  // by kind, of those that are there, until their sessions hold them
  // of `runs` once they are trained; they keep other trainings out until the plan goes
  std::vector<models::TrainingSession> sessions;
};

/// The config with which a run that is there goes on, from its own and its folder; throws ValueError where it
/// cannot.
using Resumed = std::function<models::RunConfig(const models::RunConfig& run, const std::string& folder)>;

/// A run folder `folder`/KIND for each kind. With `resumed` those that are there go on with what it gives;
/// others, and all without it, get `config` with what the training text decides, or that of those that go on.
/// Throws ValueError for a config that makes no sense and for runs that were not trained alike; IoError for a
/// folder that holds something else than a run or in which another process trains.
TrainingPlan plan_training(const std::filesystem::path& folder, const std::vector<std::string>& kinds,
                           const models::RunConfig& config, const models::ParallelLines& train,
                           const Resumed& resumed = {});

}  // namespace heed::apps
