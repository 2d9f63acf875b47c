#include "models/run/data.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "framework/core/error.h"
#include "framework/io/file.h"
#include "models/run/files.h"
#include "models/run/folder.h"
#include "models/text/counted.h"
#include "models/text/fingerprint.h"
#include "models/text/json.h"

namespace heed::models {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDataFormat = "heed.data";

struct Side {
  const char *key, *what;
  const std::string* path;
  const LinesMark* lines;
};

std::array<Side, 4> sides_of(const PairFiles& files, const DataMarks& marks) {
  return {Side{"source", "the training source", &files.source, &marks.source},
          Side{"target", "the training target", &files.target, &marks.target},
          Side{"valid_source", "the validation source", &files.valid_source, &marks.valid_source},
          Side{"valid_target", "the validation target", &files.valid_target, &marks.valid_target}};
}

LinesMark mark_of(const std::vector<std::string>& lines) {
  Fingerprint mark;
  for (const std::string& line : lines) {
    mark.add(line);
    mark.add("\n");
  }
  return {lines.size(), mark.str()};
}

nlohmann::ordered_json path_json(const std::string& path) {
  if (path.empty()) return nullptr;
  return fs::is_regular_file(path) ? fs::absolute(path).string()
                                   : "-";  // a pipe is gone when the run resumes
}

// data.json, or nothing where there is none.
std::optional<nlohmann::json> read(const fs::path& folder) {
  const fs::path file = folder / run_files::kData;
  if (!file_exists(file)) return std::nullopt;
  auto known = parse_json(read_run_file(file));
  bool good = known.is_object() && known.value("format", nlohmann::json()) == kDataFormat;
  for (const char* key : {"source", "target", "valid_source", "valid_target"}) {
    const auto side = good ? known.find(key) : known.end();
    good = good && side != known.end() && side->is_object() && side->contains("path") &&
           ((*side)["path"].is_string() || (*side)["path"].is_null()) &&
           side->value("fingerprint", nlohmann::json()).is_string() &&
           side->value("lines", nlohmann::json()).is_number_unsigned();
  }
  for (const char* key : {"licence", "attribution"})
    good = good && (!known.contains(key) || known[key].is_string());
  if (!good) throw FormatError(fmt::format("'{}' does not say what the run was trained on", file.string()));
  return known;
}

}  // namespace

DataMarks marks_of(const ParallelLines& train, const ParallelLines& validation) {
  return {mark_of(train.source), mark_of(train.target), mark_of(validation.source),
          mark_of(validation.target)};
}

std::string run_data(const PairFiles& files, const DataMarks& marks) {
  nlohmann::ordered_json data{{"format", kDataFormat}};
  for (const Side& side : sides_of(files, marks)) {
    data[side.key] = {{"path", path_json(*side.path)},
                      {"lines", side.lines->lines},
                      {"fingerprint", side.lines->fingerprint}};
  }
  if (!files.licence.empty()) data["licence"] = files.licence;
  if (!files.attribution.empty()) data["attribution"] = files.attribution;
  return data.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::optional<PairFiles> files_of_run(const fs::path& folder) {
  const std::optional<nlohmann::json> known = read(folder);
  if (!known) return std::nullopt;
  const auto path = [&](const char* key) {
    const nlohmann::json& value = (*known)[key]["path"];
    return value.is_string() ? value.get<std::string>() : std::string();
  };
  return PairFiles{path("source"),
                   path("target"),
                   path("valid_source"),
                   path("valid_target"),
                   known->value("licence", ""),
                   known->value("attribution", "")};
}

std::string run_data_to_pass_on(const fs::path& folder) {
  const std::optional<nlohmann::json> known = read(folder);
  if (!known) return "";
  nlohmann::ordered_json data{{"format", kDataFormat}};
  for (const Side& side : sides_of({}, {})) {
    nlohmann::ordered_json& about = data[side.key];
    about = (*known)[side.key];
    if (about["path"].is_string())
      about["path"] = fs::path(about["path"].get<std::string>()).filename().string();
  }
  for (const char* key : {"licence", "attribution"}) {
    if (known->contains(key)) data[key] = (*known)[key];
  }
  return data.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

void check_run_data(const fs::path& folder, const PairFiles& files, const DataMarks& marks) {
  std::optional<nlohmann::json> known;
  try {
    known = read(folder);
  } catch (const FormatError&) {  // damaged: the number of pairs in the state is the only check
  }
  if (!known) return;
  for (const Side& side : sides_of(files, marks)) {
    const nlohmann::json& was = (*known)[side.key];
    const auto lines = was["lines"].get<uint64_t>();
    const std::string &mark = side.lines->fingerprint, old = was["fingerprint"].get<std::string>();
    if (lines == side.lines->lines && old == mark) continue;
    const std::string name = side.path->empty() ? std::string(side.what) : fmt::format("'{}'", *side.path);
    throw ValueError("resume", fmt::format("{} is not what '{}' was started with: {}", name, folder.string(),
                                           lines == side.lines->lines
                                               ? fmt::format("its lines are others, with the fingerprint {}, "
                                                             "and those had {}",
                                                             mark, old)
                                               : fmt::format("{}, and it had {}",
                                                             counted(side.lines->lines, "line"), lines)));
  }
}

}  // namespace heed::models
