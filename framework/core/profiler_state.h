// What a Profiler keeps while it records; for the files that implement it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "framework/core/profiler.h"

namespace heed::detail::recording {

constexpr int kNone = -1;  // no layer, no phase

// What makes two calls one row.
struct RowKey {
  const char* op;
  Direction direction;
  bool one_thread;
  int layer, shape_count;
  std::array<Shape, ProfiledCall::kShapes> shapes;

  bool operator==(const RowKey& other) const {
    return op == other.op && direction == other.direction && one_thread == other.one_thread &&
           layer == other.layer && shape_count == other.shape_count && shapes == other.shapes;
  }
};

struct RowHash {
  size_t operator()(const RowKey& key) const {
    size_t hash = std::hash<const void*>{}(key.op);
    const auto mix = [&](int64_t n) { hash = hash * 0x9E3779B97F4A7C15U + static_cast<size_t>(n) + 1; };
    mix(2 * static_cast<int64_t>(key.direction) + (key.one_thread ? 1 : 0));
    mix(key.layer);
    for (int i = 0; i < key.shape_count; ++i) {
      for (const int64_t extent : key.shapes[static_cast<size_t>(i)]) mix(extent);
      mix(-1);
    }
    return hash;
  }
};

struct Sums {
  int64_t calls = 0;
  double seconds = 0;
  int64_t flops = 0, bytes = 0, allocations = 0, allocated = 0;

  void add(const Sums& other) {
    calls += other.calls;
    seconds += other.seconds;
    flops += other.flops;
    bytes += other.bytes;
    allocations += other.allocations;
    allocated += other.allocated;
  }
};

// A call that is over and may still be given to a layer.
struct Done {
  RowKey key;
  uint64_t sequence;
  double begin, seconds;
  Sums sums;
};

struct PartSums {
  int64_t calls = 0;
  double seconds = 0, op_seconds = 0;
};

// What one thread recorded.
struct Recorder {
  uint32_t thread = 0;
  ProfiledCall* innermost = nullptr;
  std::vector<Done> waiting;                   // for the module that returns next
  std::unordered_map<uint64_t, int> layer_of;  // of nodes by sequence number, until their backward
  std::unordered_map<RowKey, uint32_t, RowHash> row_of;
  std::vector<std::pair<RowKey, Sums>> rows;
  std::vector<ProfileEvent> events;  // `row` is an index into this thread's rows
  int64_t events_left_out = 0;
  struct Open {
    int part;
    double begin;
  };
  std::vector<Open> phases;
  std::vector<PartSums> parts;  // by part
  std::vector<ProfileSpan> spans;
  std::map<std::pair<const void*, int>, int> holder_of;  // op and direction, or null and part -> holder

  int part() const { return phases.empty() ? kNone : phases.back().part; }
  PartSums& sums_of(int part) {
    if (parts.size() <= static_cast<size_t>(part)) parts.resize(static_cast<size_t>(part) + 1);
    return parts[static_cast<size_t>(part)];
  }
};

struct Layer {
  std::string name;
  int outer = kNone;  // the layer around it
  bool leaf = true;   // whether no layer is in it
};

struct Part {
  int outer;
  const char* name;
  std::string full_name;
  int64_t peak = 0;
  int open = 0;  // runs that have not ended, of all threads
};

// Who holds how much, and who did when the most was lent.
struct Memory {
  static constexpr int kBefore = 0;
  struct Block {
    int holder;
    int64_t bytes;
  };
  std::unordered_map<void*, Block> blocks;
  std::vector<std::string> holders{"before"};
  std::vector<int64_t> held{0}, at_peak{0};
  int64_t total = 0, peak = 0, snapshot = 0;
};

struct State {
  std::mutex mutex;  // of everything but what recorders keep for their own threads
  double start = 0;
  size_t most_events = 0;
  std::vector<std::unique_ptr<Recorder>> recorders;
  std::vector<Part> parts;
  Memory memory;
  std::vector<Layer> layers;
  std::unordered_map<const void*, int> parameter_layer, module_layer;
};

extern std::unique_ptr<State> state;  // of the Profiler that exists, or null

double now();  // seconds
// The calling thread's.
Recorder& own_recorder();
// What waits is as it is: no module that returns can have run it.
void settle_waiting(Recorder& own);
// The parts that are open have the memory that is lent now; the lock is held.
void see_peak();

}  // namespace heed::detail::recording
