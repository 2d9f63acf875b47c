#include "models/run/history.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "framework/io/file.h"
#include "models/run/files.h"
#include "models/run/folder.h"
#include "models/text/json.h"

namespace heed::models {
namespace {

std::optional<TrainingRecord> parse_record(std::string_view line) {
  const auto json = parse_json(line);
  if (!json.is_object()) return std::nullopt;
  TrainingRecord record;
  bool has_update = false;
  for (const auto& [key, value] : json.items()) {
    if (key == "best" && value.is_boolean()) record.best = value.get<bool>();
    record.validation = record.validation || key.starts_with("validation_");
    if (value.is_null() || value.is_boolean() != (key == "best")) {
      if (value.is_null()) continue;
      return std::nullopt;
    }
    if (value.is_boolean()) continue;
    if (!value.is_number()) return std::nullopt;
    if (key == "update" && value.is_number_integer()) {
      record.update = value.get<int64_t>();
      has_update = record.update > 0;
    } else if (key == "epoch" && value.is_number_integer()) {
      record.epoch = value.get<int64_t>();
    } else if (key == "seconds") {
      record.seconds = value.get<double>();
    } else if (key == "averaged" && value.is_number_integer()) {
      record.averaged = value.get<int64_t>();
    } else {
      record.values.emplace(key, value.get<double>());
    }
  }
  return has_update ? std::optional(record) : std::nullopt;
}

// Whether a line says again what `before` said, or what came before it: a resumed training began there. A
// mean of checkpoints is validated after the update that the last validation was of.
bool repeats(const TrainingRecord& record, const TrainingRecord& before) {
  if (record.update != before.update) return record.update < before.update;
  return !record.validation || (before.validation && record.averaged <= before.averaged);
}

}  // namespace

std::optional<double> TrainingRecord::value(const std::string& key) const {
  const auto found = values.find(key);
  return found == values.end() ? std::nullopt : std::optional(found->second);
}

TrainingHistory read_history(const std::filesystem::path& folder) {
  TrainingHistory history;
  const std::filesystem::path path = folder / run_files::kMetrics;
  if (!file_exists(path)) return history;
  const std::string text = read_run_file(path);
  int64_t number = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    std::optional<TrainingRecord> record = parse_record(std::string_view(text).substr(at, end - at));
    if (!record && end == std::string::npos) break;  // it is being written
    at = end == std::string::npos ? text.size() : end + 1;
    ++number;
    if (!record) {
      if (history.broken_line == 0) history.broken_line = number;
      continue;
    }
    while (!history.records.empty() && repeats(*record, history.records.back())) {
      history.records.pop_back();
      ++history.repeated;
    }
    history.records.push_back(std::move(*record));
  }
  for (size_t i = 0; i < history.records.size(); ++i) {
    if (history.records[i].validation && history.records[i].best) history.best_record = i;
  }
  return history;
}

}  // namespace heed::models
