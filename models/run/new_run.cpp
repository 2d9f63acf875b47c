#include "models/run/new_run.h"

#include <fmt/format.h>

#include <algorithm>
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

namespace {

// For a run on a mount point, which keeps its place: the files change theirs one by one, config.toml last,
// once all of them are there.
void take_places(const fs::path& from, const fs::path& run) {
  std::vector<fs::path> files = list_folder(from), copies;
  std::ranges::sort(files, {}, [](const fs::path& file) { return file.filename() == run_files::kConfig; });
  try {
    for (const fs::path& file : files) {
      copies.push_back(run / (file.filename().string() + ".tmp0"));
      fs::copy_file(file, copies.back(), fs::copy_options::overwrite_existing);
    }
  } catch (const fs::filesystem_error&) {
    std::error_code ignored;
    for (const fs::path& copy : copies) fs::remove(copy, ignored);
    throw;
  }
  remove_run_files(run, copies);
  for (const fs::path& copy : copies) fs::rename(copy, run / copy.stem());
}

}  // namespace

void replace_run(const fs::path& folder, bool overwrite, const RunConfig& config, const TextFiles& text,
                 const RunWeights& weights, const std::function<void(const fs::path&)>& check) {
  check_run_folder(folder, overwrite);
  if (!is_run_folder(folder)) {
    const FileLock lock = make_run_folder(folder, overwrite);
    return write_run(folder, config, text, weights, check);
  }
  const FileLock lock = lock_run_folder(folder);
  FolderBeside beside(folder);
  try {
    write_run(beside.path(), config, text, weights, check);
  } catch (const IoError& error) {
    throw IoError(beside.as_in_place(error.what()));
  }
  check_run_folder(folder, overwrite);
  if (!beside.take_place()) return take_places(beside.path(), beside.place());
  if (beside.path().empty()) return;  // nothing was there any more
  if (const fs::path report = beside.path() / kReport; file_exists(report))
    fs::rename(report, beside.place() / kReport);
}

}  // namespace heed::models
