// Loads a trained translator from its run folder (for the files see models/run/files.h).
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "models/run/options.h"
#include "models/text/codec.h"

namespace heed::models {

/// A trained translator loaded from a run folder.
struct LoadedRun {
  RunConfig config;                         // configuration that it was trained with
  TextCodec source, target;                 // vocabularies and subword models
  std::unique_ptr<TranslationModel> model;  // the model with the best weights, in evaluation mode
  std::filesystem::path folder = {};        // where it lies
};
/// Loads a run folder.
/// @param folder folder of the run
/// @return the trained translator
/// @throws IoError for a missing file, FormatError for a truncated or invalid one and for a vocabulary that
///   does not fit the weights
LoadedRun load_run(const std::filesystem::path& folder);

/// What a run's model may write.
/// @param config configuration of the run
/// @param target vocabulary of the target
/// @return the rules, for TranslationModel::set_output_rules
/// @throws ValueError naming a banned token that the vocabulary does not have
OutputRules output_rules(const RunConfig& config, const Vocabulary& target);

/// A file's content, and its name for messages.
struct NamedContent {
  std::string name;     // as messages quote it
  std::string content;  // bytes
};
/// Gives the content of a file of a run, by its name in the folder.
using ReadFile = std::function<NamedContent(const std::string& name)>;

/// Makes the codecs of both sides from vocabularies and subword models, wherever these lie.
/// @param config of the run
/// @param read gives their contents
/// @return the codecs of the source and of the target
/// @throws FormatError for a vocabulary or a subword model that is none, and what `read` throws
std::pair<TextCodec, TextCodec> codecs_of(const RunConfig& config, const ReadFile& read);

/// Loads the vocabularies and subword models of a run folder.
/// @param folder folder of the run
/// @param config configuration of the run
/// @return the codecs of source and target
/// @throws IoError, FormatError
std::pair<TextCodec, TextCodec> load_codecs(const std::filesystem::path& folder, const RunConfig& config);

/// Reads a file of a run folder.
/// @param path path of the file
/// @return its bytes
/// @throws IoError when it cannot be read, or is a folder, pipe or device; reading a pipe could wait for ever
std::string read_run_file(const std::filesystem::path& path);

/// Throws if a tensor holds NaN or infinity.
/// @param tensors tensors by name
/// @param file name of the file, used in the error message
/// @throws FormatError naming the tensor that holds NaN or infinity
void check_finite(const std::map<std::string, Tensor>& tensors, const std::string& file);

/// Whether all elements are finite. One vectorised pass over the bits.
/// @param x f32 or f64; tensors of other types are always finite
/// @return true unless an element is NaN or infinite
bool all_finite(const Tensor& x);

/// Throws if weights do not fit the vocabularies.
/// @param architecture architecture of the model
/// @param weights weights by name
/// @param source,target the vocabularies
/// @param folder folder of the run, used in the error message
/// @throws FormatError when an embedding table does not have exactly one row per entry of its vocabulary
void check_vocabularies(const Architecture& architecture, const std::map<std::string, Tensor>& weights,
                        const Vocabulary& source, const Vocabulary& target,
                        const std::filesystem::path& folder);

}  // namespace heed::models
