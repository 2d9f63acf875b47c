// config.toml of a run.
#include "models/run/options.h"
#include "tests/fuzz/fuzz.h"
#include "tests/testing/small_run.h"

namespace heed::fuzz::config {

void read(std::string_view bytes) {
  const models::RunConfig config = models::parse_run_config(std::string(bytes), "config.toml");
  require(models::parse_run_config(models::to_toml(config), "again") == config, "written and read again");
}

std::vector<std::string> seeds() {
  std::vector<std::string> all;
  for (const bool transformer : {false, true})
    all.push_back(models::to_toml(models::small_config(transformer)));
  for (const auto* const architecture : models::architectures()) {
    models::RunConfig config;
    config.model = models::ModelConfig(*architecture);
    all.push_back(models::to_toml(config));
  }
  return all;
}

}  // namespace heed::fuzz::config
HEED_FUZZ_TARGET(config, "[model]", "[train]", "[source_text]", "[target_text]", "[rules]", "heed.run",
                 "version = 1", "true", "nan", "inf", "1e308", "'''", "\"\"\"", "a.b.c", "[[", "{a={",
                 "1979-05-27", "\\u0041", "#", "9223372036854775807", "transformer", "recurrent",
                 "convolutional")
