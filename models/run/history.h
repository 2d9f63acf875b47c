// The history of a training as its run folder tells it: the reports and validations in metrics.jsonl.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace heed::models {

/// A report of the training loop, or a validation: a line of metrics.jsonl.
struct TrainingRecord {
  int64_t update = 0;  // after so many updates
  int64_t epoch = 0;   // epochs completed
  double seconds = 0;  // time spent in updates so far
  /// Values by their keys in the file, such as "loss", "lr", "validation_bleu"; one that was null is absent.
  std::map<std::string, double> values;
  bool validation = false;  // whether it is a validation
  bool best = false;        // of a validation: whether its weights were the best so far
  int64_t averaged = 0;  // of a validation: number of checkpoints that the weights are the mean of; 0: none

  /// @param key key of a value
  /// @return the value, or nullopt
  std::optional<double> value(const std::string& key) const;
};

/// All records of a run.
struct TrainingHistory {
  std::vector<TrainingRecord> records;  // updates rise; a validation stands behind the report of its update
  int64_t broken_line = 0;  // the first line that is no record, from 1; such lines are left out; 0: none
  int64_t repeated = 0;     // records left out because a later line begins again at or before their update
  std::optional<size_t> best_record;  // index of the validation whose weights are the run's

  /// @return the validation whose weights are the run's, or null
  const TrainingRecord* best() const { return best_record ? &records[*best_record] : nullptr; }
};

/// Reads the history of a run. What a resumed training reports again takes the place of what was reported
/// before; a last line without its end is left out unless it is whole, since it may be being written.
/// @param folder folder of the run
/// @return its records; none for a run without reports, as an imported one is
/// @throws IoError for a file that cannot be read
TrainingHistory read_history(const std::filesystem::path& folder);

}  // namespace heed::models
