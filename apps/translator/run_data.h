// What a run was trained on: data.json beside its weights, so that a training can go on without being told again.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "models/text/lines.h"

namespace heed::apps {

/// The four files of sentence pairs.
struct PairFiles {
  std::string source, target, valid_source, valid_target;  // "-" for standard input; all empty: as the run has them
};

constexpr const char* kRunData = "data.json";

/// The text of data.json: path, number of lines and fingerprint of each file.
std::string run_data(const PairFiles& files, const models::ParallelLines& train, const models::ParallelLines& validation);

/// The files that a run in `folder` was trained on. Throws IoError where data.json is missing or came from standard input, FormatError for
/// one that is not heed's; both say which options name the files.
PairFiles files_of_run(const std::filesystem::path& folder);

/// Throws ValueError `resume: 'train.en' is not what 'run' was started with: 900 lines, and it had 1000` when lines are others than those
/// of data.json; a run from before there was one takes any.
void check_run_data(const std::filesystem::path& folder, const PairFiles& files, const models::ParallelLines& train,
                    const models::ParallelLines& validation);

}  // namespace heed::apps
