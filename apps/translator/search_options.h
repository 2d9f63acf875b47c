// The options of decoding, the same for every subcommand that translates.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "models/run/translator.h"

namespace heed::apps {

/// Their names are others than those of a run, so that a subcommand can have both.
void add_search_options(CLI::App& cli, models::TranslateOptions& options);

/// A run, or several as an ensemble.
models::Translator load_translator(const std::vector<std::string>& runs);

}  // namespace heed::apps
