#include "framework/core/profiler.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "framework/core/error.h"
#include "framework/core/flops.h"
#include "framework/core/memory_pool.h"
#include "framework/core/parallel.h"

namespace heed {
namespace {

using detail::ProfiledCall;

constexpr int kNone = -1;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

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

std::unique_ptr<State> state;
std::atomic<uint64_t> generation{0};  // of the Profiler that exists, or of the last one
constinit thread_local Recorder* recorder = nullptr;
constinit thread_local uint64_t recorder_generation = 0;

Recorder& own_recorder() {
  const uint64_t current = generation.load(std::memory_order_relaxed);
  if (recorder_generation != current) [[unlikely]] {
    const std::lock_guard lock(state->mutex);
    recorder = state->recorders.emplace_back(std::make_unique<Recorder>()).get();
    recorder->thread = static_cast<uint32_t>(state->recorders.size()) - 1;
    recorder_generation = current;
  }
  return *recorder;
}

void settle(Recorder& own, const Done& done) {
  constexpr size_t kMostGraph = size_t{1} << 20;  // of graphs that no backward went through
  if (own.layer_of.size() > kMostGraph) own.layer_of.clear();
  if (done.key.layer != kNone && done.sequence != 0 && done.key.direction == Direction::forward)
    own.layer_of.insert_or_assign(done.sequence, done.key.layer);
  const auto [found, fresh] = own.row_of.try_emplace(done.key, static_cast<uint32_t>(own.rows.size()));
  if (fresh) own.rows.emplace_back(done.key, Sums{});
  own.rows[found->second].second.add(done.sums);
  if (own.events.size() < state->most_events) {
    own.events.push_back({found->second, own.thread, done.begin - state->start, done.seconds});
  } else {
    ++own.events_left_out;
  }
}

// What waits is as it is: no module that returns can have run it.
void settle_waiting(Recorder& own) {
  for (const Done& done : own.waiting) settle(own, done);
  own.waiting.clear();
}

// A module has returned: its calls are the last ones. What it ran itself, and not a layer inside it, has no
// layer yet; where it began is seen from the first call that is its own by a parameter, or of a layer in it.
void give_to(Recorder& own, const Layer& module, int layer) {
  const auto inside = [&](int other) {
    while (other != kNone && other != layer) other = state->layers[static_cast<size_t>(other)].outer;
    return other == layer;
  };
  size_t first = own.waiting.size();
  for (size_t i = own.waiting.size(); i-- > 0;) {
    const int of = own.waiting[i].key.layer;
    if (of == kNone) continue;
    if (!inside(of)) break;
    first = i;
    if (module.leaf) break;  // what lies before may be of an earlier call
  }
  // one without parameters, such as an activation, is one op
  if (first == own.waiting.size() && module.leaf && first > 0) --first;
  for (size_t i = first; i < own.waiting.size(); ++i) {
    if (own.waiting[i].key.layer == kNone) own.waiting[i].key.layer = layer;
  }
}

int holder_for(Recorder& own) {  // the lock is held
  const ProfiledCall* const call = own.innermost;
  const std::pair<const void*, int> key =
      call ? std::pair<const void*, int>{call->op, static_cast<int>(call->direction)}
           : std::pair<const void*, int>{nullptr, own.part()};
  const auto found = own.holder_of.find(key);
  if (found != own.holder_of.end()) return found->second;
  Memory& memory = state->memory;
  const std::string name =
      call ? std::string(call->op) + (call->direction == Direction::backward ? " backward" : "")
      : own.part() == kNone ? "outside of ops"
                            : "in " + state->parts[static_cast<size_t>(own.part())].full_name;
  auto same = std::find(memory.holders.begin(), memory.holders.end(), name);
  if (same == memory.holders.end()) {
    same = memory.holders.insert(same, name);
    memory.held.push_back(0);
    memory.at_peak.push_back(0);
  }
  const int holder = static_cast<int>(same - memory.holders.begin());
  own.holder_of.emplace(key, holder);
  return holder;
}

void see_peak() {  // the lock is held
  Memory& memory = state->memory;
  for (Part& part : state->parts) {
    if (part.open > 0) part.peak = std::max(part.peak, memory.total);
  }
  if (memory.total <= memory.peak) return;
  memory.peak = memory.total;
  if (static_cast<double>(memory.total) < 1.005 * static_cast<double>(memory.snapshot)) return;
  memory.snapshot = memory.total;
  memory.at_peak = memory.held;
}

std::string shapes_text(const RowKey& key) {
  std::string text;
  for (int i = 0; i < key.shape_count; ++i)
    text += (i > 0 ? " " : "") + key.shapes[static_cast<size_t>(i)].str();
  return text;
}

}  // namespace

namespace detail {

ProfiledCall::ProfiledCall(const char* name, Direction which, uint64_t node)
    : op(name),
      direction(which),
      sequence(node),
      one_thread(inside_parallel_for()),
      outer(own_recorder().innermost) {
  Recorder& own = *recorder;
  own.innermost = this;
  if (outer) {
    layer = outer->layer;
    if (outer->direction == Direction::backward) direction = Direction::backward;  // an op of a vjp
  } else if (direction == Direction::backward) {
    settle_waiting(own);  // the forward is over
    if (const auto found = own.layer_of.find(sequence); found != own.layer_of.end()) {
      layer = found->second;
      own.layer_of.erase(found);
    }
  }
  flops = flops_of_thread;
  begin = now();
}

ProfiledCall::~ProfiledCall() {
  const double seconds = now() - begin;
  const int64_t worked = flops_of_thread - flops;
  Recorder& own = *recorder;
  own.innermost = outer;
  const double self = std::max(seconds - children, 0.0);
  if (outer) {
    outer->children += seconds;
    outer->child_flops += worked;
  }
  if (const int part = own.part(); part != kNone) own.sums_of(part).op_seconds += self;
  const Done done{{op, direction, one_thread, layer, shape_count, shapes},
                  sequence,
                  begin,
                  seconds,
                  {1, self, worked - child_flops, bytes, allocations, allocated}};
  constexpr size_t kMostWaiting = 4096;  // ops of a program without modules
  if (direction == Direction::backward) {
    settle(own, done);
  } else {
    own.waiting.push_back(done);
    if (own.waiting.size() >= kMostWaiting) settle_waiting(own);
  }
}

void ProfiledCall::read(const Tensor& x) {
  if (!x.defined()) return;
  bytes += x.numel() * static_cast<int64_t>(size_of(x.dtype()));
  if (shape_count < kShapes) {
    storages[static_cast<size_t>(shape_count)] = x.body()->storage.get();
    shapes[static_cast<size_t>(shape_count++)] = x.shape();
  }
  if (layer != kNone || state->parameter_layer.empty()) return;
  const auto found = state->parameter_layer.find(x.raw_data());
  if (found != state->parameter_layer.end()) layer = found->second;
}

void ProfiledCall::wrote(const Tensor& y) {
  if (!y.defined()) return;
  bytes += y.numel() * static_cast<int64_t>(size_of(y.dtype()));
  const bool view = std::ranges::find(storages, y.body()->storage.get()) != storages.end();
  if (view && direction == Direction::forward) bytes = 0;  // nothing was read
}

void profile_allocation(void* block, int64_t bytes) {
  Recorder& own = own_recorder();
  if (own.innermost) {
    ++own.innermost->allocations;
    own.innermost->allocated += bytes;
  }
  const std::lock_guard lock(state->mutex);
  const int holder = holder_for(own);
  Memory& memory = state->memory;
  memory.blocks.insert_or_assign(block, Memory::Block{holder, bytes});
  memory.held[static_cast<size_t>(holder)] += bytes;
  memory.total += bytes;
  see_peak();
}

void profile_free(void* block, int64_t bytes) noexcept {
  const std::lock_guard lock(state->mutex);
  Memory& memory = state->memory;
  int holder = Memory::kBefore;
  if (const auto found = memory.blocks.find(block); found != memory.blocks.end()) {
    holder = found->second.holder;
    memory.blocks.erase(found);
  }
  memory.held[static_cast<size_t>(holder)] -= bytes;
  memory.total -= bytes;
}

void profile_layer(const void* module) {
  Recorder& own = own_recorder();
  if (own.innermost) return;  // inside an op, which may call modules when it runs their forward again
  const auto found = state->module_layer.find(module);
  if (found != state->module_layer.end())
    give_to(own, state->layers[static_cast<size_t>(found->second)], found->second);
}

int profile_part() { return is_profiling() ? own_recorder().part() : kNone; }

ProfileInherit::ProfileInherit(int part) {
  if (part == kNone || !is_profiling()) return;
  Recorder& own = own_recorder();
  if (own.part() != kNone) return;  // the thread that gave the work
  own.phases.push_back({part, 0});
  generation_ = generation;
}
ProfileInherit::~ProfileInherit() {
  if (generation_ != 0 && generation_ == generation) own_recorder().phases.pop_back();
}

}  // namespace detail

Profiler::Profiler(size_t most_events) {
  if (state) throw ValueError("profiler", "there is one already");
  state = std::make_unique<State>();
  state->start = now();
  state->most_events = most_events;
  Memory& memory = state->memory;
  memory.total = memory.peak = memory.snapshot = memory.held[0] = memory.at_peak[0] =
      memory_stats().active_bytes;
  ++generation;
  ++detail::flop_counters;
  detail::profiling = true;
}

Profiler::~Profiler() {
  detail::profiling = false;
  --detail::flop_counters;
  ++generation;
  state.reset();
}

void Profiler::name_layers(std::span<const std::pair<std::string, Tensor>> parameters,
                           std::span<const std::pair<std::string, const void*>> modules) {
  const std::lock_guard lock(state->mutex);
  std::map<std::string, int> known;
  const auto layer = [&](const std::string& name) {
    const auto [found, fresh] = known.try_emplace(name, static_cast<int>(state->layers.size()));
    if (fresh) state->layers.push_back({name});
    return found->second;
  };
  const std::string outermost = modules.empty() ? "" : modules.front().first;
  for (const auto& [name, address] : modules) state->module_layer[address] = layer(name);
  for (const auto& [name, value] : parameters) {
    const size_t dot = name.rfind('.');
    state->parameter_layer[value.raw_data()] =
        layer(dot == std::string::npos ? outermost : name.substr(0, dot));
  }
  const int root = modules.empty() ? kNone : layer(outermost);
  for (const auto& [name, id] : known) {
    if (id == root) continue;
    const size_t dot = name.rfind('.');
    const auto outer = dot == std::string::npos ? known.end() : known.find(name.substr(0, dot));
    Layer& own = state->layers[static_cast<size_t>(id)];
    own.outer = outer == known.end() ? root : outer->second;
    if (own.outer != kNone) state->layers[static_cast<size_t>(own.outer)].leaf = false;
  }
}

Profile Profiler::take() const {
  const std::lock_guard lock(state->mutex);
  Profile profile;
  profile.seconds = now() - state->start;
  std::vector<std::pair<RowKey, Sums>> rows;
  std::unordered_map<RowKey, size_t, RowHash> row_of;
  for (const Part& part : state->parts) {
    profile.parts.push_back({.name = part.full_name, .peak_bytes = part.peak});
  }
  for (const auto& own : state->recorders) {
    settle_waiting(*own);
    profile.threads += own->rows.empty() ? 0 : 1;
    std::vector<uint32_t> place;
    for (const auto& [key, sums] : own->rows) {
      const auto [found, fresh] = row_of.try_emplace(key, rows.size());
      if (fresh) rows.emplace_back(key, Sums{});
      rows[found->second].second.add(sums);
      place.push_back(static_cast<uint32_t>(found->second));
    }
    for (ProfileEvent event : own->events) {
      event.row = place[event.row];
      profile.events.push_back(event);
    }
    profile.events_left_out += own->events_left_out;
    profile.spans.insert(profile.spans.end(), own->spans.begin(), own->spans.end());
    for (size_t i = 0; i < own->parts.size(); ++i) {
      profile.parts[i].calls += own->parts[i].calls;
      profile.parts[i].seconds += own->parts[i].seconds;
      profile.parts[i].op_seconds += own->parts[i].op_seconds;
    }
  }
  std::vector<uint32_t> order(rows.size()), rank(rows.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return rows[a].second.seconds > rows[b].second.seconds; });
  for (uint32_t i = 0; i < order.size(); ++i) {
    rank[order[i]] = i;
    const auto& [key, sums] = rows[order[i]];
    profile.rows.push_back({key.op, key.direction,
                            key.layer == kNone ? "" : state->layers[static_cast<size_t>(key.layer)].name,
                            shapes_text(key), key.one_thread, sums.calls, sums.seconds, sums.flops,
                            sums.bytes, sums.allocations, sums.allocated});
  }
  for (ProfileEvent& event : profile.events) event.row = rank[event.row];
  const auto ended_before = [](const auto& a, const auto& b) {
    return a.begin + a.seconds < b.begin + b.seconds;
  };
  std::stable_sort(profile.events.begin(), profile.events.end(), ended_before);
  std::stable_sort(profile.spans.begin(), profile.spans.end(), ended_before);
  const Memory& memory = state->memory;
  profile.peak_bytes = memory.peak;
  for (size_t i = 0; i < memory.holders.size(); ++i) {
    if (memory.at_peak[i] > 0) profile.at_peak.push_back({memory.holders[i], memory.at_peak[i]});
  }
  std::stable_sort(profile.at_peak.begin(), profile.at_peak.end(),
                   [](const auto& a, const auto& b) { return a.bytes > b.bytes; });
  return profile;
}

