// Options that name a trained run: a folder, or a translator of the box by its name (models/run/box.h).
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

namespace heed::apps {

/// Puts the folder in the place of the name of a translator of the box; anything else stays as it is.
extern const CLI::Validator kNamesRun;

/// Adds -r, --run for several runs. It takes one at a time, so that words after it are words of a sentence.
/// @param cli the command
/// @param runs where their folders go
/// @param what its help
/// @return the option
CLI::Option* add_runs_option(CLI::App& cli, std::vector<std::string>& runs, const std::string& what);

/// A run with the name that tables and charts give it.
struct NamedRun {
  std::string name;
  std::filesystem::path folder;
};

/// Reads runs as NAME=FOLDER or FOLDER, which may be a name of the box; the name of a folder alone is its
/// last part. Throws CLI::ValidationError of `option` for a name that is no name for a table, for no folder,
/// and for two of one name.
std::vector<NamedRun> named_runs(const std::string& option, const std::vector<std::string>& texts);

}  // namespace heed::apps
