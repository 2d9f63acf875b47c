#include "models/run/box.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <sstream>

#include "framework/core/error.h"
#include "framework/io/file.h"
#include "models/run/files.h"

namespace heed::models {

namespace fs = std::filesystem;

std::vector<fs::path> box_folders() {
  std::vector<fs::path> wanted;
  if (const char* const set = std::getenv("HEED_TRANSLATORS")) {
    std::istringstream folders(set);
    for (std::string folder; std::getline(folders, folder, ':');) {
      if (!folder.empty()) wanted.emplace_back(folder);
    }
  }
  std::error_code error;
  const fs::path bin = fs::read_symlink("/proc/self/exe", error).parent_path();
  if (!error) {
    wanted.push_back(bin.parent_path() / "share/heed/translators");
    wanted.push_back(bin.parent_path().parent_path().parent_path() /
                     "translators");  // SOURCE/build/PRESET/bin
  }
  wanted.emplace_back(HEED_TRANSLATORS_DIR);
  std::vector<fs::path> there;
  for (const fs::path& folder : wanted) {
    if (fs::is_directory(folder, error) && std::ranges::find(there, folder) == there.end())
      there.push_back(folder);
  }
  return there;
}

std::vector<fs::path> box_runs() {
  std::map<std::string, fs::path> runs;
  for (const fs::path& folder : box_folders()) {
    for (const fs::path& run : list_folder(folder)) {
      if (is_run_folder(run)) runs.emplace(run.filename().string(), run);
    }
  }
  std::vector<fs::path> paths;
  for (const auto& [name, path] : runs) paths.push_back(path);
  return paths;
}

fs::path find_run(const std::string& name) {
  std::error_code error;
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos ||
      fs::exists(name, error))
    return name;
  for (const fs::path& folder : box_folders()) {
    if (is_run_folder(folder / name)) return folder / name;
  }
  return name;
}

std::string name_of_run(const fs::path& run) {
  return (run.has_filename() ? run : run.parent_path()).filename().string();
}

void require_run(const fs::path& folder) {
  if (fs::is_directory(folder)) return;
  if (file_exists(folder)) throw IoError(fmt::format("'{}' is not a run folder", folder.string()));
  std::vector<std::string> names;
  if (!folder.has_parent_path()) {  // it may have been meant as a name
    for (const fs::path& run : box_runs()) names.push_back(run.filename().string());
  }
  throw IoError(fmt::format("there is no run '{}'{}", folder.string(),
                            names.empty() ? "" : fmt::format(" (the box has {})", fmt::join(names, ", "))));
}

}  // namespace heed::models
