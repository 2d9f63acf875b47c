// The files of a run folder: their names, which are defined only here, and functions that create and protect
// a run folder.
//   config.toml         model, training and text settings
//   data.json           what it is trained on: paths, numbers of lines, fingerprints
//   source.vocab, target.vocab   one token a line, in the order of the ids
//   source.spm, target.spm       SentencePiece models, when the vocabularies hold pieces; equal when joint
//   model.safetensors   the best weights so far, by keep_best_by on the validation pairs
//   single.safetensors  the best weights of a single update; exists while model.safetensors holds weights
//   that
//                       a longer run would not have: a mean of checkpoints, or weights that were validated
//                       only because the run ended. A longer run continues from this file
//   initial.safetensors the weights that the training begins with, when they are another run's; until
//                       state.safetensors is there
//   state.safetensors   the last weights, optimiser state, random numbers, progress: what a resumed run needs
//   checkpoint-N.safetensors   the weights of the last validations, when they are to be averaged
//   checkpoints/        update-N: the weights after that update as a run of its own, of the last and the
//                       best checkpoints that are to be kept (training/kept_runs.h)
//   guided.align        the links that its attention is guided by, token to token, a line a pair that it
//                       trains on: given, or made by the run itself
//   scores.json         what the weights scored on a test, where it was kept (evaluate --keep-scores)
//   attention.json      which map alignments are read off, where that was chosen (align --choose)
//   metrics.jsonl       one line per report: losses, learning rates, scores
//   run.lock            locked while a process trains in the folder; remains if the process was killed
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "framework/io/file_lock.h"

namespace heed::models {

/// The names of the files in a run folder.
namespace run_files {
constexpr const char* kConfig = "config.toml";           // settings; a folder without it is not a run
constexpr const char* kData = "data.json";               // the files that the run was trained on
constexpr const char* kModel = "model.safetensors";      // the best weights
constexpr const char* kSingle = "single.safetensors";    // the best weights of a single update, see above
constexpr const char* kState = "state.safetensors";      // state of the training
constexpr const char* kInitial = "initial.safetensors";  // weights to begin with, see above
constexpr const char* kMetrics = "metrics.jsonl";        // reports of the training
constexpr const char* kScores = "scores.json";           // scores of the weights on a test
constexpr const char* kAttention = "attention.json";     // which map alignments are read off
constexpr const char* kGuided = "guided.align";          // links that attention is guided by
constexpr const char* kCheckpoints = "checkpoints";      // folder of the runs that are kept of its course
constexpr const char* kLock = "run.lock";                // locked while a process trains in the folder

/// Name of the vocabulary file of one side.
/// @param side "source" or "target"
/// @return "source.vocab"
std::string vocabulary(const std::string& side);
/// Name of the SentencePiece model file of one side.
/// @param side "source" or "target"
/// @return "source.spm"
std::string pieces(const std::string& side);
/// Name of the file with the weights after an update.
/// @param update number of the update, from 1
/// @return "checkpoint-0000000120.safetensors"
std::string checkpoint(int64_t update);
/// Name of the run that is kept of the weights after an update, in the folder kCheckpoints.
/// @param update number of the update, from 1
/// @return "update-0000000120"
std::string kept_run(int64_t update);
}  // namespace run_files

/// A folder of the weights after an update, in `checkpoints`.
struct KeptFolder {
  int64_t update = 0;          // the update
  std::filesystem::path path;  // RUN/checkpoints/update-0000000120
  bool operator==(const KeptFolder&) const = default;
};
/// Lists the runs that are kept of a run's course, and what a killed process left of such.
/// @param folder folder of the run
/// @return by update, the first update first
/// @throws IoError where a file has the name of such a folder
std::vector<KeptFolder> kept_folders(const std::filesystem::path& folder);
/// Removes one of them: config.toml first, so that what is half gone is no run.
/// @param path its folder
/// @throws IoError, also for a folder that holds other files
void remove_kept_folder(const std::filesystem::path& path);

/// Lists the checkpoints of a run that are kept for averaging.
/// @param folder folder of the run
/// @return their paths, the oldest first
std::vector<std::filesystem::path> kept_checkpoints(const std::filesystem::path& folder);

/// Whether a folder holds a trained translator.
/// @param folder any folder
/// @return whether it has a config.toml that starts like that of a run
bool is_run_folder(const std::filesystem::path& folder);

/// Whether a file name is one that heed uses in run folders.
/// @param name file name without folder
/// @return whether it is such a name, or that of a temporary file
bool is_run_file(const std::string& name);

/// Whether a folder is what remains of a start that was killed before config.toml was written; a run can be
/// started there again.
/// @param folder any folder
/// @return whether it is an unfinished start
bool is_unfinished_start(const std::filesystem::path& folder);

/// Locks a run folder against other trainings while the lock object exists; the system releases the lock when
/// the process ends, even by a crash.
/// @param folder folder of the run
/// @return the lock
/// @throws IoError naming the process that holds the lock
FileLock lock_run_folder(const std::filesystem::path& folder);

/// Checks whether a run may be created in a folder; changes nothing.
/// @param folder a folder, which need not exist
/// @param overwrite whether an existing run may be replaced
/// @param resumes whether the message may advise --resume
/// @throws IoError without `overwrite`: when the folder exists, unless it is empty or an unfinished start;
///   with `overwrite`: when it contains anything but a run (another program's config.toml, run files without
///   a config.toml, other files)
void check_run_folder(const std::filesystem::path& folder, bool overwrite, bool resumes = false);

/// Creates a folder for a new run, or removes the files of the run in it; files that are not heed's are never
/// removed.
/// @param folder folder of the run
/// @param overwrite whether an existing run may be replaced
/// @param lock the folder's lock, if the caller already holds it
/// @return the lock
/// @throws IoError as lock_run_folder and check_run_folder, or when the folder cannot be created
[[nodiscard]] FileLock make_run_folder(const std::filesystem::path& folder, bool overwrite,
                                       std::optional<FileLock> lock = {});

/// A file that --json of the user may have put beside a run's: it is no obstacle and is never removed.
inline constexpr const char* kReport = "report.json";

/// Removes the files of a run, config.toml last, but for its lock and kReport.
/// @param folder as check_run_folder accepts it; the caller holds its lock
/// @throws IoError for a file that cannot be removed
void remove_run_files(const std::filesystem::path& folder);

/// Removes temporary files left by processes that were killed. The caller must hold the lock.
/// @param folder folder of the run
void remove_temporaries(const std::filesystem::path& folder);

}  // namespace heed::models
