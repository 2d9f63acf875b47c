// Profiler: rows, phases, memory and timeline against what is known of a program.
#include "framework/core/profiler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <optional>
#include <set>
#include <thread>

#include "framework/core/stored_values.h"
#include "framework/framework.h"
#include "tests/testing/throws.h"

namespace heed {
namespace {

const ProfileRow* find(const Profile& profile, const std::string& op,
                       Direction direction = Direction::forward) {
  const auto found = std::ranges::find_if(
      profile.rows, [&](const ProfileRow& row) { return row.op == op && row.direction == direction; });
  return found == profile.rows.end() ? nullptr : &*found;
}

const ProfilePart& part(const Profile& profile, const std::string& name) {
  const auto found =
      std::ranges::find_if(profile.parts, [&](const ProfilePart& p) { return p.name == name; });
  if (found == profile.parts.end()) throw std::runtime_error("no phase " + name);
  return *found;
}

TEST(Profiler, CountsCallsOperationsAndBytes) {
  const Tensor x = randn({20, 30}), w = randn({40, 30});
  const Profiler profiler;
  for (int i = 0; i < 3; ++i) linear(x, w, {});
  linear(slice(x, 0, 0, 5), w, {});
  const Profile profile = profiler.take();
  std::map<std::string, ProfileRow> rows;
  for (const ProfileRow& row : profile.rows) {
    if (row.op == "linear") rows[row.shapes] = row;
  }
  ASSERT_EQ(rows.size(), 2U);
  const ProfileRow& large = rows.at("[20, 30] [40, 30]");
  EXPECT_EQ(large.calls, 3);
  EXPECT_EQ(large.flops, 3 * 2 * 20 * 30 * 40);
  EXPECT_EQ(large.bytes, 3 * 4 * (20 * 30 + 40 * 30 + 20 * 40));
  EXPECT_GE(large.allocations, 3);
  EXPECT_GE(large.allocated_bytes, 3 * 4 * 20 * 40);
  EXPECT_GT(large.seconds, 0);
  EXPECT_EQ(rows.at("[5, 30] [40, 30]").flops, 2 * 5 * 30 * 40);
  EXPECT_EQ(find(profile, "slice")->bytes, 0);  // a view reads nothing
  EXPECT_EQ(profile.threads, 1);
}

TEST(Profiler, SecondsOfARowAreItsOwn) {
  const Tensor x = randn({64, 8, 32}), w_ih = randn({128, 32}), w_hh = randn({128, 32}), bias = zeros({128});
  const Profiler profiler;
  for (int i = 0; i < 20; ++i) lstm(x, {}, {}, {}, w_ih, w_hh, bias);  // which calls linear
  const Profile profile = profiler.take();
  ASSERT_TRUE(find(profile, "linear"));
  EXPECT_EQ(find(profile, "linear")->calls, 20);
  EXPECT_EQ(find(profile, "linear")->flops, 20 * 2 * 64 * 8 * 32 * 128);
  EXPECT_EQ(find(profile, "lstm")->flops, 20 * 2 * 64 * 8 * 32 * 128);  // the products with w_hh alone
  double seconds = 0, outermost = 0;
  for (const ProfileRow& row : profile.rows) seconds += row.seconds;
  for (const ProfileEvent& event : profile.events) {
    if (profile.rows[event.row].op == "lstm") outermost += event.seconds;
  }
  EXPECT_NEAR(seconds, outermost, 1e-6 + 1e-6 * outermost);
  EXPECT_LE(outermost, profile.seconds);
}

TEST(Profiler, OpsOfAVjpAreItsDirectionAndLayer) {
  const Tensor x = randn({6, 5}), w = randn({4, 5}).set_requires_grad(true);
  Profiler profiler;
  const std::vector<std::pair<std::string, Tensor>> parameters{{"net.out.weight", w}};
  profiler.name_layers(parameters, {});
  sum(linear(x, w, {})).backward();
  const Profile profile = profiler.take();
  for (const Direction direction : {Direction::forward, Direction::backward}) {
    const ProfileRow* const row = find(profile, "linear", direction);
    ASSERT_TRUE(row);
    EXPECT_EQ(row->layer, "net.out");
  }
  const auto in_backward = std::ranges::count_if(profile.rows, [](const ProfileRow& r) {
    return r.op == "matmul" && r.direction == Direction::forward;
  });
  EXPECT_EQ(in_backward, 0);
}

// Weights that are stored in 8 bits or bf16 have no f32 values until an op wants them; a profile wants none.
TEST(Profiler, StoredWeightsStaySoWhenTheirLayersAreNamed) {
  constexpr int64_t kRows = 64, kColumns = 64;
  const std::vector<int8_t> whole(kRows * kColumns, 3);
  const std::vector<uint16_t> bits(kRows * kColumns, 0x3F80);  // 1
  const Tensor in_8_bits =
      from_quantised(whole.data(), std::vector<float>(kRows, 0.5F), {kRows, kColumns}, nullptr);
  const Tensor in_bf16 = from_bf16_rows(bits.data(), {kRows, kColumns}, nullptr);
  const Tensor x = randn({6, kColumns});
  Profiler profiler;
  const std::vector<std::pair<std::string, Tensor>> parameters{{"a.weight", in_8_bits},
                                                               {"b.weight", in_bf16}};
  profiler.name_layers(parameters, {});
  EXPECT_FALSE(in_8_bits.body()->storage->data.load());
  EXPECT_FALSE(in_bf16.body()->storage->data.load());
  const NoGradGuard no_grad;
  linear(x, in_8_bits, {});
  linear(x, in_bf16, {});
  const Profile profile = profiler.take();
  for (const char* layer : {"a", "b"}) {
    EXPECT_EQ(std::ranges::count_if(
                  profile.rows, [&](const ProfileRow& r) { return r.op == "linear" && r.layer == layer; }),
              1)
        << layer;
  }
}

TEST(Profiler, AFailedOpLeavesNothingOpen) {
  const Profiler profiler;
  EXPECT_THROW(embedding(randn({3, 2}), from_vector(std::vector<int64_t>{7}, {1})), IndexError);
  relu(randn({2}));
  const Profile profile = profiler.take();
  ASSERT_TRUE(find(profile, "relu"));
  for (const ProfileEvent& event : profile.events) EXPECT_LT(event.seconds, profile.seconds);
}

TEST(Profiler, PhasesNestAndKnowTheirPeak) {
  const Profiler profiler;
  {
    const ProfilePhase outer("outer");
    const Tensor kept = zeros({1 << 18});
    for (int i = 0; i < 2; ++i) {
      const ProfilePhase inner("inner");
      relu(kept);
    }
  }
  { const ProfilePhase later("later"); }
  const Profile profile = profiler.take();
  ASSERT_EQ(profile.parts.size(), 3U);
  EXPECT_EQ(part(profile, "outer").calls, 1);
  const ProfilePart& inner = part(profile, "outer / inner");
  EXPECT_EQ(inner.calls, 2);
  EXPECT_LE(inner.seconds, part(profile, "outer").seconds);
  EXPECT_GT(inner.op_seconds, 0);
  EXPECT_LE(inner.op_seconds, inner.seconds);
  EXPECT_EQ(part(profile, "outer").peak_bytes, inner.peak_bytes);
  EXPECT_GE(inner.peak_bytes - part(profile, "later").peak_bytes, 2 * 4 * (1 << 18));
  EXPECT_EQ(profile.spans.size(), 4U);
}

TEST(Profiler, SaysWhoHeldTheMemory) {
  const Tensor before = zeros({1 << 16});
  const Profiler profiler;
  Tensor kept;
  {
    const ProfilePhase phase("load");
    kept = empty({1 << 18});
  }
  kept.fill_(1);
  const Tensor activated = relu(kept);
  const Profile profile = profiler.take();
  std::map<std::string, int64_t> held;
  int64_t all = 0;
  for (const ProfileHolder& holder : profile.at_peak) held[holder.what] = holder.bytes, all += holder.bytes;
  for (const char* what : {"in load", "relu"}) {  // and the tensor itself
    EXPECT_GE(held[what], 4 * (1 << 18)) << what;
    EXPECT_LE(held[what], 4 * (1 << 18) + 1024) << what;
  }
  EXPECT_GE(held["before"], 4 * (1 << 16));
  EXPECT_LE(all, profile.peak_bytes);
  EXPECT_GE(static_cast<double>(all), 0.99 * static_cast<double>(profile.peak_bytes));
  EXPECT_TRUE(std::ranges::is_sorted(profile.at_peak, std::ranges::greater{}, &ProfileHolder::bytes));
}

TEST(Profiler, WhatWasLentBeforeAndIsFreedCountsNoLonger) {
  Tensor before = zeros({1 << 18});
  const Profiler profiler;
  const int64_t lent = profiler.take().peak_bytes;
  std::thread([moved = std::move(before)]() mutable { moved = Tensor(); }).join();
  const Tensor after = zeros({3 << 16});  // three quarters of it
  const Profile profile = profiler.take();
  EXPECT_LT(profile.peak_bytes, lent + (1 << 17));
  std::map<std::string, int64_t> held;
  for (const ProfileHolder& holder : profile.at_peak) held[holder.what] = holder.bytes;
  EXPECT_GE(held["before"], 4 * (1 << 18));  // the peak was at the beginning
}

TEST(Profiler, RecordsEveryThread) {
  const int threads = num_threads();
  set_num_threads(3);
  {
    const Profiler profiler;
    std::atomic<int> arrived{0};
    parallel_for(3, 1, [&](int64_t, int64_t) {
      const NoGradGuard no_grad;
      ++arrived;
      while (arrived < 3) {
      }
      const ProfilePhase phase("work");
      for (int i = 0; i < 100; ++i) relu(randn({64}));
    });
    const Profile profile = profiler.take();
    EXPECT_EQ(profile.threads, 3);
    EXPECT_EQ(find(profile, "relu")->calls, 300);
    EXPECT_EQ(part(profile, "work").calls, 3);
    EXPECT_TRUE(find(profile, "relu")->one_thread);
    std::set<uint32_t> seen;
    for (const ProfileEvent& event : profile.events) seen.insert(event.thread);
    EXPECT_EQ(seen.size(), 3U);
  }
  set_num_threads(threads);
}

TEST(Profiler, KeepsTheFirstEventsAndEverySum) {
  const Profiler profiler(10);
  const Tensor x = randn({8});
  for (int i = 0; i < 25; ++i) relu(x);
  const Profile profile = profiler.take();
  EXPECT_EQ(profile.events.size(), 10U);
  EXPECT_EQ(profile.events_left_out, 15);
  EXPECT_EQ(find(profile, "relu")->calls, 25);
  EXPECT_EQ(profiler.take().rows.front().calls, 25);  // taking takes nothing away
}

TEST(Profiler, ChangesNothing) {
  const auto train = [] {
    manual_seed(5);
    const Tensor x = randn({16, 7, 12}), w_ih = randn({64, 12}).set_requires_grad(true),
                 w_hh = randn({64, 16}).set_requires_grad(true), bias = zeros({64}).set_requires_grad(true);
    sum(square(dropout(lstm(x, {}, {}, {}, w_ih, w_hh, bias).output, 0.3))).backward();
    return w_hh.grad().to_vector<float>();
  };
  const std::vector<float> plain = train();
  const Profiler profiler;
  EXPECT_EQ(train(), plain);
}

TEST(Profiler, ThereIsOneAtATime) {
  const Profiler profiler;
  EXPECT_ERROR(ValueError, "profiler: there is one already", Profiler());
}

TEST(Profiler, WithoutOneNothingIsRecorded) {
  { const Profiler profiler; }
  const ProfilePhase phase("unseen");
  relu(randn({4}));
  const Profiler profiler;
  EXPECT_TRUE(profiler.take().rows.empty());
  EXPECT_TRUE(profiler.take().parts.empty());
}

TEST(Profiler, APhaseThatOutlivesItIsForgotten) {
  std::optional<Profiler> profiler(std::in_place);
  std::optional<ProfilePhase> phase(std::in_place, "long");
  profiler.reset();
  phase.reset();
  profiler.emplace();
  phase.emplace("second");
  profiler.reset();
  profiler.emplace();
  phase.reset();  // of the one before
  EXPECT_TRUE(profiler->take().parts.empty());
}

}  // namespace
}  // namespace heed
