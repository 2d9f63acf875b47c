// --profile FILE: where a command's time and memory went, as tables on the terminal and as a trace for
// chrome://tracing and ui.perfetto.dev.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "framework/core/profiler.h"
#include "nn/module.h"

namespace heed::apps {

/// Adds --profile.
/// @param cli the command
/// @param file where the name goes
void add_profile_option(CLI::App& cli, std::string& file);

/// What the machine does at best, measured with a product of 512 x 512 x 512 in f32 and a copy of 64 MB, on
/// one thread and on as many as set_num_threads allows.
struct MachineSpeed {
  int threads = 1;
  double flops_per_second[2] = {0, 0};  // one thread, all threads
  double bytes_per_second[2] = {0, 0};  // read and written
};
/// @return measured in some tenths of a second
MachineSpeed measure_machine();

/// The tables: ops, layers, phases, and who held the memory when the most was lent.
std::string profile_tables(const Profile& profile, const MachineSpeed& machine);
/// The trace, in Chrome's format; under the key "heed" it has every row, phase and holder as well.
std::string profile_trace(const Profile& profile, const MachineSpeed& machine);

/// Records a command; does nothing without a file.
class Profiling {
 public:
  /// Measures the machine and begins. Threads must be set.
  /// @param file for the trace; "" for none
  explicit Profiling(std::string file);
  /// Names the layers of models; those of the second of several begin with "2:", and so on.
  void name_layers(std::span<const nn::Module* const> models);
  /// Writes the trace, and the tables to standard error.
  void finish();

 private:
  std::string file_;
  MachineSpeed machine_;
  std::optional<Profiler> profiler_;
};

}  // namespace heed::apps
