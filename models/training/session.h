// A training from its sentences to its run folder: prepare, start or resume, run. What trains (commands, comparisons, tests) trains so.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "framework/io/file_lock.h"
#include "models/corpus/tokenised.h"
#include "models/text/lines.h"
#include "models/training/trainer.h"

namespace heed::models {

/// What is trained and validated on.
struct TrainingData {
  TokenisedCorpus train, validation;  // pairs as words
};

/// Looks whether a training can begin with its pairs.
/// @param config of the run
/// @param data its pairs
/// @throws ValueError for a config that makes no sense, and when no pair is short enough or has words on both sides
void check_data(const RunConfig& config, const TrainingData& data);

/// Tokenises as the config says.
/// @param config of the run
/// @param train,validation lines that belong together
/// @return the pairs
/// @throws ValueError as check_data
std::shared_ptr<const TrainingData> prepare(const RunConfig& config, const ParallelLines& train, const ParallelLines& validation);

/// What a run knows of its text before it trains: vocabularies and SentencePiece models, file name to content.
using TextFiles = std::map<std::string, std::string>;

/// Learns vocabularies and pieces; touches no run.
/// @param config words or pieces, sizes
/// @param train the training pairs
/// @return the files
/// @throws ValueError when the corpus is too small for the pieces that are asked for
TextFiles learn_text(const RunConfig& config, const TokenisedCorpus& train);

/// A training and its run folder, which no other training can enter while the session lives.
class TrainingSession {
 public:
  /// What a new run begins with beside its config and its pairs.
  struct NewRun {
    TextFiles text = {};                // empty: learned from the pairs; runs that are compared share one
    std::string data = {};              // of run_data(), for data.json; empty: none is written
    bool overwrite = false;             // whether a run that is there may be replaced
    std::optional<FileLock> lock = {};  // the folder's, when the caller holds it
  };

  /// Makes a run folder, with all that can fail tried before an older run goes; a start that fails leaves nothing behind.
  /// @param folder of the run
  /// @param config of the run
  /// @param data its pairs
  /// @param about text, data, overwriting, lock
  /// @return a session at the first update
  /// @throws ValueError as check_data and learn_text, IoError as make_run_folder and for what cannot be written
  static TrainingSession start(std::filesystem::path folder, RunConfig config, std::shared_ptr<const TrainingData> data, NewRun about);
  /// The same in a folder that is empty or new, with a text of its own.
  /// @param folder,config,data as above
  /// @return a session at the first update
  /// @throws ValueError, IoError as above
  static TrainingSession start(std::filesystem::path folder, RunConfig config, std::shared_ptr<const TrainingData> data);

  /// Opens a run to go on with it.
  /// @param folder of the run
  /// @param config the run's own, or one that differs where a resumed run may (OnResume); it takes the run's place once run and pairs are
  ///   known to fit
  /// @param data the pairs that it was started with
  /// @param lock of the folder, when the caller holds it
  /// @return a session at the last checkpoint
  /// @throws IoError when another process trains there
  static TrainingSession resume(std::filesystem::path folder, RunConfig config, std::shared_ptr<const TrainingData> data,
                                std::optional<FileLock> lock = {});

  /// Trains to the end, or until a callback says to stop.
  /// @param callbacks who is told and asked
  /// @return what was done
  /// @throws what Trainer throws
  TrainResult run(const TrainCallbacks& callbacks);
  /// @return of the run
  const std::filesystem::path& folder() const { return folder_; }
  /// @return of the run
  const RunConfig& config() const { return config_; }
  /// @return whether it goes on with a run that was there
  bool resumes() const { return resumes_; }

 private:
  TrainingSession(std::filesystem::path folder, RunConfig config, std::shared_ptr<const TrainingData> data, FileLock lock, bool resumes);

  std::filesystem::path folder_;
  RunConfig config_;
  std::shared_ptr<const TrainingData> data_;
  FileLock lock_;
  bool resumes_;
};

}  // namespace heed::models
