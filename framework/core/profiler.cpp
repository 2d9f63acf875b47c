#include "framework/core/profiler.h"

#include <algorithm>
#include <chrono>

#include "framework/core/error.h"
#include "framework/core/flops.h"
#include "framework/core/memory_pool.h"
#include "framework/core/parallel.h"
#include "framework/core/profiler_state.h"

namespace heed {
namespace detail::recording {

std::unique_ptr<State> state;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

namespace {

std::atomic<uint64_t> generation{0};  // of the Profiler that exists, or of the last one
constinit thread_local Recorder* recorder = nullptr;
constinit thread_local uint64_t recorder_generation = 0;

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

}  // namespace

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

void settle_waiting(Recorder& own) {
  for (const Done& done : own.waiting) settle(own, done);
  own.waiting.clear();
}

}  // namespace detail::recording

namespace {

using namespace detail::recording;
using detail::ProfiledCall;

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

namespace {

// Where the values of a tensor lie. Of one that has them only in 8 bits or bf16 its storage: to ask for them
// makes them, and the profiler's lock is held.
const void* place_of(const Tensor& x) {
  const Storage& storage = *x.body()->storage;
  return storage.deferred ? static_cast<const void*>(&storage) : x.raw_data();
}

}  // namespace

void ProfiledCall::read(const Tensor& x) {
  if (!x.defined()) return;
  bytes += x.numel() * static_cast<int64_t>(size_of(x.dtype()));
  if (shape_count < kShapes) {
    storages[static_cast<size_t>(shape_count)] = x.body()->storage.get();
    shapes[static_cast<size_t>(shape_count++)] = x.shape();
  }
  if (layer != kNone || state->parameter_layer.empty()) return;
  const auto found = state->parameter_layer.find(place_of(x));
  if (found != state->parameter_layer.end()) layer = found->second;
}

void ProfiledCall::wrote(const Tensor& y) {
  if (!y.defined()) return;
  bytes += y.numel() * static_cast<int64_t>(size_of(y.dtype()));
  const bool view = std::ranges::find(storages, y.body()->storage.get()) != storages.end();
  if (view && direction == Direction::forward) bytes = 0;  // nothing was read
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
    state->parameter_layer[detail::place_of(value)] =
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
