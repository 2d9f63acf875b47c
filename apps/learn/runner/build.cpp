#include "apps/learn/runner/build.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <functional>
#include <sstream>

#include "apps/common/environment.h"
#include "apps/common/print.h"
#include "framework/core/error.h"
#include "framework/io/file.h"

namespace heed::learn {

namespace fs = std::filesystem;

namespace {

// The first errors of a compiler in a file: each with its place and, for the first, the line it is about.
// Those in other files come of these.
std::string first_errors(const std::string& output, const std::string& source) {
  std::istringstream lines(output);
  std::string errors;
  int found = 0, context = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.find("error: ") != std::string::npos) {
      const size_t path = line.find(source);
      context = 0;
      if (path == std::string::npos) continue;
      if (++found > 3) break;
      if (found == 1) context = 2;
      errors += "  " + fs::path(source).filename().string() + line.substr(path + source.size()) + "\n";
    } else if (context > 0 && found == 1) {
      --context;
      errors += "  " + line + "\n";
    }
  }
  return errors.empty() ? output.substr(0, 1000) : errors;
}

// The first warning of a compiler in a file, a line with its place; "" without one.
std::string first_warning(const std::string& output, const std::string& source) {
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(source) && line.find("warning: ") != std::string::npos)
      return fs::path(source).filename().string() + line.substr(source.size());
  }
  return "";
}

// "undefined reference to `look_up(heed::Tensor const&)'" -> what the check calls
std::string link_errors(const std::string& output) {
  const std::string mark = "undefined reference to `";
  const size_t at = output.find(mark);
  if (at == std::string::npos) return output.substr(0, 1000);
  const size_t begin = at + mark.size(), end = output.find('\'', begin);
  return "  nothing in the file is " + output.substr(begin, end - begin) +
         "\n  The check calls it: keep the name and the arguments as start.cpp has them (./run learn reset "
         "gives it back).\n";
}

// Starts a program.
// @param output what it writes to both streams to; -1: where this program writes
pid_t start(const std::vector<std::string>& arguments, int output) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  std::fflush(nullptr);  // what was said before stands before what the program says
  const pid_t child = fork();
  if (child < 0) throw IoError(fmt::format("cannot start '{}': {}", arguments[0], std::strerror(errno)));
  if (child > 0) return child;
  if (output >= 0) {
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
  }
  execvp(argv[0], argv.data());
  dprintf(STDERR_FILENO, "cannot start %s: %s\n", argv[0], std::strerror(errno));
  _exit(127);
}

// Waits for a child, and calls a function again and again meanwhile.
Ended wait_for(pid_t child, double limit, const std::function<void()>& meanwhile) {
  const double begin = apps::steady_seconds();
  Ended ended;
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) {
    meanwhile();
    const timespec pause{0, 10'000'000};
    nanosleep(&pause, nullptr);
    if (limit > 0 && apps::steady_seconds() - begin > limit && !ended.too_long) {
      ended.too_long = true;
      kill(child, SIGKILL);
    }
  }
  ended.seconds = apps::steady_seconds() - begin;
  ended.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  ended.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  return ended;
}

}  // namespace

Toolchain Toolchain::read(const fs::path& file) {
  Toolchain tools;
  std::istringstream lines(read_file(file));
  for (std::string line; std::getline(lines, line);) {
    const size_t space = line.find(' ');
    if (space == std::string::npos) continue;
    const std::string key = line.substr(0, space), value = line.substr(space + 1);
    if (key == "compiler") tools.compiler = value;
    if (key == "library") tools.library = value;
    if (key == "format") tools.format = value;
    if (key == "object") tools.objects.emplace_back(value);
    if (key == "flags") {
      std::istringstream flags(value);
      for (std::string flag; flags >> flag;) tools.flags.push_back(flag);
    }
  }
  tools.flags.emplace_back("-I" HEED_SOURCE_DIR);
  tools.flags.emplace_back("-I" HEED_SOURCE_DIR "/apps/learn/exercises");
  if (tools.compiler.empty() || tools.library.empty())
    throw FormatError("'" + file.string() + "' names no compiler or no library");
  return tools;
}

