#include "apps/learn/runner/build.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <sstream>

#include "apps/common/environment.h"
#include "framework/core/error.h"
#include "framework/io/file.h"

namespace heed::learn {

namespace fs = std::filesystem;

namespace {

// The first errors of a compiler: each with its place and, for the first, the line it is about.
std::string first_errors(const std::string& output, const std::string& source) {
  std::istringstream lines(output);
  std::string errors;
  int found = 0, context = 0;
  for (std::string line; std::getline(lines, line);) {
    const size_t at = line.find("error: ");
    if (at != std::string::npos) {
      if (++found > 3) break;
      context = found == 1 ? 2 : 0;
      const size_t path = line.find(source);
      if (path != std::string::npos)
        line = fs::path(source).filename().string() + line.substr(path + source.size());
      errors += "  " + line + "\n";
    } else if (context > 0 && found == 1) {
      --context;
      errors += "  " + line + "\n";
    }
  }
  return errors.empty() ? output.substr(0, 1000) : errors;
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
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const double begin = apps::steady_seconds();
  std::fflush(nullptr);  // what was said before stands before what the program says
  const pid_t child = fork();
  if (child < 0) throw IoError(fmt::format("cannot start '{}': {}", arguments[0], std::strerror(errno)));
  if (child == 0) {
    if (!output.empty()) {
      const int file = open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
      dup2(file, STDOUT_FILENO);
      dup2(file, STDERR_FILENO);
    }
    execvp(argv[0], argv.data());
    dprintf(STDERR_FILENO, "cannot start %s: %s\n", argv[0], std::strerror(errno));
    _exit(127);
  }
  Ended ended;
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) {
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

fs::path build_answer(const Toolchain& tools, const std::string& exercise, const fs::path& source,
                      const fs::path& scratch, std::string& errors) {
  make_folder(scratch);
  const fs::path object = scratch / "answer.o", program = scratch / "check", log = scratch / "compiler.txt";
  std::vector<std::string> compile{"env", "LC_ALL=C", tools.compiler};  // messages that are read here
  compile.insert(compile.end(), tools.flags.begin(), tools.flags.end());
  for (const char* more : {"-fdiagnostics-color=never", "-fno-diagnostics-show-option", "-c"})
    compile.emplace_back(more);
  compile.insert(compile.end(), {source.string(), "-o", object.string()});
  errors.clear();
  std::error_code none;
  fs::remove(program, none);  // of the file before this one
  const Ended compiled = run_program(compile, log, 120);
  if (compiled.code != 0) {
    errors = first_errors(read_file(log), source.string());
    if (errors.empty()) errors = "the compiler did not end within 120 s";
    return program;
  }
  const std::vector<std::string> link{"env",
                                      "LC_ALL=C",
                                      tools.compiler,
                                      object.string(),
                                      tools.object_of(exercise).string(),
                                      tools.library.string(),
                                      tools.format.string(),
                                      "-Wl,-rpath," + tools.library.parent_path().string(),
                                      "-o",
                                      program.string()};
  if (run_program(link, log, 120).code != 0) {
    errors = link_errors(read_file(log));
    if (errors.empty()) errors = "the linker did not end within 120 s";
  }
  return program;
}

}  // namespace heed::learn
