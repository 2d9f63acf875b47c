// Makes a run of a translator that another program trained: everything that works on a run works on it.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "models/import/reader.h"
#include "models/run/folder.h"
#include "models/run/new_run.h"

namespace heed::models {

/// What an import has found.
struct ImportReport {
  std::string kind;                                      // the format
  std::string model;                                     // "Transformer 6+6, 512 wide, 8 heads"
  int64_t parameters = 0;                                // numbers in the weights
  int64_t source_vocabulary = 0, target_vocabulary = 0;  // entries
  std::vector<std::string> target_codes;  // >>fra<< and the like, for models of several languages
  int64_t beam = 0;                       // as in ForeignModel
  double length_exponent = 1;             // as in ForeignModel
  std::vector<std::string> notes;         // what the user should know, a line each
};

/// Reads a model of another program.
/// @param path a file or a folder
/// @param options choices
/// @return the model, checked
/// @throws FormatError, IoError: one line that names the file and the key or the tensor
ForeignModel read_foreign(const std::filesystem::path& path, const ImportOptions& options = {});

/// The files of a run, in memory.
struct ImportedRun {
  RunConfig config;      // configuration
  TextFiles text;        // vocabularies and SentencePiece models
  NamedTensors weights;  // content of model.safetensors
  ImportReport report;   // what was found
};
/// Gives a model heed's numbering of words: <pad>, <s>, </s> and <unk> first, the others in their order. A
/// special token that the model does not have gets a row of zeros and a bias of kAbsentBias, which takes no
/// probability.
/// @param model a model as read
/// @return the files of the run
/// @throws FormatError for a vocabulary that makes no sense
ImportedRun to_run(ForeignModel model);
/// The logit of a token that an imported model does not have.
constexpr float kAbsentBias = -100;

/// Imports a model into a run folder.
/// @param path a file or a folder
/// @param folder run folder to write
/// @param options choices
/// @param overwrite whether an existing run may be replaced
/// @param stored how model.safetensors holds the weights; f32 is mapped when it is read
/// @param complete called when all is written, before the run takes its place; may throw
/// @return what was found
/// @throws FormatError, IoError as read_foreign and make_run_folder
ImportReport import_run(const std::filesystem::path& path, const std::filesystem::path& folder,
                        const ImportOptions& options = {}, bool overwrite = false,
                        WeightType stored = WeightType::f32, const std::function<void()>& complete = {});

/// Whether a model says nothing but one word (repeat_one_word) for sentences of random words.
/// @param run a loaded run
/// @return whether it does
bool says_one_word(const LoadedRun& run);
}  // namespace heed::models
