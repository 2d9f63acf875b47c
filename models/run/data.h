// What a run was trained on: data.json beside its weights, so that a training can go on without being told again.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "models/text/lines.h"

namespace heed::models {

/// The four files of sentence pairs: paths, "-" for standard input; all empty where the sentences came from no file.
struct PairFiles {
  std::string source, target, valid_source, valid_target;  // of training and validation
};

/// What data.json says.
/// @param files where the lines come from
/// @param train,validation their lines
/// @return path, number of lines and fingerprint of each file, as JSON
std::string run_data(const PairFiles& files, const ParallelLines& train, const ParallelLines& validation);

/// The files that a run was trained on.
/// @param folder of the run
/// @return nothing for a run without data.json: one from before there was any
/// @throws FormatError for a data.json that is not heed's
std::optional<PairFiles> files_of_run(const std::filesystem::path& folder);

/// Holds lines against those that a run was started with; a run without data.json takes any.
/// @param folder of the run
/// @param files stand in the message
/// @param train,validation the lines
/// @throws ValueError `resume: 'train.en' is not what 'run' was started with: 900 lines, and it had 1000`; FormatError for a data.json
///   that is not heed's
void check_run_data(const std::filesystem::path& folder, const PairFiles& files, const ParallelLines& train,
                    const ParallelLines& validation);

}  // namespace heed::models
