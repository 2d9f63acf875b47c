#include "apps/common/run_option.h"

#include "models/run/box.h"

namespace heed::apps {

const CLI::Validator kNamesRun(
    [](std::string& text) {
      text = models::find_run(text).string();
      return std::string();
    },
    "");

}  // namespace heed::apps
