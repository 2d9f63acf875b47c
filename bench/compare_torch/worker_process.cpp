#include "bench/compare_torch/worker_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>

extern char** environ;

namespace compare_torch {
namespace {

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (std::string& s : strings) result.push_back(s.data());
  result.push_back(nullptr);
  return result;
}

}  // namespace

Environment current_environment() {
  Environment result;
  for (char** entry = environ; *entry; ++entry) {
    const std::string text = *entry;
    const size_t equals = text.find('=');
    if (equals != std::string::npos) result[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return result;
}

WorkerProcess::WorkerProcess(const std::string& program, const std::vector<std::string>& arguments,
                             const Environment& environment)
    : program_(program) {
  std::signal(SIGPIPE, SIG_IGN);  // a dead worker shows as an error of write
  std::array<int, 2> in{}, out{};
  if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0)
    throw std::runtime_error("pipe failed");
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  std::vector<std::string> argv{program}, envp;
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  for (const auto& [key, value] : environment) envp.push_back(key + "=" + value);
  const int error =
      ::posix_spawn(&pid_, program.c_str(), &actions, nullptr, pointers(argv).data(), pointers(envp).data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(in[0]);
  ::close(out[1]);
  to_ = in[1];
  from_ = out[0];
  if (error != 0) {
    pid_ = -1;
    ::close(to_);
    ::close(from_);
    throw std::runtime_error(fmt::format("start of '{}' failed: {}", program, std::strerror(error)));
  }
  greeting_ = read_answer();
}

WorkerProcess::~WorkerProcess() {
  ::close(to_);  // the worker ends with its input
  ::close(from_);
  if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
}

std::string WorkerProcess::ask(const std::string& line) {
  const std::string text = line + "\n";
  for (size_t sent = 0; sent < text.size();) {
    const ssize_t n = ::write(to_, text.data() + sent, text.size() - sent);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw std::runtime_error(fmt::format("'{}' ended unexpectedly", program_));
    sent += static_cast<size_t>(n);
  }
  return read_answer();
}

std::string WorkerProcess::read_answer() {
  size_t end = 0;
  while ((end = pending_.find('\n')) == std::string::npos) {
    std::array<char, 4096> buffer{};
    const ssize_t n = ::read(from_, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw std::runtime_error(fmt::format("'{}' ended unexpectedly", program_));
    pending_.append(buffer.data(), static_cast<size_t>(n));
  }
  const std::string line = pending_.substr(0, end);
  pending_.erase(0, end + 1);
  if (line == "ok") return "";
  if (line.rfind("ok ", 0) == 0) return line.substr(3);
  throw std::runtime_error(fmt::format("'{}': {}", program_, line));
}

}  // namespace compare_torch
