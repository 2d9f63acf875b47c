// Recording where a program's time and memory go: op by op, layer by layer, phase by phase.
//
//   Profiler profiler;
//   nn::name_layers(profiler, model);                 // names in the rows instead of ""
//   { const ProfilePhase phase("forward"); loss = model(x); }
//   const Profile profile = profiler.take();
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "framework/core/profiled.h"

namespace heed {

/// What the calls of one op with the same shapes, in one layer and direction, took together.
struct ProfileRow {
  std::string op;                            // its name in ops.def
  Direction direction = Direction::forward;  // whether it computed results or gradients
  std::string layer;                         // the dotted name of the module; empty where none is known
  std::string shapes;  // of the first arguments: "[64, 192] [768, 192]"; backward: of cotangents and saved
  bool one_thread = false;      // whether it ran inside a parallel_for, where an op has one thread
  int64_t calls = 0;            // how often it ran
  double seconds = 0;           // summed over the threads, without those of ops that it called
  int64_t flops = 0;            // of matrix products and convolutions, without those of ops that it called
  int64_t bytes = 0;            // of arguments and results: the least that it must have read and written
  int64_t allocations = 0;      // blocks taken from the pool
  int64_t allocated_bytes = 0;  // their bytes, rounded up as the pool does
};

/// One call, for a timeline.
struct ProfileEvent {
  uint32_t row = 0;     // index of its ProfileRow
  uint32_t thread = 0;  // 0 is the first that recorded something
  double begin = 0;     // seconds since the Profiler began
  double seconds = 0;   // those of ops that it called included
};

/// A part of the program that ran under a ProfilePhase.
struct ProfilePart {
  std::string name;        // names of the phases around it first: "validation / decode"
  int64_t calls = 0;       // how often it began
  double seconds = 0;      // by the clock, summed over the threads
  double op_seconds = 0;   // of ops in it, those of phases inside it excepted
  int64_t peak_bytes = 0;  // the most that the pool had lent while it ran
};

/// One run of a phase, for a timeline.
struct ProfileSpan {
  uint32_t part = 0;    // index of its ProfilePart
  uint32_t thread = 0;  // as in ProfileEvent
  double begin = 0;     // seconds since the Profiler began
  double seconds = 0;   // by the clock
};

/// Memory that one op, or what ran outside of ops in one phase, held when the most was lent.
struct ProfileHolder {
  std::string what;   // "linear", "linear backward", "in load", "before": lent when the Profiler began
  int64_t bytes = 0;  // rounded up as the pool does
};

/// What a Profiler recorded.
struct Profile {
  double seconds = 0;                  // from its beginning to take()
  int threads = 0;                     // that ran ops
  std::vector<ProfileRow> rows;        // most seconds first
  std::vector<ProfileEvent> events;    // the first ones, in the order in which they ended
  int64_t events_left_out = 0;         // that came after them
  std::vector<ProfilePart> parts;      // in the order in which they first began
  std::vector<ProfileSpan> spans;      // the first ones, in the order in which they ended
  int64_t peak_bytes = 0;              // the most that the pool had lent
  std::vector<ProfileHolder> at_peak;  // who held it then, or within half a percent of it; most bytes first
};

/// Records every op and every block of the pool, of all threads, while it exists. It costs some tenths of a
/// microsecond an op. There may be one at a time. While it is made, destroyed, asked or told names, no other
/// thread may run an op, or make or free a tensor.
class Profiler {
 public:
  /// @param most_events events and spans of a thread that are kept for a timeline; rows and parts know all
  /// @throws ValueError when there is a Profiler
  explicit Profiler(size_t most_events = 100'000);
  ~Profiler();
  Profiler(const Profiler&) = delete;
  Profiler& operator=(const Profiler&) = delete;

  /// Gives names to layers: an op that reads a parameter belongs to the parameter's layer, any other one to
  /// the module that ran it, as far as can be seen from when modules return.
  /// @param parameters dotted names: "decoder.output.weight" is of the layer "decoder.output"
  /// @param modules addresses of nn::Module objects, which announce what they return; the outermost first
  void name_layers(std::span<const std::pair<std::string, Tensor>> parameters,
                   std::span<const std::pair<std::string, const void*>> modules);

  /// Everything so far.
  /// @return rows, events, phases and memory
  Profile take() const;
};

/// Names what a Profiler records while it exists, on this thread; what is allocated outside of ops too. Does
/// nothing without a Profiler.
class ProfilePhase {
 public:
  /// @param name a literal: it is not copied
  explicit ProfilePhase(const char* name);
  ~ProfilePhase();
  ProfilePhase(const ProfilePhase&) = delete;
  ProfilePhase& operator=(const ProfilePhase&) = delete;

 private:
  uint64_t generation_ = 0;  // of the Profiler that existed; 0: none
};

}  // namespace heed
