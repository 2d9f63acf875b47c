// data.json in a run folder: the files that the run was trained on, so that a training can be resumed without
// naming them again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "models/text/lines.h"

namespace heed::models {

/// The four files of sentence pairs: paths, or "-" for standard input; all empty if the sentences did not
/// come from files.
struct PairFiles {
  std::string source, target, valid_source, valid_target;  // paths of the training and the validation files
  std::string licence = {};      // of the sentences, where a corpus says; else empty
  std::string attribution = {};  // whom to name, where a corpus says; else empty
};

/// What tells the lines of a file from others.
struct LinesMark {
  uint64_t lines = 0;       // their number
  std::string fingerprint;  // of the lines, each with its end
};
/// The marks of the four files.
struct DataMarks {
  LinesMark source, target, valid_source, valid_target;  // as in PairFiles
};
/// @param train,validation the lines
/// @return their marks
DataMarks marks_of(const ParallelLines& train, const ParallelLines& validation);

/// Makes the content of data.json.
/// @param files files that the lines were read from
/// @param marks of their lines
/// @return path, number of lines and fingerprint of each file, licence and attribution where known, as JSON
std::string run_data(const PairFiles& files, const DataMarks& marks);

/// Reads the paths of the files that a run was trained on, and their terms.
/// @param folder folder of the run
/// @return paths and terms; nullopt for a run without data.json, made before heed wrote that file
/// @throws FormatError for a data.json that heed did not write
std::optional<PairFiles> files_of_run(const std::filesystem::path& folder);

/// What a run that is passed on says of its data: file names without their folders, numbers of lines,
/// fingerprints, licence and attribution.
/// @param folder folder of the run
/// @return the content of data.json; empty for a run without that file
/// @throws FormatError for a data.json that heed did not write
std::string run_data_to_pass_on(const std::filesystem::path& folder);

/// Checks that lines are the same as those that a run was started with; for a run without data.json there is
/// no check.
/// @param folder folder of the run
/// @param files paths of the files, used in the error message
/// @param marks of their lines
/// @throws ValueError `resume: 'train.en' is not what 'run' was started with: 900 lines, and it had 1000`;
///   FormatError for a data.json that heed did not write
void check_run_data(const std::filesystem::path& folder, const PairFiles& files, const DataMarks& marks);

}  // namespace heed::models
