// The files of a run folder: their names, which are said here alone, and the care for them while one is made.
//   config.toml         model, training and text settings
//   data.json           what it is trained on: paths, numbers of lines, fingerprints
//   source.vocab, target.vocab   one token a line, in the order of the ids
//   source.spm, target.spm       SentencePiece models, when the vocabularies hold pieces; equal when joint
//   model.safetensors   the best weights so far, by keep_best_by on the validation pairs
//   single.safetensors  the best single weights, while model.safetensors holds something that only the run's end brought: a mean, or
//                       weights that were validated off the schedule; what a longer run goes on from
//   state.safetensors   the last weights, optimiser, random numbers, cursor: what a resumed run needs
//   checkpoint-N.safetensors   the weights of the last validations, when they are to be averaged
//   metrics.jsonl       one line a report: losses, rates, scores
//   run.lock            held while a process trains there; left behind by one that was killed
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
constexpr const char* kConfig = "config.toml";         // settings; without it a folder is no run
constexpr const char* kData = "data.json";             // what it is trained on
constexpr const char* kModel = "model.safetensors";    // the best weights
constexpr const char* kSingle = "single.safetensors";  // the best single weights, beside a model that only the end brought
constexpr const char* kState = "state.safetensors";    // where the training stands
constexpr const char* kMetrics = "metrics.jsonl";      // its reports
constexpr const char* kLock = "run.lock";              // held while a process trains

/// The vocabulary of a side.
/// @param side "source" or "target"
/// @return "source.vocab"
std::string vocabulary(const std::string& side);
/// The SentencePiece model of a side.
/// @param side "source" or "target"
/// @return "source.spm"
std::string pieces(const std::string& side);
/// The weights kept after an update.
/// @param update from 1
/// @return "checkpoint-0000000120.safetensors"
std::string checkpoint(int64_t update);
}  // namespace run_files

/// The kept weights of a run that are to be averaged.
/// @param folder of the run
/// @return their paths, the oldest first
std::vector<std::filesystem::path> kept_checkpoints(const std::filesystem::path& folder);

/// Whether a trained translator lies in a folder, whoever made it.
/// @param folder any
/// @return whether its config.toml begins as one of a run
bool is_run_folder(const std::filesystem::path& folder);

/// Whether a run folder holds files of this name.
/// @param name without a folder
/// @return also true for the temporaries of files that are being written
bool is_run_file(const std::string& name);

/// Whether a folder is what a start leaves that was killed before the run had its config.toml: it can be started again.
/// @param folder any
/// @return whether it is
bool is_unfinished_start(const std::filesystem::path& folder);

/// Keeps other trainings out of a run folder for as long as the lock lives; a process that ends, however it ends, holds it no longer.
/// @param folder of a run
/// @return the lock
/// @throws IoError naming the process that trains there
FileLock lock_run_folder(const std::filesystem::path& folder);

/// Looks whether a run may be made in a folder; touches nothing.
/// @param folder that may exist
/// @param overwrite whether a run that is there may be replaced
/// @throws IoError when the folder exists and `overwrite` is off, unless it is empty or an unfinished start, and with `overwrite` when it
///   holds anything but a run: a foreign config.toml, files without it, other files
void check_run_folder(const std::filesystem::path& folder, bool overwrite);

/// Makes a folder for a new run, or removes the files of the run in it; nothing of the user's is lost.
/// @param folder of the run
/// @param overwrite whether a run that is there may be replaced
/// @param lock of the folder, when the caller holds it already
/// @return the lock
/// @throws IoError as the two above, or when the folder cannot be made
[[nodiscard]] FileLock make_run_folder(const std::filesystem::path& folder, bool overwrite, std::optional<FileLock> lock = {});

/// Removes the temporaries of writers that were killed. The caller holds the lock.
/// @param folder of the run
void remove_temporaries(const std::filesystem::path& folder);

}  // namespace heed::models
