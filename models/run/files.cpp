#include "models/run/files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <functional>
#include <regex>

#include "framework/core/error.h"
#include "framework/io/file.h"

namespace heed::models {
namespace {

namespace fs = std::filesystem;

const std::array<std::string, 15>& all_names() {
  using namespace run_files;
  static const std::array<std::string, 15> names = {kLock,
                                                    kConfig,
                                                    kData,
                                                    kModel,
                                                    kSingle,
                                                    kState,
                                                    kInitial,
                                                    kMetrics,
                                                    kScores,
                                                    kAttention,
                                                    kGuided,
                                                    vocabulary("source"),
                                                    vocabulary("target"),
                                                    pieces("source"),
                                                    pieces("target")};
  return names;
}

bool is_temporary_of(const std::string& name, const std::string& file) {
  constexpr std::string_view kMark = ".tmp";
  if (!name.starts_with(file + std::string(kMark))) return false;
  const std::string_view digits = std::string_view(name).substr(file.size() + kMark.size());
  return digits.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_checkpoint(const std::string& name) {
  static const std::regex pattern(R"(checkpoint-\d{10,}\.safetensors)");
  return std::regex_match(name, pattern);
}

constexpr std::string_view kUpdate = "update-";

// Of "update-0000000120", or 0.
int64_t update_of(const std::string& name) {
  static const std::regex pattern(R"(update-\d{10,18})");
  return std::regex_match(name, pattern) ? std::stoll(name.substr(kUpdate.size())) : 0;
}

// Whether a path is the folder `checkpoints` of a run, with runs of updates and nothing else in it.
bool is_checkpoints_folder(const fs::path& path) {
  std::error_code error;
  if (path.filename() != run_files::kCheckpoints || !fs::is_directory(fs::symlink_status(path, error)))
    return false;
  return std::ranges::all_of(list_folder(path), [&](const fs::path& run) {
    if (update_of(run.filename().string()) == 0 || !fs::is_directory(fs::symlink_status(run, error)))
      return false;
    return std::ranges::all_of(list_folder(run), [&](const fs::path& file) {
      return is_run_file(file.filename().string()) && !fs::is_directory(fs::symlink_status(file, error));
    });
  });
}

bool is_temporary(const std::string& name) {
  return is_run_file(name) && name.find(".tmp") != std::string::npos;
}

}  // namespace

std::string run_files::vocabulary(const std::string& side) { return side + ".vocab"; }
std::string run_files::pieces(const std::string& side) { return side + ".spm"; }
std::string run_files::checkpoint(int64_t update) {
  return fmt::format("checkpoint-{:010}.safetensors", update);
}

std::string run_files::kept_run(int64_t update) { return fmt::format("{}{:010}", kUpdate, update); }

std::vector<KeptFolder> kept_folders(const fs::path& folder) {
  const fs::path all = folder / run_files::kCheckpoints;
  std::vector<KeptFolder> kept;
  if (!file_exists(all)) return kept;
  for (const fs::path& path : list_folder(all)) {
    const int64_t update = update_of(path.filename().string());
    if (update == 0) continue;
    if (std::error_code error; !fs::is_directory(path, error)) {
      throw IoError(fmt::format("'{}' is no folder, as that of kept weights is; remove it", path.string()));
    }
    kept.push_back({update, path});
  }
  std::ranges::sort(kept, {}, &KeptFolder::update);
  return kept;
}

void remove_kept_folder(const fs::path& path) {
  remove_file(path / run_files::kConfig);
  for (const fs::path& file : list_folder(path)) {
    if (is_run_file(file.filename().string())) remove_file(file);
  }
  remove_file(path);
}

std::vector<fs::path> kept_checkpoints(const fs::path& folder) {
  std::vector<fs::path> paths;
  for (const fs::path& path : list_folder(folder)) {
    if (is_checkpoint(path.filename().string())) paths.push_back(path);
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

bool is_run_folder(const fs::path& folder) {
  std::ifstream config(folder / run_files::kConfig);
  std::string line;
  return std::getline(config, line) && line.starts_with("format = 'heed.run'");
}

bool is_run_file(const std::string& name) {
  for (const std::string& known : all_names()) {
    if (name == known || is_temporary_of(name, known)) return true;
  }
  const size_t temporary = name.rfind(".tmp");
  const std::string whole = name.substr(0, temporary);
  return is_checkpoint(whole) && (name == whole || is_temporary_of(name, whole));
}

bool is_unfinished_start(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) return false;
  const std::vector<fs::path> entries = list_folder(folder);
  bool marked = entries.empty();
  for (const fs::path& path : entries) {
    const std::string name = path.filename().string();
    marked = marked || name == run_files::kLock;
    const bool text = name.ends_with(".vocab") || name.ends_with(".spm") || name == run_files::kData ||
                      name == run_files::kInitial || name == run_files::kGuided ||
                      (name == run_files::kMetrics && fs::is_empty(path, error));
    if (!is_run_file(name) || !(text || name == run_files::kLock || is_temporary(name))) return false;
  }
  return marked;
}

FileLock lock_run_folder(const fs::path& folder) {
  try {
    return FileLock(folder / run_files::kLock);
  } catch (const LockHeld& error) {
    throw IoError(fmt::format("'{}' is in use by another training: {}", folder.string(), error.what()));
  }
}

void check_run_folder(const fs::path& folder, bool overwrite, bool resumes) {
  std::error_code error;
  if (!fs::exists(folder, error)) return;
  if (!fs::is_directory(folder, error)) throw IoError(fmt::format("'{}' is not a folder", folder.string()));
  const std::vector<fs::path> entries = list_folder(folder);
  const bool only_locked = entries.empty() || is_unfinished_start(folder);
  for (const fs::path& path : entries) {
    const std::string name = path.filename().string();
    if (name == kReport || is_checkpoints_folder(path)) continue;
    if (!is_run_file(name) || fs::is_directory(fs::symlink_status(path, error))) {
      throw IoError(fmt::format("'{}' holds '{}', which is not a file of a run; it is left alone",
                                folder.string(), name));
    }
  }
  if (!only_locked && !is_run_folder(folder)) {
    throw IoError(fmt::format("'{}' has no config.toml of a run; its files are left alone", folder.string()));
  }
  if (!overwrite && !only_locked) {
    throw IoError(fmt::format("'{}' exists already ({}--overwrite replaces it)", folder.string(),
                              resumes ? "--resume goes on with it, " : ""));
  }
}

void remove_run_files(const fs::path& folder) {
  std::vector<fs::path> old = list_folder(folder);
  std::erase(old, folder / run_files::kLock);
  std::erase(old, folder / kReport);
  // until then it is known as a run
  const auto goes_last = [](const fs::path& path) { return path.filename() == run_files::kConfig; };
  std::stable_partition(old.begin(), old.end(), std::not_fn(goes_last));
  for (const KeptFolder& kept : kept_folders(folder)) remove_kept_folder(kept.path);
  for (const fs::path& path : old) remove_file(path);
}

FileLock make_run_folder(const fs::path& folder, bool overwrite, std::optional<FileLock> lock) {
  check_run_folder(folder, overwrite);
  make_folder(folder);
  if (!lock) lock.emplace(lock_run_folder(folder));
  check_run_folder(folder, overwrite);  // another start may have been faster
  remove_run_files(folder);
  return std::move(*lock);
}

void remove_temporaries(const fs::path& folder) {
  std::error_code ignored;
  const auto clean = [&](const fs::path& of) {
    for (const fs::path& path : list_folder(of)) {
      if (is_temporary(path.filename().string())) fs::remove(path, ignored);
    }
  };
  clean(folder);
  for (const KeptFolder& kept : kept_folders(folder)) clean(kept.path);
}

}  // namespace heed::models
