// A worker in a process of its own, asked over pipes: one line there, one line back.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

namespace compare_torch {

using Environment = std::map<std::string, std::string>;
Environment current_environment();

class WorkerProcess {
 public:
  /// Starts `program` by posix_spawn and reads its greeting. Throws std::runtime_error when it does not start
  /// or dies.
  WorkerProcess(const std::string& program, const std::vector<std::string>& arguments,
                const Environment& environment);
  ~WorkerProcess();
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  const std::string& greeting() const { return greeting_; }
  /// Sends a line, returns what stands behind "ok ". Throws std::runtime_error with the worker's message
  /// otherwise.
  std::string ask(const std::string& line);
  double ask_number(const std::string& line) { return std::stod(ask(line)); }

 private:
  std::string read_answer();
  std::string program_, pending_, greeting_;
  pid_t pid_ = -1;
  int to_ = -1, from_ = -1;
};

}  // namespace compare_torch
