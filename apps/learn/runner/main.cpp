// learn: the course's runner. It gives the learner a copy of an exercise, compiles and checks it, keeps how
// far the learner has come, and shows hints and solutions. It goes on to another exercise only when told to.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <optional>

#include "apps/common/environment.h"
#include "apps/common/main_guard.h"
#include "apps/common/print.h"
#include "apps/learn/runner/build.h"
#include "apps/learn/runner/course.h"
#include "framework/build_info.h"
#include "framework/core/error.h"
#include "framework/io/file.h"

namespace heed::learn {
namespace {

namespace fs = std::filesystem;
using apps::say;

struct Options {
  std::string folder = HEED_SOURCE_DIR "/learn";
  std::string exercise;  // as it was typed
  double seconds = 120;
  bool give_up = false;
};

class Learner {
 public:
  explicit Learner(const Options& options)
      : options_(options),
        exercises_(read_exercises(HEED_SOURCE_DIR "/apps/learn")),
        folder_(options.folder),
        progress_(folder_) {
    const bool known =
        std::ranges::any_of(exercises_, [&](const Exercise& e) { return e.name == progress_.current; });
    if (!known) progress_.current = exercises_.front().name;
  }

  /// What is next.
  void status() {
    const Exercise& now = current();
    give(now);
    say("heed's course: {} of {} exercises passed.\n\n", progress_.passed.size(), exercises_.size());
    if (progress_.passed.contains(now.name)) {
      say("{}. {}: passed.\n", now.number(), now.title);
      say_next(now);
      return;
    }
    say("{}. {}\n  read   {}\n  write  {}\n\n", now.number(), now.title, shown(now.folder / "lesson.md"),
        shown(answer(now)));
    say("./run learn lesson      the lesson, here\n"
        "./run learn run         compiles and checks your file; watch does so at every change of it\n"
        "./run learn hint        a hint, and a stronger one at the next call\n"
        "./run learn list        every exercise; start N (or its name) begins another one, skip goes past "
        "this one\n");
  }

  void lesson() {
    const Exercise& one = chosen();
    say("{}", read_file(one.folder / "lesson.md"));
    for (const fs::path& file : list_folder(one.folder)) {
      if (file.extension() == ".svg") say("\n(picture: {})\n", shown(file));
    }
  }

  /// Compiles and checks. Returns whether it passed.
  bool run() {
    const Exercise& one = chosen();
    give(one);
    say("{}. {}\n", one.number(), one.title);
    const fs::path scratch = folder_ / ".build" / one.name;
    const double begin = apps::steady_seconds();
    const Built built = build_answer(tools_, one.name, answer(one), scratch);
    const double compiled = apps::steady_seconds() - begin;
    if (!built.errors.empty()) {
      say("  does not compile:\n{}", built.errors);
      return false;
    }
    ::setenv("HEED_LEARN_OUTPUT", folder_.c_str(), 1);
    ::setenv("HEED_TRANSLATORS", HEED_SOURCE_DIR "/translators", 0);
    const fs::path verdict = scratch / "verdict.txt";
    std::error_code none;
    fs::remove(verdict, none);
    const Ended ended = run_shown({built.program.string(), "--verdict", verdict.string()}, options_.seconds);
    const bool checked = file_exists(verdict);
    if (checked) say("{}", read_file(verdict));
    if (ended.too_long) {
      say("  not done after {:.0f} s, and ended. Does a loop never end? (run --seconds N waits longer)\n",
          options_.seconds);
    } else if (ended.signal != 0) {
      say("  your code crashed: {}. An index outside a tensor or a pointer to nothing is the usual cause.\n",
          ::strsignal(ended.signal));
    } else if (!checked) {
      say("  your code ended the program (exit code {}) before the check was done; let the function "
          "return.\n",
          ended.code);
    } else if (ended.code == 0) {
      say("passed   ({:.1f} s to compile, {:.1f} s to run)\n\n", compiled, ended.seconds);
      progress_.passed.insert(one.name);
      progress_.save();
      say_next(one);
      return true;
    } else {
      if (!built.warning.empty()) say("  the compiler:  {}\n", built.warning);
      say("\nnot yet  ({:.1f} s to compile, {:.1f} s to run)   ./run learn hint\n", compiled, ended.seconds);
    }
    return false;
  }

