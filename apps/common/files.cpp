#include "apps/common/files.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "apps/common/print.h"
#include "framework/core/error.h"
#include "models/run/files.h"

namespace heed::apps {
namespace {

namespace fs = std::filesystem;

// As the system sees it, or as it would be named once it exists.
fs::path real(const fs::path& path) {
  std::error_code error;
  fs::path target = fs::absolute(path, error);
  // also one that points at nothing yet
  for (int hops = 0; hops < 16 && fs::is_symlink(target, error); ++hops) {
    target = target.parent_path() / fs::read_symlink(target, error);
  }
  const fs::path found = fs::weakly_canonical(target, error);
  return error ? path : found;
}

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

// What is written on and not replaced: a device, a pipe, a stream of the process.
bool is_device(const fs::path& path) {
  std::error_code error;
  if (path == "/dev/stdout" || path == "/dev/stderr") return true;
  return fs::exists(path, error) && !fs::is_regular_file(path, error) && !fs::is_directory(path, error);
}

bool same_file(const fs::path& a, const fs::path& b) {
  std::error_code error;
  if (is_device(a) || is_device(b)) return false;
  return fs::equivalent(a, b, error) || real(a) == real(b);
}

// Whether something there is the folder or lies in it.
bool is_within(const fs::path& path, const fs::path& folder) {
  if (same_file(path, folder)) return true;
  const fs::path inner = real(path), outer = real(folder);
  return std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end()).first == outer.end();
}

// "standard input" for "-".
NamedPath resolved(const NamedPath& input) {
  return input.path == "-" ? NamedPath{"standard input", "/dev/stdin"} : input;
}

[[noreturn]] void refuse(const NamedPath& file, const std::string& why) {
  throw IoError(fmt::format("{}: '{}' {}", file.option, file.path, why));
}

void require_permission(const NamedPath& file, const fs::path& path, int mode) {
  if (::access(path.c_str(), mode) != 0)
    throw IoError(fmt::format("{}: cannot write '{}': {}", file.option, file.path, std::strerror(errno)));
}

void require_writable(const NamedPath& file, const std::vector<NamedPath>& new_folders) {
  const fs::path path = file.path;
  std::error_code error;
  if (fs::is_directory(path, error) || !path.has_filename()) refuse(file, "is a directory, not a file");
  if (fs::exists(path, error)) require_permission(file, path, W_OK);
  if (is_device(path)) return;
  const fs::path folder = folder_of(real(path));
  for (const NamedPath& made : new_folders) {
    if (!fs::exists(folder, error) && real(made.path) == folder) return;
  }
  // the dot: a file in the place of the folder is an error
  require_permission(file, folder / ".", W_OK | X_OK);
}

void require_no_input(const NamedPath& output, const std::vector<NamedPath>& inputs) {
  for (const NamedPath& given : inputs) {
    const NamedPath input = resolved(given);
    if (!input.path.empty() && same_file(output.path, input.path))
      refuse(output, fmt::format("is also an input ({})", input.option));
  }
}

void require_folder(const NamedPath& folder) {
  std::error_code error;
  fs::path path = real(folder.path);
  if (fs::exists(path, error) && !fs::is_directory(path, error)) refuse(folder, "is a file, not a folder");
  while (!fs::exists(path, error) && path.has_relative_path()) path = path.parent_path();
  require_permission(folder, path / ".", W_OK | X_OK);
}

}  // namespace

void check_files(const Files& files) {
  const auto in_run = [&](const NamedPath& file, bool any_run) {
    const fs::path path = real(file.path);
    const std::string name = path.filename().string();
    if (!models::is_run_file(name)) return false;
    const auto holds = [&](const std::string& run) { return same_file(path.parent_path(), run); };
    return std::any_of(files.runs.begin(), files.runs.end(), holds) ||
           (any_run && models::is_run_folder(path.parent_path()));
  };
  for (const NamedPath& folder : files.new_folders) {
    require_folder(folder);
    for (const NamedPath& source : files.sources) {
      if (source.path.empty() || source.path == "-" || is_device(source.path)) continue;
      if (same_file(folder.path, source.path))
        refuse(folder, fmt::format("is also what it is made from ({})", source.option));
      if (is_within(source.path, folder.path))
        refuse(folder, fmt::format("holds what it is made from ({} '{}')", source.option, source.path));
    }
  }
  const NamedPath* on_standard_input = nullptr;
  for (const NamedPath& input : files.inputs) {
    if (input.path == "-" || input.path == "/dev/stdin") {
      if (on_standard_input)
        refuse(input, fmt::format("is standard input, which is also that of {}", on_standard_input->option));
      on_standard_input = &input;
    }
    if (!input.path.empty() && !files.new_folders.empty() && in_run(input, /*any_run=*/false))
      refuse(input, "is a file of the run that is to be written");
  }
  for (const NamedPath& output : files.run_outputs) {
    require_writable(output, {});
    require_permission(output, folder_of(real(output.path)) / ".", W_OK | X_OK);
    require_no_input(output, files.inputs);
  }
  const NamedPath* on_standard_output = nullptr;
  for (size_t i = 0; i < files.outputs.size(); ++i) {
    const NamedPath& output = files.outputs[i];
    if (output.path == "-" || output.path == "/dev/stdout") {
      if (on_standard_output)
        refuse(output,
               fmt::format("is standard output, which is also that of {}", on_standard_output->option));
      on_standard_output = &output;
      if (output.path == "-") reserve_standard_output();
    }
    if (output.path.empty() || output.path == "-" || output.path == "/dev/stdout") continue;
    require_writable(output, files.new_folders);
    if (in_run(output, /*any_run=*/true)) refuse(output, "is a file of a run");
    for (const NamedPath& folder : files.new_folders) {
      if (same_file(output.path, folder.path))
        refuse(output, fmt::format("is also the folder to write ({})", folder.option));
    }
    require_no_input(output, files.inputs);
    for (size_t j = 0; j < i; ++j) {
      const NamedPath& other = files.outputs[j];
      if (!other.path.empty() && same_file(output.path, other.path))
        refuse(output, fmt::format("is also an output ({})", other.option));
    }
  }
}

void require_outside_corpus(const std::string& folder, const std::vector<NamedPath>& paths) {
  for (const auto& [option, path] : paths) {
    if (!path.empty() && fs::weakly_canonical(path).parent_path() == fs::weakly_canonical(folder))
      throw IoError(
          fmt::format("{}: '{}' lies in the corpus folder, which holds its own files alone", option, path));
  }
}

}  // namespace heed::apps
