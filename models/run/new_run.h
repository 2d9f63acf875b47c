// Writes the files of a new run, whoever makes it: a training, an import, an export.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "framework/io/safetensors.h"
#include "models/run/options.h"
#include "models/run/weights.h"

namespace heed::models {

/// Text files of a run, such as its vocabularies and SentencePiece models: file name -> content.
using TextFiles = std::map<std::string, std::string>;

/// Reads the vocabularies and subword models of a run.
/// @param folder folder of the run
/// @param config its configuration
/// @return the content of the files
/// @throws IoError when one cannot be read
TextFiles text_of_run(const std::filesystem::path& folder, const RunConfig& config);

/// The weights that a new run begins with, or that it is.
struct RunWeights {
  std::string file = {};                             // its name in the folder, of run_files
  NamedTensors tensors = {};                         // f32, finite; none: no file is written
  std::map<std::string, std::string> metadata = {};  // free text entries
  WeightType type = WeightType::f32;                 // how they are stored
};

/// Writes a new run into its folder, config.toml last: with it the folder is a run. When anything fails, what
/// was written is removed again, so that it can be repeated.
/// @param folder as make_run_folder leaves it
/// @param config configuration of the run
/// @param text all text files but config.toml
/// @param weights none, those to begin with or those of the finished run
/// @param check called with the folder when all is written; what it throws is a failure too
/// @throws IoError for what cannot be written, ValueError as save_weights, and what `check` throws
void write_run(const std::filesystem::path& folder, const RunConfig& config, const TextFiles& text,
               const RunWeights& weights = {},
               const std::function<void(const std::filesystem::path&)>& check = {});

/// Writes a finished run beside its place, which it takes when it is complete: what it replaces stays until
/// then, and both need room for a while. In an empty folder it is written where it stands.
/// @param folder where the run goes; of a run that is there its report stays
/// @param overwrite whether a run that is there is replaced
/// @param config,text,weights,check as of write_run
/// @throws IoError as check_run_folder and lock_run_folder; and as write_run, with the old run untouched
void replace_run(const std::filesystem::path& folder, bool overwrite, const RunConfig& config,
                 const TextFiles& text, const RunWeights& weights,
                 const std::function<void(const std::filesystem::path&)>& check = {});

}  // namespace heed::models
