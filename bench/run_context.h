// What a stored run says of itself: CPU, programs with their libraries, commit, day and command. Includes
// neither heed nor PyTorch.
#pragma once

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace run_context {

// The first line that a program prints; empty where there is none.
inline std::string line_of(const std::string& command) {
  std::string line;
  if (std::FILE* const pipe = ::popen(command.c_str(), "r")) {
    for (int c = std::fgetc(pipe); c != EOF && c != '\n'; c = std::fgetc(pipe)) line += static_cast<char>(c);
    ::pclose(pipe);
  }
  return line;
}

inline std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("model name", 0) == 0) return line.substr(std::min(line.size(), line.find(": ") + 2));
  }
  return "unknown";
}

/// @param programs the programs and their libraries, a line each
/// @param command what was called, without the file that the run is stored in
inline nlohmann::ordered_json of(const std::vector<std::string>& programs, const std::string& command) {
  // build/release/bin/PROGRAM
  const auto checkout = std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path() / "..";
  const std::string git = fmt::format("git -C '{}' describe --always --dirty 2>/dev/null", checkout.string());
  return {{"cpu", cpu_name()},
          {"programs", programs},
          {"commit", line_of(git)},
          {"date", fmt::format("{:%Y-%m-%d}", fmt::gmtime(std::time(nullptr)))},
          {"command", command}};
}

}  // namespace run_context
