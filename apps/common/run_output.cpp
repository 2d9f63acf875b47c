#include "apps/common/run_output.h"

#include <fmt/format.h>

#include <array>
#include <vector>

#include "framework/core/error.h"
#include "framework/io/file.h"

namespace heed::apps {
namespace {

constexpr std::array<const char*, 9> kRunFiles = {"config.toml",       "source.vocab",      "target.vocab",  "source.spm", "target.spm",
                                                  "model.safetensors", "state.safetensors", "metrics.jsonl", "report.json"};

bool is_run_file(const std::string& name) {
  for (const char* known : kRunFiles) {
    if (name == known || name.starts_with(std::string(known) + ".tmp")) return true;
  }
  return name.starts_with("checkpoint-") && name.find(".safetensors") != std::string::npos;
}

}  // namespace

void make_run_folder(const std::filesystem::path& folder, bool overwrite) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (fs::exists(folder, error)) {
    if (!overwrite) {
      throw IoError(fmt::format("'{}' exists already (--resume goes on with it, --overwrite replaces it)", folder.string()));
    }
    if (!fs::is_directory(folder)) throw IoError(fmt::format("'{}' is not a folder", folder.string()));
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (!is_run_file(entry.path().filename().string())) {
        throw IoError(fmt::format("'{}' holds '{}', which is not a file of a run; it is left alone", folder.string(),
                                  entry.path().filename().string()));
      }
    }
    std::vector<fs::path> old;  // with the temporaries of a writer that was killed
    for (const auto& entry : fs::directory_iterator(folder)) old.push_back(entry.path());
    for (const fs::path& path : old) fs::remove(path, error);
  }
  fs::create_directories(folder, error);
  if (error) throw IoError(fmt::format("cannot make the folder '{}': {}", folder.string(), error.message()));
}

void write_json(const std::string& path, const nlohmann::ordered_json& report) {
  if (!path.empty()) write_file_atomically(path, report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

}  // namespace heed::apps
