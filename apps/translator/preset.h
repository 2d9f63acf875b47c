// Preset files: TOML, a section a subcommand, its keys the long options without dashes in front (presets/).
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "models/run/options.h"

namespace heed::apps {

/// Adds --config to the program. What the command line gives stands; the file fills in the rest. What makes a
/// run in [train] also serves another subcommand that trains, behind its own section. A file that is not
/// TOML, a section or key that is not known, a value of the wrong type: CLI::ParseError "presets/x.toml line
/// 3: unknown key 'embeding'".
void add_preset_option(CLI::App& program);

/// The config that a command starts from: --config where it is a run's own config.toml, else `otherwise`.
/// Throws FormatError.
models::RunConfig config_of_preset(const CLI::App& subcommand, const models::RunConfig& otherwise = {});

/// Whether an option has its value from the preset, and not from the command line.
bool preset_gave(const CLI::App& subcommand, const CLI::Option& option);

/// The --config that was given with a subcommand, "" without.
std::string preset_of(const CLI::App& subcommand);

}  // namespace heed::apps
