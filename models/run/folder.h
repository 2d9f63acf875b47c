// A run folder as a translator: everything that a training left (its files: models/run/files.h).
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "models/run/options.h"
#include "models/text/codec.h"

namespace heed::models {

/// A trained translator as it lies in a run folder.
struct LoadedRun {
  RunConfig config;                         // as it was trained
  TextCodec source, target;                 // vocabularies and pieces
  std::unique_ptr<TranslationModel> model;  // with the best weights, in evaluation mode
};
/// Reads a run folder.
/// @param folder of a run
/// @return the translator
/// @throws IoError for a missing file, FormatError for a truncated or foreign one and for a vocabulary that does not fit the weights
LoadedRun load_run(const std::filesystem::path& folder);

/// Vocabularies and subword models of a run folder.
/// @param folder of a run
/// @param config its config
/// @return the source's and the target's
/// @throws IoError, FormatError
std::pair<TextCodec, TextCodec> load_codecs(const std::filesystem::path& folder, const RunConfig& config);

/// Reads a file of a run.
/// @param path of the file
/// @return its bytes
/// @throws IoError when it cannot be read or is no file but a folder, a pipe or a device, which might be waited for for ever
std::string read_run_file(const std::filesystem::path& path);

/// Refuses numbers that no training can want.
/// @param tensors by name
/// @param file stands in the message
/// @throws FormatError naming the tensor that holds NaN or infinity
void check_finite(const std::map<std::string, Tensor>& tensors, const std::string& file);

/// Whether no element is NaN or infinite.
/// @param x f32 or f64; others are finite
/// @return one pass over the bits, vectorised
bool all_finite(const Tensor& x);

/// Refuses weights of other vocabularies.
/// @param architecture whose weights they are
/// @param weights by name
/// @param source,target the vocabularies
/// @param folder stands in the message
/// @throws FormatError when the embedding tables have not one row for each word
void check_vocabularies(const Architecture& architecture, const std::map<std::string, Tensor>& weights, const Vocabulary& source,
                        const Vocabulary& target, const std::filesystem::path& folder);

}  // namespace heed::models
