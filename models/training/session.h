// Runs a training from its sentences to its run folder: prepare, start or resume, run. All code that trains
// (commands, comparisons, tests) uses this.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "framework/io/file_lock.h"
#include "models/corpus/tokenised.h"
#include "models/run/new_run.h"
#include "models/text/lines.h"
#include "models/training/trainer.h"
#include "models/training/training_data.h"

namespace heed::models {

/// Checks that a training can start with its configuration and data.
/// @param config configuration of the run
/// @param data training and validation pairs
/// @throws ValueError for an invalid configuration, and when no pair has words on both sides and is short
///   enough
void check_data(const RunConfig& config, const TrainingData& data);

/// Tokenises pairs with the settings of the configuration, behind the lines before them where it says so.
/// @param config configuration of the run, resolved()
/// @param lines parallel lines
/// @return the tokens of both sides
TokenisedCorpus tokenised(const RunConfig& config, const ParallelLines& lines);

/// Tokenises the lines with the settings of the configuration.
/// @param config configuration of the run
/// @param train,validation parallel lines
/// @return the tokenised pairs
/// @throws ValueError as check_data
std::shared_ptr<const TrainingData> prepare(const RunConfig& config, const ParallelLines& train,
                                            const ParallelLines& validation);

/// Builds the vocabularies and subword models; writes no files.
/// @param config configuration: words or pieces, and sizes
/// @param train the training pairs
/// @return the content of the files
/// @throws ValueError when the corpus is too small for the requested number of pieces
TextFiles learn_text(const RunConfig& config, const PairText& train);

/// A training and its run folder. While the session exists it holds the folder's lock, so no other training
/// can use the folder.
class TrainingSession {
 public:
  /// Inputs of a new run other than configuration and data.
  struct NewRun {
    /// Vocabularies and subword models; empty: learned from the training pairs. Runs to be compared share
    /// them.
    TextFiles text = {};
    /// Weights to begin with, under the model's names; they need `text`. Empty: initial ones are drawn.
    std::map<std::string, Tensor> weights = {};
    /// Word alignments of the training pairs, for guided_alignment; none: the run's own, from guided_from on.
    std::optional<WordLinks> links = {};
    std::string data = {};   // content of data.json, from run_data(); empty: the file is not written
    bool overwrite = false;  // whether an existing run may be replaced
    std::optional<FileLock> lock = {};  // the folder's lock, if the caller already holds it
  };

  /// Creates a run folder. Everything that can fail is tried before an older run is removed; a failed start
  /// leaves no files behind.
  /// @param folder folder of the run
  /// @param config configuration of the run
  /// @param data training and validation pairs
  /// @param about text files, data.json, overwriting, lock
  /// @return a session before its first update
  /// @throws ValueError as check_data and learn_text, IoError as make_run_folder and for what cannot be
  /// written
  static TrainingSession start(std::filesystem::path folder, RunConfig config,
                               std::shared_ptr<const TrainingData> data, NewRun about);
  /// The same in an empty or new folder, with vocabularies learned from the training pairs.
  /// @param folder,config,data as in the overload above
  /// @return a session before its first update
  /// @throws ValueError, IoError as the overload above
  static TrainingSession start(std::filesystem::path folder, RunConfig config,
                               std::shared_ptr<const TrainingData> data);

  /// Opens a run to resume its training.
  /// @param folder folder of the run
  /// @param config the run's own configuration, or one with differences that a resumed run may have
  ///   (OnResume); it replaces the run's once run and data are known to fit
  /// @param data the pairs that the run was started with
  /// @param lock the folder's lock, if the caller already holds it
  /// @param about run_data() of the pairs, which replaces data.json once run and data are known to fit;
  /// empty:
  ///   data.json stays
  /// @return a session at the last checkpoint
  /// @throws IoError when another process trains in the folder
  static TrainingSession resume(std::filesystem::path folder, RunConfig config,
                                std::shared_ptr<const TrainingData> data, std::optional<FileLock> lock = {},
                                std::string about = {});

  /// Opens a run that the first of several ranks has started or resumed; holds no lock and writes nothing.
  /// @param folder folder of the run
  /// @param config the configuration that the first rank trains with
  /// @param data the same pairs as the first rank's
  /// @param resumes whether the first rank resumes the run
  /// @return a session for callbacks with ranks
  static TrainingSession join(std::filesystem::path folder, RunConfig config,
                              std::shared_ptr<const TrainingData> data, bool resumes);

  /// Trains to the end, or until the callback should_stop returns true.
  /// @param callbacks functions that the training calls
  /// @return result of the training
  /// @throws the same errors as Trainer
  TrainResult run(const TrainCallbacks& callbacks);
  /// @return the run folder
  const std::filesystem::path& folder() const { return folder_; }
  /// @return the run's options
  const RunConfig& config() const { return config_; }
  /// @return whether the session resumes an existing run
  bool resumes() const { return resumes_; }

 private:
  TrainingSession(std::filesystem::path folder, RunConfig config, std::shared_ptr<const TrainingData> data,
                  std::optional<FileLock> lock, bool resumes);

  std::filesystem::path folder_;
  RunConfig config_;
  std::shared_ptr<const TrainingData> data_;
  std::optional<FileLock> lock_;  // of all but a session that joined
  bool resumes_;
  std::string about_;  // content of data.json that a resumed run gets
};

}  // namespace heed::models
