// Folders and files that a command writes.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace heed::apps {

/// Makes `folder` for a new run. Throws IoError when it exists and `overwrite` is off, or cannot be made. With `overwrite` the files of
/// a run in it are removed; a folder that holds anything else is refused, so that nothing of the user's is lost. check_run_folder throws
/// the same and touches nothing.
void check_run_folder(const std::filesystem::path& folder, bool overwrite);
void make_run_folder(const std::filesystem::path& folder, bool overwrite);

/// Writes a file, or standard output for "-".
void write_output(const std::string& path, std::string_view text);
/// What an input option names: "-" is standard input.
std::string input_path(const std::string& path);

/// Writes a report where --json asked for it; nothing when `path` is empty.
void write_json(const std::string& path, const nlohmann::ordered_json& report);

}  // namespace heed::apps
