#include "models/run/new_run.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>   // NOLINT: renameat2
#include <stdlib.h>  // NOLINT: mkdtemp

#include <cerrno>
#include <cstring>
#include <system_error>

#include "framework/core/error.h"
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

// A folder beside another, which goes when this does.
class FolderBeside {
 public:
  explicit FolderBeside(const fs::path& of) {
    std::string pattern = (of.parent_path() / fmt::format(".{}.XXXXXX", of.filename().string())).string();
    if (!::mkdtemp(pattern.data()))
      throw IoError(fmt::format("cannot make a folder beside '{}': {}", of.string(), std::strerror(errno)));
    path_ = pattern;
    fs::permissions(path_, fs::status(of).permissions());
  }
  ~FolderBeside() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  FolderBeside(const FolderBeside&) = delete;
  FolderBeside& operator=(const FolderBeside&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

}  // namespace

void replace_run(const fs::path& folder, bool overwrite, const RunConfig& config, const TextFiles& text,
                 const RunWeights& weights, const std::function<void(const fs::path&)>& check) {
  check_run_folder(folder, overwrite);
  if (!is_run_folder(folder)) {
    const FileLock lock = make_run_folder(folder, overwrite);
    return write_run(folder, config, text, weights, check);
  }
  const FileLock lock = lock_run_folder(folder);
  const fs::path real = fs::canonical(folder);
  const FolderBeside beside(real);
  try {
    write_run(beside.path(), config, text, weights, check);
  } catch (const IoError& error) {  // in the name that the user gave
    std::string message = error.what();
    for (size_t at; (at = message.find(beside.path().string())) != std::string::npos;)
      message.replace(at, beside.path().string().size(), folder.string());
    throw IoError(message);
  }
  check_run_folder(folder, overwrite);
  // Both change places at once; what was there then lies beside, and is removed.
  if (::renameat2(AT_FDCWD, beside.path().c_str(), AT_FDCWD, real.c_str(), RENAME_EXCHANGE) != 0) {
    // a mounted folder, or a file system that cannot exchange
    remove_run_files(folder);
    for (const fs::path& file : list_folder(beside.path())) fs::copy_file(file, real / file.filename());
    return;
  }
  if (const fs::path report = beside.path() / kReport; file_exists(report))
    fs::rename(report, real / kReport);
}

}  // namespace heed::models
