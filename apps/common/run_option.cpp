#include "apps/common/run_option.h"

#include <fmt/format.h>

#include <set>

#include "apps/common/print.h"
#include "models/run/box.h"

namespace heed::apps {
namespace {

NamedRun named_run(const std::string& text) {
  std::error_code error;
  const size_t equals = std::filesystem::is_directory(text, error) ? std::string::npos : text.find('=');
  if (equals != std::string::npos) return {text.substr(0, equals), models::find_run(text.substr(equals + 1))};
  return {models::name_of_run(text), models::find_run(text)};
}

}  // namespace

const CLI::Validator kNamesRun(
    [](std::string& text) {
      text = models::find_run(text).string();
      return std::string();
    },
    "");

CLI::Option* add_runs_option(CLI::App& cli, std::vector<std::string>& runs, const std::string& what) {
  return cli.add_option("-r,--run", runs, what)->take_all()->allow_extra_args(false)->transform(kNamesRun);
}

std::vector<NamedRun> named_runs(const std::string& option, const std::vector<std::string>& texts) {
  const auto refuse = [&](const std::string& why) { throw CLI::ValidationError(option, why); };
  std::vector<NamedRun> runs;
  std::set<std::string> names;
  for (const std::string& text : texts) {
    NamedRun run = named_run(text);
    if (run.folder.empty()) refuse(fmt::format("'{}' names no folder", text));
    if (run.name.empty() || printable(run.name) != run.name || run.name.find('\n') != std::string::npos)
      refuse(fmt::format("'{}' is no name for a table; name the run: NAME=FOLDER", run.name));
    if (!names.insert(run.name).second)
      refuse(fmt::format("two runs are called {}; name them: NAME=FOLDER", run.name));
    runs.push_back(std::move(run));
  }
  return runs;
}

}  // namespace heed::apps
