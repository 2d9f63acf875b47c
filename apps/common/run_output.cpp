#include "apps/common/run_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "apps/common/files.h"
#include "framework/core/error.h"
#include "framework/io/file.h"

namespace heed::apps {
namespace fs = std::filesystem;

namespace {

constexpr const char* kReport = "report.json";  // the user's, of --json RUN/report.json: it neither hinders nor goes

bool is_temporary(const std::string& name) { return is_run_file(name) && name.find(".tmp") != std::string::npos; }

}  // namespace

bool is_unfinished_start(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) return false;
  const std::vector<fs::path> entries = list_folder(folder);
  bool marked = entries.empty();
  for (const fs::path& path : entries) {
    const std::string name = path.filename().string();
    marked = marked || name == kRunLock;
    const bool text =
        name.ends_with(".vocab") || name.ends_with(".spm") || name == "data.json" || (name == "metrics.jsonl" && fs::is_empty(path, error));
    if (!is_run_file(name) || !(text || name == kRunLock || is_temporary(name))) return false;
  }
  return marked;
}

FileLock lock_run_folder(const fs::path& folder) {
  try {
    return FileLock(folder / kRunLock);
  } catch (const LockHeld& error) {
    throw IoError(fmt::format("'{}' is in use by another training: {}", folder.string(), error.what()));
  }
}

void check_run_folder(const fs::path& folder, bool overwrite) {
  std::error_code error;
  if (!fs::exists(folder, error)) return;
  if (!fs::is_directory(folder, error)) throw IoError(fmt::format("'{}' is not a folder", folder.string()));
  const std::vector<fs::path> entries = list_folder(folder);
  const bool only_locked = entries.empty() || is_unfinished_start(folder);
  for (const fs::path& path : entries) {
    const std::string name = path.filename().string();
    if (name == kReport) continue;
    if (!is_run_file(name) || fs::is_directory(fs::symlink_status(path, error))) {
      throw IoError(fmt::format("'{}' holds '{}', which is not a file of a run; it is left alone", folder.string(), name));
    }
  }
  if (!only_locked && !is_run_folder(folder)) {
    throw IoError(fmt::format("'{}' has no config.toml of a run; its files are left alone", folder.string()));
  }
  if (!overwrite && !only_locked) {
    throw IoError(fmt::format("'{}' exists already (--resume goes on with it, --overwrite replaces it)", folder.string()));
  }
}

FileLock make_run_folder(const fs::path& folder, bool overwrite, std::optional<FileLock> lock) {
  check_run_folder(folder, overwrite);
  make_folder(folder);
  if (!lock) lock.emplace(lock_run_folder(folder));
  check_run_folder(folder, overwrite);  // another start may have been faster
  std::vector<fs::path> old = list_folder(folder);
  std::erase(old, folder / kRunLock);
  std::erase(old, folder / kReport);
  const auto goes_last = [](const fs::path& path) { return path.filename() == "config.toml"; };  // until then the folder is known as a run
  std::stable_partition(old.begin(), old.end(), std::not_fn(goes_last));
  for (const fs::path& path : old) remove_file(path);
  return std::move(*lock);
}

void remove_temporaries(const fs::path& run_folder) {
  std::error_code ignored;
  for (const fs::path& path : list_folder(run_folder)) {
    if (is_temporary(path.filename().string())) fs::remove(path, ignored);
  }
}

void write_output(const std::string& path, std::string_view text) { write_file_atomically(path == "-" ? "/dev/stdout" : path, text); }

std::string input_path(const std::string& path) { return path == "-" ? "/dev/stdin" : path; }

void write_json(const std::string& path, const nlohmann::ordered_json& report) {
  if (!path.empty()) write_output(path, report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

}  // namespace heed::apps
