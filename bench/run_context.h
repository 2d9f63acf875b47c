// What a stored run says of itself: CPU, programs with their libraries, commit, day and command. Includes
// neither heed nor PyTorch.
#pragma once

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
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

/// @param programs the programs and their libraries; of several lines, one is made
/// @param command what was called, without the file that the run is stored in
inline nlohmann::ordered_json of(std::vector<std::string> programs, const std::string& command) {
  for (std::string& program : programs) {
    for (size_t at = 0; (at = program.find('\n', at)) != std::string::npos;) program.replace(at, 1, "; ");
  }
  // build/release/bin/PROGRAM
  const auto checkout = std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path() / "..";
  const std::string git = fmt::format("git -C '{}' describe --always --dirty 2>/dev/null", checkout.string());
  return {{"cpu", cpu_name()},
          {"programs", programs},
          {"commit", line_of(git)},
          {"date", fmt::format("{:%Y-%m-%d}", fmt::gmtime(std::time(nullptr)))},
          {"command", command}};
}

/// What was called, without --json FILE.
inline std::string command(const std::string& program, int argc, char** argv) {
  std::string line = program;
  for (int i = 1; i < argc; ++i) {
    if (std::string(argv[i]) == "--json") {
      ++i;
    } else {
      line += std::string(" ") + argv[i];
    }
  }
  return line;
}

/// Writes {context, rows} to a file, a row a line.
/// @param file its name
/// @param context what of() made
/// @param rows a list
/// @throws std::runtime_error when it cannot be written
inline void store(const std::string& file, const nlohmann::ordered_json& context,
                  const nlohmann::ordered_json& rows) {
  std::ofstream out(file);
  out << "{\"context\": " << context.dump(1) << ",\n\"rows\": [\n";
  for (size_t i = 0; i < rows.size(); ++i) out << rows[i].dump() << (i + 1 < rows.size() ? ",\n" : "\n");
  out << "]}\n";
  if (!out.flush())
    throw std::runtime_error(fmt::format("cannot write '{}': {}", file, std::strerror(errno)));
}

}  // namespace run_context
