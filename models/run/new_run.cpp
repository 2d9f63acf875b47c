#include "models/run/new_run.h"

#include <fmt/format.h>

#include <optional>
#include <system_error>

#include "framework/core/error.h"
#include "framework/io/file.h"
#include "framework/io/folder_beside.h"
#include "models/run/files.h"
#include "models/run/folder.h"

namespace heed::models {

namespace fs = std::filesystem;

TextFiles text_of_run(const fs::path& folder, const RunConfig& config) {
  TextFiles files;
  for (const char* side : {"source", "target"}) {
    files[run_files::vocabulary(side)] = read_run_file(folder / run_files::vocabulary(side));
    if (config.train.subwords != SubwordKind::none)
      files[run_files::pieces(side)] = read_run_file(folder / run_files::pieces(side));
  }
  return files;
}

void write_run(const fs::path& folder, const RunConfig& config, const TextFiles& text,
               const RunWeights& weights, const std::function<void(const fs::path&)>& check) {
  try {
    for (const auto& [name, content] : text) write_file_atomically(folder / name, content);
    if (!weights.tensors.empty())
      save_weights(folder / weights.file, weights.tensors, weights.metadata, weights.type);
    write_file_atomically(folder / run_files::kConfig, to_toml(config));
    if (check) check(folder);
  } catch (...) {
    std::error_code ignored;
    fs::remove(folder / run_files::kConfig, ignored);  // first: what is half gone is no run
    for (const auto& [name, content] : text) fs::remove(folder / name, ignored);
    if (!weights.tensors.empty()) fs::remove(folder / weights.file, ignored);
    throw;
  }
}

void replace_run(const fs::path& folder, bool overwrite, const RunConfig& config, const TextFiles& text,
                 const RunWeights& weights, const std::function<void(const fs::path&)>& check) {
  check_run_folder(folder, overwrite);
  std::error_code error;
  const bool is_new = !fs::exists(fs::symlink_status(folder, error));
  if (!is_new && !is_run_folder(folder)) {  // the folder above may be another's
    const FileLock lock = make_run_folder(folder, overwrite);
    return write_run(folder, config, text, weights, check);
  }
  std::optional<FileLock> lock;
  if (!is_new) lock.emplace(lock_run_folder(folder));
  FolderBeside beside(folder);
  beside.as_in_place([&] { write_run(beside.path(), config, text, weights, check); });
  check_run_folder(folder, overwrite);
  beside.take_place(run_files::kConfig, {run_files::kLock, kReport});
}

}  // namespace heed::models
