// metrics.jsonl of a run.
#include "models/run/files.h"
#include "models/run/history.h"
#include "tests/fuzz/fuzz.h"
#include "tests/testing/small_run.h"

namespace heed::fuzz::history {

void read(std::string_view bytes) {
  const std::filesystem::path folder = scratch("history");
  std::filesystem::create_directories(folder);
  put(folder / models::run_files::kMetrics, bytes);
  const models::TrainingHistory history = models::read_history(folder);
  for (size_t i = 0; i < history.records.size(); ++i) {
    require(history.records[i].update > 0, "an update is above 0");
    require(i == 0 || history.records[i].update >= history.records[i - 1].update, "updates rise");
  }
  if (history.broken_line > 0) throw FormatError("a line is no record");  // it is reported, and stops nothing
}

std::vector<std::string> seeds() {
  const TempDir folder;
  models::train_small(folder.path(), models::small_config(false), {{"a"}, {"b"}});
  return {read_file(folder / models::run_files::kMetrics)};
}

}  // namespace heed::fuzz::history
HEED_FUZZ_TARGET(history, "\"update\":", "\"epoch\":", "\"seconds\":", "\"averaged\":", "\"best\":true",
                 "\"validation_", "null", "1e999", "-1", "\n")