fs::path Toolchain::object_of(const std::string& exercise) const {
  for (const fs::path& object : objects) {
    if (object.filename().string().starts_with(exercise + ".")) return object;
  }
  throw ValueError("the build has no check of " + exercise + ": ./run learn builds it");
}

Ended run_program(const std::vector<std::string>& arguments, const fs::path& output, double limit) {
  const int file = output.empty() ? -1 : open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  const pid_t child = start(arguments, file);
  if (file >= 0) close(file);
  return wait_for(child, limit, [] {});
}

Ended run_shown(const std::vector<std::string>& arguments, double limit, size_t most) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw IoError(fmt::format("cannot make a pipe: {}", std::strerror(errno)));
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  const pid_t child = start(arguments, ends[1]);
  close(ends[1]);
  constexpr size_t kTail = 4000;
  size_t total = 0, hidden = 0;
  char last = '\n', buffer[1 << 16];
  std::string tail;  // the end of what is not shown at once: a check's notes stand there
  const auto pass_on = [&] {
    // a program that always writes is ended at its limit all the same
    for (int turn = 0; turn < 16; ++turn) {
      const ssize_t got = read(ends[0], buffer, sizeof buffer);
      if (got <= 0) return;
      const std::string_view text(buffer, static_cast<size_t>(got));
      size_t shown = hidden > 0 ? 0 : std::min(text.size(), most - std::min(most, total));
      if (shown < text.size()) shown = text.substr(0, shown).rfind('\n') + 1;  // whole lines
      apps::write_out(text.substr(0, shown));
      std::fflush(stdout);
      if (shown > 0) last = text[shown - 1];
      total += text.size();
      hidden += text.size() - shown;
      tail += text.substr(shown);
      if (tail.size() > 16 * kTail) tail.erase(0, tail.size() - kTail);
    }
  };
  const Ended ended = wait_for(child, limit, pass_on);
  pass_on();
  close(ends[0]);
  if (last != '\n') apps::say("\n");
  if (hidden > 0) {
    if (tail.size() > kTail) tail.erase(0, tail.size() - kTail);
    const size_t line = tail.size() < hidden ? tail.find('\n') : std::string::npos;
    if (line != std::string::npos) tail.erase(0, line + 1);
    if (tail.size() < hidden) apps::say("  ({} bytes are left out)\n", hidden - tail.size());
    apps::write_out(tail);
    if (!tail.ends_with('\n')) apps::say("\n");
  }
  return ended;
}

Built build_answer(const Toolchain& tools, const std::string& exercise, const fs::path& source,
                   const fs::path& scratch) {
  make_folder(scratch);
  const fs::path object = scratch / "answer.o", log = scratch / "compiler.txt";
  Built built{scratch / "check", "", ""};
  std::vector<std::string> compile{"env", "LC_ALL=C", tools.compiler};  // messages that are read here
  compile.insert(compile.end(), tools.flags.begin(), tools.flags.end());
  for (const char* more : {"-fdiagnostics-color=never", "-fno-diagnostics-show-option", "-c"})
    compile.emplace_back(more);
  compile.insert(compile.end(), {source.string(), "-o", object.string()});
  std::error_code none;
  fs::remove(built.program, none);  // of the file before this one
  if (run_program(compile, log, 120).code != 0) {
    built.errors = first_errors(read_file(log), source.string());
    if (built.errors.empty()) built.errors = "the compiler did not end within 120 s";
    return built;
  }
  built.warning = first_warning(read_file(log), source.string());
  const std::vector<std::string> link{"env",
                                      "LC_ALL=C",
                                      tools.compiler,
                                      object.string(),
                                      tools.object_of(exercise).string(),
                                      tools.library.string(),
                                      tools.format.string(),
                                      "-Wl,-rpath," + tools.library.parent_path().string(),
                                      "-o",
                                      built.program.string()};
  if (run_program(link, log, 120).code != 0) {
    built.errors = link_errors(read_file(log));
    if (built.errors.empty()) built.errors = "the linker did not end within 120 s";
  }
  return built;
}

}  // namespace heed::learn
