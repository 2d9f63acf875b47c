// Profiler::take(): what the threads recorded, added up.
#include <algorithm>

#include "framework/core/profiler_state.h"

namespace heed {
namespace {

using namespace detail::recording;

std::string shapes_text(const RowKey& key) {
  std::string text;
  for (int i = 0; i < key.shape_count; ++i)
    text += (i > 0 ? " " : "") + key.shapes[static_cast<size_t>(i)].str();
  return text;
}

}  // namespace

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

}  // namespace heed
