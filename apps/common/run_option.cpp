#include "apps/common/run_option.h"

#include "models/run/box.h"

namespace heed::apps {

const CLI::Validator kNamesRun(
    [](std::string& text) {
      text = models::find_run(text).string();
      return std::string();
    },
    "");

CLI::Option* add_runs_option(CLI::App& cli, std::vector<std::string>& runs, const std::string& what) {
  return cli.add_option("-r,--run", runs, what)->take_all()->allow_extra_args(false)->transform(kNamesRun);
}

}  // namespace heed::apps
