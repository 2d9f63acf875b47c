#include "apps/learn/runner/course.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "framework/core/error.h"
#include "framework/io/file.h"

namespace heed::learn {

namespace fs = std::filesystem;

std::string Exercise::number() const { return std::to_string(std::stoi(name.substr(0, 2))); }
std::string Exercise::word() const { return name.substr(3); }

std::vector<Exercise> read_exercises(const fs::path& source) {
  std::vector<Exercise> exercises;
  for (const fs::path& folder : list_folder(source / "exercises")) {
    Exercise exercise{folder.filename().string(), "", folder,
                      source / "solutions" / (folder.filename().string() + ".cpp")};
    std::istringstream lesson(read_file(folder / "lesson.md"));
    std::getline(lesson, exercise.title);
    if (!exercise.title.starts_with("# "))
      throw FormatError("'" + (folder / "lesson.md").string() + "' does not begin with a title");
    exercise.title.erase(0, 2);
    exercises.push_back(std::move(exercise));
  }
  std::ranges::sort(exercises, {}, &Exercise::name);
  return exercises;
}

std::vector<std::string> read_hints(const Exercise& exercise) {
  std::istringstream lines(read_file(exercise.folder / "hints.txt"));
  std::vector<std::string> hints;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("## "))
      hints.emplace_back();
    else if (!hints.empty())
      hints.back() += line + "\n";
  }
  if (hints.size() != 3)
    throw FormatError("'" + (exercise.folder / "hints.txt").string() + "' has not three hints");
  for (std::string& hint : hints) {
    hint.erase(0, hint.find_first_not_of('\n'));
    hint.erase(hint.find_last_not_of('\n') + 1);
  }
  return hints;
}

Progress::Progress(fs::path folder) : file_(std::move(folder) / "progress.json") {
  if (!file_exists(file_)) return;
  const auto json = nlohmann::json::parse(read_file(file_), nullptr, /*allow_exceptions=*/false);
  try {
    if (!json.is_object() || json.at("format") != "heed.learn") throw FormatError("another format");
    current = json.at("current");
    passed = json.at("passed").get<std::set<std::string>>();
    seen = json.at("seen").get<std::set<std::string>>();
    hints = json.at("hints").get<std::map<std::string, int>>();
  } catch (const std::exception&) {
    throw FormatError(
        "'" + file_.string() +
        "' is not what this program wrote; without it the course begins anew, your answers stay");
  }
}

void Progress::save() const {
  make_folder(file_.parent_path());
  const nlohmann::ordered_json json{
      {"format", "heed.learn"}, {"current", current}, {"passed", passed}, {"seen", seen}, {"hints", hints}};
  write_file_atomically(file_, json.dump(1) + "\n");
}

}  // namespace heed::learn