ProfilePhase::ProfilePhase(const char* name) {
  if (!detail::is_profiling()) return;
  generation_ = generation;
  Recorder& own = own_recorder();
  if (!own.innermost) settle_waiting(own);
  const std::lock_guard lock(state->mutex);
  const int outer = own.part();
  auto found = std::find_if(state->parts.begin(), state->parts.end(), [&](const Part& part) {
    return part.outer == outer && std::string_view(part.name) == name;
  });
  if (found == state->parts.end()) {
    const std::string before =
        outer == kNone ? "" : state->parts[static_cast<size_t>(outer)].full_name + " / ";
    found = state->parts.insert(found, {outer, name, before + name});
  }
  ++found->open;
  own.phases.push_back({static_cast<int>(found - state->parts.begin()), now()});
  see_peak();
}

ProfilePhase::~ProfilePhase() {
  if (generation_ == 0 || generation_ != generation) return;
  Recorder& own = own_recorder();
  if (!own.innermost) settle_waiting(own);
  const auto [part, begin] = own.phases.back();
  own.phases.pop_back();
  const double seconds = now() - begin;
  {
    const std::lock_guard lock(state->mutex);
    --state->parts[static_cast<size_t>(part)].open;
  }
  PartSums& sums = own.sums_of(part);
  ++sums.calls;
  sums.seconds += seconds;
  if (own.spans.size() < state->most_events)
    own.spans.push_back({static_cast<uint32_t>(part), own.thread, begin - state->start, seconds});
}

}  // namespace heed
