// Runs a program as a user does: arguments in, exit code and what it printed out.
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/testing/temp_dir.h"

extern char** environ;  // NOLINT: POSIX declares it so

namespace heed {

struct ProcessResult {
  int exit_code = -1;  // 128 + the signal's number for a program that a signal ended
  std::string out, err;
};

/// Runs `command[0]` (a path, or a name on PATH) with the rest as arguments and `input` as its standard
/// input. `environment` replaces the caller's variables unless it is empty.
inline ProcessResult run_process(const std::vector<std::string>& command, const std::string& input = "",
                                 const std::vector<std::string>& environment = {}) {
  const TempDir dir;  // files, not pipes: nothing can block
  const std::string in = dir / "in", out = dir / "out", err = dir / "err";
  std::ofstream(in, std::ios::binary) << input;

  const auto pointers = [](const std::vector<std::string>& strings) {
    std::vector<char*> list;
    for (const auto& text : strings) list.push_back(const_cast<char*>(text.c_str()));
    list.push_back(nullptr);
    return list;
  };
  auto arguments = pointers(command), variables = pointers(environment);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, in.c_str(), O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out.c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err.c_str(), O_WRONLY | O_CREAT, 0600);
  pid_t child = 0;
  const int failure = posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(),
                                   environment.empty() ? environ : variables.data());
  posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) throw std::runtime_error("cannot run " + command[0]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) throw std::runtime_error("cannot wait for " + command[0]);
  }
  const auto content = [](const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  };
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), content(out), content(err)};
}

}  // namespace heed
