// The options of decoding, the same for every subcommand that translates.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "apps/common/profile.h"
#include "models/run/translator.h"

namespace heed::apps {

constexpr const char* kDecoding = "Decoding";  // their group in --help

/// Their names are others than those of a run, so that a subcommand can have both.
void add_search_options(CLI::App& cli, models::TranslateOptions& options);

/// Throws for options of `cli` that are invalid (ValueError) or do nothing as others are
/// (CLI::ValidationError).
void check_search_options(const CLI::App& cli, const models::SearchOptions& search);

/// A run, or several as an ensemble, with the layers named in a profile. Throws ValueError for a search that
/// its models cannot do, before anything is translated.
models::Translator load_translator(const std::vector<std::string>& runs, const models::SearchOptions& search,
                                   Profiling& profiling);

/// Warns of words of a sentence that the model does not know: what it writes for them is a guess.
void warn_of_unknown_words(const models::Translator& translator, const std::string& sentence);

/// What of the options changes translations, in words: "beam 5, length penalty wu, alpha 0.2".
std::string search_text(const models::TranslateOptions& options);

}  // namespace heed::apps
