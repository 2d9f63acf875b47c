#include "apps/common/run_output.h"

#include <fmt/format.h>

#include <vector>

#include "apps/common/files.h"
#include "framework/core/error.h"
#include "framework/io/file.h"

namespace heed::apps {
namespace fs = std::filesystem;

void check_run_folder(const fs::path& folder, bool overwrite) {
  if (!fs::exists(folder)) return;
  if (!fs::is_directory(folder)) throw IoError(fmt::format("'{}' is not a folder", folder.string()));
  if (!overwrite) {
    throw IoError(fmt::format("'{}' exists already (--resume goes on with it, --overwrite replaces it)", folder.string()));
  }
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!is_run_file(entry.path().filename().string())) {
      throw IoError(fmt::format("'{}' holds '{}', which is not a file of a run; it is left alone", folder.string(),
                                entry.path().filename().string()));
    }
  }
}

void make_run_folder(const fs::path& folder, bool overwrite) {
  check_run_folder(folder, overwrite);
  std::error_code error;
  if (fs::exists(folder)) {
    std::vector<fs::path> old;  // with the temporaries of a writer that was killed
    for (const auto& entry : fs::directory_iterator(folder)) old.push_back(entry.path());
    for (const fs::path& path : old) fs::remove(path, error);
  }
  fs::create_directories(folder, error);
  if (error) throw IoError(fmt::format("cannot make the folder '{}': {}", folder.string(), error.message()));
}

void write_output(const std::string& path, std::string_view text) { write_file_atomically(path == "-" ? "/dev/stdout" : path, text); }

std::string input_path(const std::string& path) { return path == "-" ? "/dev/stdin" : path; }

void write_json(const std::string& path, const nlohmann::ordered_json& report) {
  if (!path.empty()) write_output(path, report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

}  // namespace heed::apps
