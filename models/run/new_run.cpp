#include "models/run/new_run.h"

#include <system_error>

#include "framework/io/file.h"
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
               const RunWeights& weights, const std::function<void()>& check) {
  try {
    for (const auto& [name, content] : text) write_file_atomically(folder / name, content);
    if (!weights.tensors.empty())
      save_weights(folder / weights.file, weights.tensors, weights.metadata, weights.type);
    write_file_atomically(folder / run_files::kConfig, to_toml(config));
    if (check) check();
  } catch (...) {
    std::error_code ignored;
    fs::remove(folder / run_files::kConfig, ignored);  // first: what is half gone is no run
    for (const auto& [name, content] : text) fs::remove(folder / name, ignored);
    if (!weights.tensors.empty()) fs::remove(folder / weights.file, ignored);
    throw;
  }
}

}  // namespace heed::models
