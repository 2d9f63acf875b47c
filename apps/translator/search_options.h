// The options of decoding, the same for every subcommand that translates.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "models/run/translator.h"

namespace heed::apps {

/// Where a subcommand also trains, --coverage, --max-length and --batch-size are options of a run: `prefix` "decode-" gives those of
/// decoding the names --decode-coverage, --decode-max-length and --decode-batch-size.
void add_search_options(CLI::App& cli, models::TranslateOptions& options, const std::string& prefix = "");

/// A run, or several as an ensemble.
models::Translator load_translator(const std::vector<std::string>& runs);

}  // namespace heed::apps
