// Guided alignment (Garg et al. 2019): the links that one head of a training learns to follow.
#pragma once

#include <filesystem>
#include <string>

#include "models/architectures/architecture.h"
#include "models/corpus/encoded_pairs.h"

namespace heed::models {

/// The links of pairs as guided.align holds them: a Pharaoh line a pair, token to token.
/// @param pairs training pairs with their links
/// @return the content of the file
std::string guided_text(const EncodedPairs& pairs);

/// Reads guided.align into the pairs.
/// @param path path of the file
/// @param pairs training pairs, in the order of the lines; their links are set
/// @throws IoError, FormatError for lines that are not theirs
void read_guided(const std::filesystem::path& path, EncodedPairs& pairs);

/// Aligns pairs by a model's own attention: each target token is linked to the source token to which the
/// layer gives most weight in forced decoding; none to the end mark.
/// @param model in evaluation mode
/// @param pairs training pairs; their links are set
/// @param layer whose mean is read
/// @param source_end whether the sources end with the end mark
/// @throws ValueError when there is no such layer
void align_by_model(const TranslationModel& model, EncodedPairs& pairs, int layer, bool source_end);

}  // namespace heed::models
