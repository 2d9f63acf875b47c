#include "apps/translator/run_data.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "apps/common/fingerprint.h"
#include "framework/core/error.h"
#include "framework/io/file.h"
#include "models/run/folder.h"

namespace heed::apps {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFormat = "heed.data";
constexpr const char* kGive = "give --source, --target, --valid-source and --valid-target";

struct Side {
  const char* key;
  const std::string* path;
  const std::vector<std::string>* lines;
};

std::array<Side, 4> sides_of(const PairFiles& files, const models::ParallelLines& train, const models::ParallelLines& validation) {
  return {Side{"source", &files.source, &train.source}, Side{"target", &files.target, &train.target},
          Side{"valid_source", &files.valid_source, &validation.source}, Side{"valid_target", &files.valid_target, &validation.target}};
}

std::string fingerprint_of(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + '\n';
  return fingerprint(text);
}

// data.json, or nothing where there is none.
std::optional<nlohmann::json> read(const fs::path& folder) {
  const fs::path file = folder / kRunData;
  if (!file_exists(file)) return std::nullopt;
  auto known = nlohmann::json::parse(models::read_run_file(file), nullptr, /*allow_exceptions=*/false);
  bool good = known.is_object() && known.value("format", nlohmann::json()) == kFormat;
  for (const char* key : {"source", "target", "valid_source", "valid_target"}) {
    const auto side = good ? known.find(key) : known.end();
    good = good && side != known.end() && side->is_object() && side->value("path", nlohmann::json()).is_string() &&
           side->value("fingerprint", nlohmann::json()).is_string() && side->value("lines", nlohmann::json()).is_number_unsigned();
  }
  if (!good) throw FormatError(fmt::format("'{}' does not say what the run was trained on", file.string()));
  return known;
}

}  // namespace

std::string run_data(const PairFiles& files, const models::ParallelLines& train, const models::ParallelLines& validation) {
  nlohmann::ordered_json data{{"format", kFormat}};
  for (const Side& side : sides_of(files, train, validation)) {
    data[side.key] = {{"path", *side.path == "-" ? *side.path : fs::absolute(*side.path).string()},
                      {"lines", side.lines->size()},
                      {"fingerprint", fingerprint_of(*side.lines)}};
  }
  return data.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

PairFiles files_of_run(const fs::path& folder) {
  const std::optional<nlohmann::json> known = read(folder);
  if (!known) throw IoError(fmt::format("resume: '{}' does not say what it was trained on; {}", folder.string(), kGive));
  PairFiles files;
  for (const auto& [key, path] : {std::pair{"source", &files.source},
                                  {"target", &files.target},
                                  {"valid_source", &files.valid_source},
                                  {"valid_target", &files.valid_target}}) {
    *path = (*known)[key]["path"].get<std::string>();
    if (*path == "-") throw IoError(fmt::format("resume: '{}' was trained on standard input; {}", folder.string(), kGive));
  }
  return files;
}

void check_run_data(const fs::path& folder, const PairFiles& files, const models::ParallelLines& train,
                    const models::ParallelLines& validation) {
  const std::optional<nlohmann::json> known = read(folder);
  if (!known) return;
  for (const Side& side : sides_of(files, train, validation)) {
    const nlohmann::json& was = (*known)[side.key];
    const auto lines = was["lines"].get<size_t>();
    if (lines == side.lines->size() && was["fingerprint"] == fingerprint_of(*side.lines)) continue;
    throw ValueError(fmt::format(
        "resume: '{}' is not what '{}' was started with: {}", *side.path, folder.string(),
        lines == side.lines->size() ? "its lines are others" : fmt::format("{} lines, and it had {}", side.lines->size(), lines)));
  }
}

}  // namespace heed::apps
