#include "models/corpus/split.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <tuple>
#include <unordered_map>

#include "framework/core/error.h"
#include "models/corpus/clean.h"
#include "models/text/counted.h"
#include "models/text/fingerprint.h"

namespace heed::models {
namespace {

// A bijection of the keys: different seeds order the same sentences differently.
uint64_t rank_of(uint64_t key, uint64_t seed) { return mixed_bits(key ^ (seed * 0x9e3779b97f4a7c15U)); }

const char* are(int64_t number) { return number == 1 ? "is" : "are"; }

}  // namespace

Split split_corpus(const std::vector<SplitKey>& keys, const SplitOptions& options) {
  Split split;
  split.parts.assign(keys.size(), Part::train);
  std::vector<uint32_t> order(keys.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, [&](uint32_t a, uint32_t b) {
    const uint64_t x = rank_of(keys[a].source, options.seed), y = rank_of(keys[b].source, options.seed);
    return x != y ? x < y : a < b;
  });
  std::vector<size_t> starts;  // of the groups with one source
  for (size_t i = 0; i < order.size(); ++i) {
    if (i == 0 || keys[order[i]].source != keys[order[i - 1]].source) starts.push_back(i);
  }
  const auto groups = static_cast<int64_t>(starts.size());
  split.sources = groups;
  const auto size = [&](int64_t asked, int64_t most) {
    return asked >= 0 ? asked : std::min(most, std::max<int64_t>(groups / 20, 1));
  };
  const int64_t test = size(options.test, 2000), valid = size(options.valid, 1000);
  const auto is_long = [&](size_t group) {
    return static_cast<int64_t>(keys[order[starts[group]]].words) >= options.long_words;
  };
  std::vector<Part> part(starts.size(), Part::train);
  for (size_t group = 0; group < starts.size(); ++group) {
    const bool wanted = split.test < test || (split.test_long < options.test_long && is_long(group));
    if (!wanted) continue;
    part[group] = Part::test;
    ++split.test;
    split.test_long += is_long(group) ? 1 : 0;
  }
  for (size_t group = 0; group < starts.size() && split.valid < valid; ++group) {
    if (part[group] != Part::train) continue;
    part[group] = Part::valid;
    ++split.valid;
  }
  if (split.test_long < options.test_long) {
    throw ValueError("split",
                     fmt::format("{} of {} and more {} asked for the test, and there {} {}",
                                 counted(options.test_long, "sentence"), counted(options.long_words, "word"),
                                 are(options.test_long), are(split.test_long), split.test_long));
  }
  if (split.test < test || split.valid < valid || split.test + split.valid >= groups) {
    throw ValueError("split",
                     fmt::format("{} for the test and {} for validation leave none to train on: there {} {}",
                                 counted(std::max(test, split.test), "sentence"), valid, are(groups),
                                 counted(groups, "distinct source sentence")));
  }
  HashSet held;  // targets of the test, then of the validation as well
  for (const Part now : {Part::test, Part::valid, Part::train}) {
    for (size_t group = 0; group < starts.size(); ++group) {
      if (part[group] != now) continue;
      const size_t end = group + 1 < starts.size() ? starts[group + 1] : order.size();
      for (size_t i = starts[group]; i < end; ++i) {
        const bool leaks = options.targets_apart && now != Part::test && held.contains(keys[order[i]].target);
        split.parts[order[i]] = leaks ? Part::none : now;
      }
    }
    if (now == Part::train) break;
    for (size_t i = 0; i < keys.size(); ++i) {
      if (split.parts[i] == now) held.insert(keys[i].target);
    }
  }
  return split;
}

Split split_documents(const std::vector<SplitKey>& keys, const std::vector<uint64_t>& groups,
                      const SplitOptions& options) {
  struct Group {
    uint64_t key = 0;
    int64_t pairs = 0, long_pairs = 0;
    Part part = Part::train;
  };
  std::vector<Group> order;
  std::unordered_map<uint64_t, size_t> found;
  HashSet sources;
  for (size_t i = 0; i < keys.size(); ++i) {
    sources.insert(keys[i].source);
    const auto [at, is_new] = found.try_emplace(groups[i], order.size());
    if (is_new) order.push_back({.key = groups[i]});
    Group& group = order[at->second];
    ++group.pairs;
    group.long_pairs += static_cast<int64_t>(keys[i].words) >= options.long_words ? 1 : 0;
  }
  std::ranges::sort(order, {}, [&](const Group& group) { return rank_of(group.key, options.seed); });
  const auto pairs = static_cast<int64_t>(keys.size());
  const auto size = [&](int64_t asked, int64_t most) {
    return asked >= 0 ? asked : std::min(most, std::max<int64_t>(pairs / 20, 1));
  };
  Split split;
  split.sources = static_cast<int64_t>(sources.size());
  const auto fill = [&](Part part, int64_t asked, int64_t asked_long) {
    int64_t taken = 0, taken_long = 0;
    const auto enough = [&] { return taken >= asked && taken_long >= asked_long; };
    const auto take = [&](Group& group) {
      group.part = part;
      taken += group.pairs;
      taken_long += group.long_pairs;
    };
    for (Group& group : order) {
      if (group.part == Part::train && !enough() && taken + group.pairs <= asked) take(group);
    }
    std::vector<Group*> rest;
    for (Group& group : order) {
      if (group.part == Part::train) rest.push_back(&group);
    }
    std::ranges::stable_sort(rest, {}, [](const Group* group) { return group->pairs; });
    for (Group* group : rest) {
      if (!enough() && (taken < asked || group->long_pairs > 0)) take(*group);
    }
    return std::pair(taken, taken_long);
  };
  std::tie(split.test, split.test_long) = fill(Part::test, size(options.test, 2000), options.test_long);
  split.valid = fill(Part::valid, size(options.valid, 1000), 0).first;
  if (split.test_long < options.test_long)
    throw ValueError("split",
                     fmt::format("{} of {} and more are asked for the test, and there {} {}",
                                 counted(options.test_long, "sentence"), counted(options.long_words, "word"),
                                 are(split.test_long), split.test_long));
  if (split.test + split.valid >= pairs) {
    throw ValueError("split", fmt::format("{} whole leave none to train on: of {} the test takes {} and the "
                                          "validation {}",
                                          counted(order.size(), "document"), counted(pairs, "pair"),
                                          split.test, split.valid));
  }
  for (const Group& group : order) found[group.key] = static_cast<size_t>(group.part);
  split.parts.reserve(keys.size());
  for (const uint64_t group : groups) split.parts.push_back(static_cast<Part>(found[group]));
  return split;
}

}  // namespace heed::models
