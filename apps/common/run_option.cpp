#include "apps/common/run_option.h"

#include <fmt/format.h>

#include <set>

#include "apps/common/print.h"
#include "models/run/box.h"

namespace heed::apps {

const CLI::Validator kNamesRun(
    [](std::string& text) {
      text = models::find_run(text).string();
      return std::string();
    },
    "");

NamedRun named_run(const std::string& text) {
  const size_t equals = text.find('=');
  const std::filesystem::path folder =
      models::find_run(equals == std::string::npos ? text : text.substr(equals + 1));
  if (equals != std::string::npos) return {text.substr(0, equals), folder};
  // "runs/a/" is a as well
  return {(folder.has_filename() ? folder : folder.parent_path()).filename().string(), folder};
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
