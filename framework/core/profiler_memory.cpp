// A Profiler's account of the pool: who holds its blocks, and who did when the most was lent.
#include <algorithm>

#include "framework/core/profiler_state.h"

namespace heed::detail {
namespace recording {
namespace {

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

}  // namespace

void see_peak() {
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

}  // namespace recording

using recording::Memory;
using recording::Recorder;
using recording::state;

void profile_allocation(void* block, int64_t bytes) {
  Recorder& own = recording::own_recorder();
  if (own.innermost) {
    ++own.innermost->allocations;
    own.innermost->allocated += bytes;
  }
  const std::lock_guard lock(state->mutex);
  const int holder = recording::holder_for(own);
  Memory& memory = state->memory;
  memory.blocks.insert_or_assign(block, Memory::Block{holder, bytes});
  memory.held[static_cast<size_t>(holder)] += bytes;
  memory.total += bytes;
  recording::see_peak();
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

}  // namespace heed::detail
