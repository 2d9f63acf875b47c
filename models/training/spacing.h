// Decides whether a run keeps white space as it is written, by the text that it learns from.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "models/run/options.h"
#include "models/text/lines.h"

namespace heed::models {

/// A side keeps its spacing where at least one of so many training lines has some: a model that met less has
/// not learned what to do with it, and is given single spaces.
constexpr int64_t kLinesPerKeptSpacing = 1000;

/// Replaces Spacing::automatic on both sides: kept where the run can keep it (can_keep_spacing) and enough
/// lines of the side have other white space inside than single spaces (has_other_spacing), else one.
/// @param config configuration of a run
/// @param train the training pairs
/// @return the configuration with the tokenizers and the spacing of both sides
RunConfig with_spacing_of(RunConfig config, const ParallelLines& train);
/// The same for pairs that are in files.
/// @param config configuration of a run
/// @param source,target files of the training sentences, one a line
/// @return as above
/// @throws IoError, FormatError for files that cannot be read
RunConfig with_spacing_of(RunConfig config, const std::filesystem::path& source,
                          const std::filesystem::path& target);

/// @param config configuration of a run
/// @return which sides keep their spacing, in a sentence; empty: none does
std::string spacing_text(const RunConfig& config);

}  // namespace heed::models