  /// Runs at every change of the file, until it passes.
  void watch() {
    const Exercise& one = chosen();
    give(one);
    for (std::optional<fs::file_time_type> last;;) {
      std::error_code gone;  // an editor may be replacing it
      const fs::file_time_type now = fs::last_write_time(answer(one), gone);
      if (!gone && now != last) {
        last = now;
        if (run()) return;
        say("waits for a change of {} (Ctrl-C ends)\n\n", shown(answer(one)));
        std::fflush(stdout);
      }
      const timespec pause{0, 300'000'000};
      ::nanosleep(&pause, nullptr);
    }
  }

  void hint() {
    const Exercise& one = chosen();
    const std::vector<std::string> hints = read_hints(one);
    int& level = progress_.hints[one.name];
    level = std::min(level + 1, static_cast<int>(hints.size()));
    for (int i = 0; i < level; ++i)
      say("hint {} of {}\n{}\n\n", i + 1, hints.size(), hints[static_cast<size_t>(i)]);
    if (level == static_cast<int>(hints.size()))
      say("That was the last one; ./run learn solution --give-up opens the solution.\n");
    progress_.save();
  }

  void solution() {
    const Exercise& one = chosen();
    if (!progress_.passed.contains(one.name) && !progress_.seen.contains(one.name)) {
      if (!options_.give_up)
        throw ValueError(
            fmt::format("the solution of {} opens when yours passes, or now with --give-up", one.number()));
      progress_.seen.insert(one.name);
      progress_.save();
    }
    say("{}\n({})\n", read_file(one.solution), shown(one.solution));
  }

  void list() {
    for (const Exercise& one : exercises_) {
      const bool passed = progress_.passed.contains(one.name), seen = progress_.seen.contains(one.name);
      const char* const state = passed ? (seen ? "   passed, solution seen before" : "   passed")
                                : seen ? "   solution seen"
                                       : "";
      say("{} {:>2}  {:<9}  {:{}}{}\n", one.name == progress_.current ? ">" : " ", one.number(), one.word(),
          one.title, *state ? 38 : 0, state);
    }
  }

  void reset() {
    const Exercise& one = chosen();
    const fs::path mine = answer(one);
    if (file_exists(mine) && read_file(mine) != read_file(one.folder / "start.cpp")) {
      fs::path kept = fs::path(mine).replace_extension(".cpp.bak");
      for (int i = 2; file_exists(kept); ++i) kept.replace_extension(fmt::format(".bak{}", i));
      fs::rename(mine, kept);
      say("yours is kept as {}\n", shown(kept));
    }
    progress_.passed.erase(one.name);
    progress_.seen.erase(one.name);
    progress_.hints.erase(one.name);
    progress_.save();
    give(one);
    say("{} is as it was at the start\n", shown(mine));
  }

  void start() { go_to(chosen()); }

  void next() {
    if (!progress_.passed.contains(progress_.current))
      throw ValueError(
          fmt::format("exercise {} has not passed: ./run learn run checks it, ./run learn skip goes past it",
                      current().number()));
    const Exercise* const following = after(current());
    if (!following) return say_next(current());
    go_to(*following);
  }

  void skip() {
    const Exercise* const following = after(current());
    if (!following) throw ValueError("no other exercise is left");
    go_to(*following);
  }

