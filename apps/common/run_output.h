// Folders and files that a command writes.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "framework/io/file_lock.h"

namespace heed::apps {

/// Whether the folder is what a start leaves that was killed before the run had its config.toml: it can be started again.
bool is_unfinished_start(const std::filesystem::path& folder);

/// Keeps other trainings out of a run folder while it lives; a process that ends, however it ends, holds it no longer.
/// Throws IoError naming the process that trains there.
FileLock lock_run_folder(const std::filesystem::path& folder);

/// Throws IoError when `folder` exists and `overwrite` is off, unless it is empty or an unfinished start, and with `overwrite` when it
/// holds anything but a run: a foreign config.toml, files without it, other files. Touches nothing.
void check_run_folder(const std::filesystem::path& folder, bool overwrite);

/// Makes `folder` for a new run, or removes the files of the run in it; nothing of the user's is lost. `lock` is the folder's, if there was
/// one. Returns the lock. Throws IoError as the two above, or when the folder cannot be made.
[[nodiscard]] FileLock make_run_folder(const std::filesystem::path& folder, bool overwrite, std::optional<FileLock> lock = {});

/// Removes the temporaries of writers that were killed. The caller holds the lock.
void remove_temporaries(const std::filesystem::path& run_folder);

/// Writes a file, or standard output for "-".
void write_output(const std::string& path, std::string_view text);
/// What an input option names: "-" is standard input.
std::string input_path(const std::string& path);

/// Writes a report where --json asked for it; nothing when `path` is empty.
void write_json(const std::string& path, const nlohmann::ordered_json& report);

}  // namespace heed::apps
