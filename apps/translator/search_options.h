// The options of decoding, the same for every subcommand that translates.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "models/translator.h"

namespace heed::apps {

void add_search_options(CLI::App& cli, models::TranslateOptions& options);

/// A run, or several as an ensemble.
models::Translator load_translator(const std::vector<std::string>& runs);

}  // namespace heed::apps