 private:
  const Exercise& current() const { return named(progress_.current); }
  const Exercise& named(const std::string& name) const {
    return *std::ranges::find_if(exercises_, [&](const Exercise& e) { return e.name == name; });
  }
  // The exercise that the command names by its number or its name; else the current one.
  const Exercise& chosen() const {
    if (options_.exercise.empty()) return current();
    for (const Exercise& one : exercises_) {
      if (options_.exercise == one.number() || options_.exercise == one.name ||
          options_.exercise == one.name.substr(0, 2) || options_.exercise == one.word())
        return one;
    }
    throw ValueError(fmt::format("there is no exercise '{}' (1 to {}, or a name of ./run learn list)",
                                 apps::one_line(options_.exercise), exercises_.size()));
  }
  // The next one that has not passed, from the first on after the last; null when all have.
  const Exercise* after(const Exercise& one) const {
    const auto at = static_cast<size_t>(&one - exercises_.data());
    for (size_t step = 1; step < exercises_.size(); ++step) {
      const Exercise& other = exercises_[(at + step) % exercises_.size()];
      if (!progress_.passed.contains(other.name)) return &other;
    }
    return nullptr;
  }
  fs::path answer(const Exercise& one) const { return folder_ / (one.name + ".cpp"); }
  // The learner's copy, made when it is not there.
  void give(const Exercise& one) {
    if (file_exists(answer(one))) return;
    make_folder(folder_);
    write_file_atomically(answer(one), read_file(one.folder / "start.cpp"));
    write_file_atomically(folder_ / "compile_flags.txt",
                          fmt::format("{}\n", fmt::join(tools_.flags, "\n")));  // for editors
  }
  void go_to(const Exercise& one) {
    progress_.current = one.name;
    progress_.save();
    status();
  }
  void say_next(const Exercise& one) const {
    const Exercise* const following = after(one);
    say("./run learn solution shows ours.\n");
    if (following)
      say("./run learn next goes on to {}. {}\n", following->number(), following->title);
    else if (progress_.passed.size() == exercises_.size())
      say("All {} exercises have passed. Look at a trained translator now: ./run look \"I am a student.\"\n",
          exercises_.size());
  }
  // A path as it is typed from here.
  static std::string shown(const fs::path& path) {
    const fs::path near = path.lexically_proximate(fs::current_path());
    return near.string().starts_with("..") ? path.string() : near.string();
  }

  const Options& options_;
  std::vector<Exercise> exercises_;
  fs::path folder_;
  Progress progress_;
  Toolchain tools_ = Toolchain::read(HEED_COURSE_FILE);
};

struct CommandRow {
  const char *name, *help;
  void (*work)(Learner&, bool& failed);
  bool takes_exercise = true;
};

constexpr CommandRow kCommands[] = {
    {"lesson", "print the lesson", [](Learner& l, bool&) { l.lesson(); }},
    {"run", "compile and check your file", [](Learner& l, bool& failed) { failed = !l.run(); }},
    {"watch", "run at every change of your file, until it passes", [](Learner& l, bool&) { l.watch(); }},
    {"hint", "show a hint; at each call one more, three in all", [](Learner& l, bool&) { l.hint(); }},
    {"solution", "show our solution, once yours has passed or with --give-up",
     [](Learner& l, bool&) { l.solution(); }},
    {"reset", "begin an exercise anew; your file is kept as .cpp.bak", [](Learner& l, bool&) { l.reset(); }},
    {"start", "go to an exercise", [](Learner& l, bool&) { l.start(); }},
    {"next", "go to the next exercise that has not passed, after this one has",
     [](Learner& l, bool&) { l.next(); }, false},
    {"skip", "go past this exercise", [](Learner& l, bool&) { l.skip(); }, false},
    {"list", "show every exercise and how far you are", [](Learner& l, bool&) { l.list(); }, false},
};

}  // namespace
}  // namespace heed::learn

int main(int argc, char** argv) {
  using namespace heed;
  learn::Options options;
  CLI::App cli("A course of attention in exercises. Without a command it says what is next.", "learn");
  cli.require_subcommand(0, 1);
  cli.fallthrough();
  cli.add_option("--folder", options.folder,
                 "folder of your files and your progress (default: learn in the checkout)");
  for (const learn::CommandRow& row : learn::kCommands) {
    CLI::App* const command = cli.add_subcommand(row.name, row.help);
    if (row.takes_exercise) {
      auto* const which =
          command->add_option("exercise", options.exercise, "its number or name (default: the current one)");
      if (std::string_view(row.name) == "start") which->required();
    }
    if (std::string_view(row.name) == "solution")
      command->add_flag("--give-up", options.give_up, "open it before yours has passed");
    if (std::string_view(row.name) == "run" || std::string_view(row.name) == "watch")
      command->add_option("--seconds", options.seconds, "end your program after so long")
          ->check(CLI::PositiveNumber)
          ->capture_default_str();
  }
  cli.set_version_flag("--version", [] { return "learn of " + build_info().str(); });
  bool failed = false;
  const int code = apps::run_app("learn", cli, argc, argv, [&] {
    learn::Learner learner(options);
    for (const learn::CommandRow& row : learn::kCommands) {
      if (cli.got_subcommand(row.name)) return row.work(learner, failed);
    }
    learner.status();
  });
  return code == apps::kOk && failed ? apps::kFailed : code;
}
