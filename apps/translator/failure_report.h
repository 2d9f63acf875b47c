// What models::find_failures found, for a terminal and as a file.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "apps/translator/experiment/table.h"
#include "models/evaluation/failures.h"

namespace heed::apps {

/// A run's failures.
struct RunFailures {
  std::string name;
  const models::Evaluation* evaluation;
  models::Failures failures;
};
/// Failures of several runs on the same sentences, side by side.
struct FailureReport {
  std::span<const std::string> sources;
  std::vector<RunFailures> runs;  // at least one
};

/// Throws CLI::ValidationError unless a report can be written to the path: .html, .md or .json, or "-"
/// (Markdown).
void check_failure_report(const std::string& path);

/// A row a kind of failure that a run has cases of, a column a run.
Table failure_rates_table(const FailureReport& report);

/// Notes, rates and preferred words of a run, with their examples.
nlohmann::ordered_json failures_json(const FailureReport& report, const RunFailures& run);

/// Rates with intervals, and where examples are.
std::string failures_text(const FailureReport& report);

/// Writes rates and examples with their sentences, in the format of the path's extension. Throws IoError.
void write_failure_report(const std::string& path, const FailureReport& report);

}  // namespace heed::apps
