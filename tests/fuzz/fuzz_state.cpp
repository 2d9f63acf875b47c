// The state of a training.
#include "models/run/files.h"
#include "models/training/checkpoint.h"
#include "tests/fuzz/fuzz.h"
#include "tests/testing/small_run.h"

namespace heed::fuzz::state {

void read(std::string_view bytes) {
  SafetensorsFile file = parse_safetensors(bytes, "state");
  const models::TrainingState read = models::take_state(file, 1000, "state");
  models::weights_of(file);
  models::to_tensors(read);
}

std::vector<std::string> seeds() {
  std::vector<std::string> all;
  for (const bool transformer : {false, true}) {
    const TempDir folder;
    models::train_small(folder.path(), models::small_config(transformer), {{"a"}, {"b"}});
    all.push_back(read_file(folder / models::run_files::kState));
  }
  return all;
}

}  // namespace heed::fuzz::state
HEED_FUZZ_TARGET(state, "training.update", "training.epoch", "weights.", "F64", "I64", "version")
