#include "apps/common/profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "apps/common/environment.h"
#include "apps/common/print.h"
#include "apps/common/streams.h"
#include "framework/core/parallel.h"
#include "framework/ops/ops.h"
#include "nn/profile.h"

namespace heed::apps {
namespace {

constexpr size_t kMostLines = 20;  // of a table

// The most of something a second, over some tries.
double rate(double work, const std::function<void()>& run) {
  constexpr double kSeconds = 0.06;
  run();  // makes memory and plans
  double best = 1e30;
  for (double begin = steady_seconds(), end = begin; end - begin < kSeconds;) {
    const double before = steady_seconds();
    run();
    end = steady_seconds();
    best = std::min(best, end - before);
  }
  return work / std::max(best, 1e-12);
}

struct Total {
  int64_t calls = 0, flops = 0, bytes = 0, allocations = 0;
  double seconds = 0, backward = 0;
  double possible_flops = 0, possible_bytes = 0;  // at the machine's own speeds in these seconds
  void add(const ProfileRow& row, const MachineSpeed& machine) {
    const size_t speed = row.one_thread ? 0 : 1;
    possible_flops += row.seconds * machine.flops_per_second[speed];
    possible_bytes += row.seconds * machine.bytes_per_second[speed];
    calls += row.calls;
    flops += row.flops;
    bytes += row.bytes;
    allocations += row.allocations;
    seconds += row.seconds;
    if (row.direction == Direction::backward) backward += row.seconds;
  }
  void add(const Total& other) {
    calls += other.calls;
    flops += other.flops;
    bytes += other.bytes;
    allocations += other.allocations;
    seconds += other.seconds;
    backward += other.backward;
    possible_flops += other.possible_flops;
    possible_bytes += other.possible_bytes;
  }
};

// Rows under one name, most seconds first.
std::vector<std::pair<std::string, Total>> grouped(
    const Profile& profile, const MachineSpeed& machine,
    const std::function<std::string(const ProfileRow&)>& name) {
  std::map<std::string, Total> totals;
  for (const ProfileRow& row : profile.rows) totals[name(row)].add(row, machine);
  std::vector<std::pair<std::string, Total>> sorted(totals.begin(), totals.end());
  std::ranges::stable_sort(sorted,
                           [](const auto& a, const auto& b) { return a.second.seconds > b.second.seconds; });
  return sorted;
}

// The first ones, and the others as one.
std::vector<std::pair<std::string, Total>> shortened(std::vector<std::pair<std::string, Total>> all) {
  if (all.size() <= kMostLines) return all;
  Total rest;
  for (size_t i = kMostLines - 1; i < all.size(); ++i) rest.add(all[i].second);
  const size_t others = all.size() - (kMostLines - 1);
  all.resize(kMostLines - 1);
  all.emplace_back(fmt::format("{} more", others), rest);
  return all;
}

std::string op_name(const ProfileRow& row) {
  return row.op + (row.direction == Direction::backward ? " backward" : "");
}

double percent(double part, double whole) { return whole > 0 ? 100 * part / whole : 0; }

std::string megabytes(int64_t bytes) { return fmt::format("{:.1f}", static_cast<double>(bytes) / 1e6); }

// Figures of a row that has none are blank: a ratio to nothing, a speed of no operations.
std::string unless_zero(double value, const char* format) {
  return value > 0 ? fmt::format(fmt::runtime(format), value) : "";
}

// Of what the machine does at best; more than that is work in the caches.
std::string share(double done, double possible) {
  if (done <= 0) return "";
  const double percentage = percent(done, possible);
  return percentage > 100 ? "> 100 %" : fmt::format("{:.0f} %", percentage);
}

std::string ops_table(const Profile& profile, const MachineSpeed& machine, double all) {
  std::string text = fmt::format("{:<34} {:>9} {:>9} {:>6} {:>8} {:>8} {:>7} {:>8} {:>7}\n", "op", "calls",
                                 "seconds", "share", "GFLOP/s", "of sgemm", "GB/s", "of copy", "blocks");
  for (const auto& [name, t] : shortened(grouped(profile, machine, op_name))) {
    const double s = std::max(t.seconds, 1e-12), flops = static_cast<double>(t.flops) / s,
                 bytes = static_cast<double>(t.bytes) / s;
    text +=
        fmt::format("{:<34} {:>9} {:>9.3f} {:>4.1f} % {:>8} {:>8} {:>7} {:>8} {:>7}\n", name, t.calls,
                    t.seconds, percent(t.seconds, all), unless_zero(flops / 1e9, "{:.1f}"),
                    share(static_cast<double>(t.flops), t.possible_flops), unless_zero(bytes / 1e9, "{:.1f}"),
                    share(static_cast<double>(t.bytes), t.possible_bytes), t.allocations);
  }
  return text;
}

std::string layers_table(const Profile& profile, const MachineSpeed& machine, double all) {
  std::string text = fmt::format("{:<34} {:>9} {:>9} {:>9} {:>6} {:>8}\n", "layer", "op calls", "forward",
                                 "backward", "share", "GFLOP");
  const auto layer = [](const ProfileRow& row) { return row.layer.empty() ? "(none)" : row.layer; };
  for (const auto& [name, t] : shortened(grouped(profile, machine, layer))) {
    text += fmt::format("{:<34} {:>9} {:>9.3f} {:>9.3f} {:>4.1f} % {:>8.1f}\n", name, t.calls,
                        t.seconds - t.backward, t.backward, percent(t.seconds, all),
                        static_cast<double>(t.flops) / 1e9);
  }
  return text;
}

std::string phases_table(const Profile& profile) {
  std::string text =
      fmt::format("{:<34} {:>9} {:>9} {:>9} {:>9}\n", "phase", "times", "seconds", "in its ops", "peak MB");
  for (const ProfilePart& part : profile.parts) {
    text += fmt::format("{:<34} {:>9} {:>9.3f} {:>9.3f} {:>9}\n", part.name, part.calls, part.seconds,
                        part.op_seconds, megabytes(part.peak_bytes));
  }
  return text;
}

std::string memory_table(const Profile& profile) {
  std::string text = fmt::format("{:<34} {:>9} {:>6}\n", "holders at the peak", "MB", "share");
  int64_t rest = 0, others = 0, all = 0;
  for (const ProfileHolder& holder : profile.at_peak) all += holder.bytes;
  const auto line = [&](const std::string& what, int64_t bytes) {
    text += fmt::format("{:<34} {:>9} {:>4.1f} %\n", what, megabytes(bytes),
                        percent(static_cast<double>(bytes), static_cast<double>(all)));
  };
  for (size_t i = 0; i < profile.at_peak.size(); ++i) {
    const ProfileHolder& holder = profile.at_peak[i];
    if (i + 1 < kMostLines || profile.at_peak.size() <= kMostLines) {
      line(holder.what, holder.bytes);
    } else {
      rest += holder.bytes;
      ++others;
    }
  }
  if (others > 0) line(fmt::format("{} more", others), rest);
  return text;
}

// The rows that took longest, with the shapes that they read.
std::string shapes_table(const Profile& profile, double all) {
  constexpr size_t kRows = 10;
  std::string text = fmt::format("{:<26} {:<30} {:>8} {:>8} {:>6}  {}\n", "longest calls", "layer", "calls",
                                 "seconds", "share", "shapes");
  for (size_t i = 0; i < std::min(kRows, profile.rows.size()); ++i) {
    const ProfileRow& row = profile.rows[i];
    text += fmt::format("{:<26} {:<30} {:>8} {:>8.3f} {:>4.1f} %  {}\n", op_name(row),
                        row.layer.empty() ? "(none)" : row.layer, row.calls, row.seconds,
                        percent(row.seconds, all), row.shapes);
  }
  return text;
}

nlohmann::ordered_json summary_json(const Profile& profile, const MachineSpeed& machine) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array(), parts = rows, holders = rows;
  for (const ProfileRow& r : profile.rows) {
    rows.push_back({{"op", r.op},
                    {"direction", r.direction == Direction::backward ? "backward" : "forward"},
                    {"layer", r.layer},
                    {"shapes", r.shapes},
                    {"one_thread", r.one_thread},
                    {"calls", r.calls},
                    {"seconds", r.seconds},
                    {"flops", r.flops},
                    {"bytes", r.bytes},
                    {"allocations", r.allocations},
                    {"allocated_bytes", r.allocated_bytes}});
  }
  for (const ProfilePart& p : profile.parts) {
    parts.push_back({{"phase", p.name},
                     {"times", p.calls},
                     {"seconds", p.seconds},
                     {"op_seconds", p.op_seconds},
                     {"peak_bytes", p.peak_bytes}});
  }
  for (const ProfileHolder& h : profile.at_peak) holders.push_back({{"what", h.what}, {"bytes", h.bytes}});
  return {{"seconds", profile.seconds},
          {"op_threads", profile.threads},
          {"machine",
           {{"threads", machine.threads},
            {"sgemm_flops_per_second", {machine.flops_per_second[0], machine.flops_per_second[1]}},
            {"copy_bytes_per_second", {machine.bytes_per_second[0], machine.bytes_per_second[1]}}}},
          {"ops", rows},
          {"phases", parts},
          {"peak_bytes", profile.peak_bytes},
          {"at_peak", holders},
          {"calls_left_out", profile.events_left_out}};
}

}  // namespace

void add_profile_option(CLI::App& cli, std::string& file) {
  cli.add_option("--profile", file,
                 "measure every op: tables of ops, layers, phases and memory at the end, and this file, a "
                 "trace for chrome://tracing or ui.perfetto.dev");
}

MachineSpeed measure_machine() {
  MachineSpeed machine;
  machine.threads = num_threads();
  const NoGradGuard no_grad;
  constexpr int64_t n = 512, kCopied = int64_t{1} << 24;
  const Tensor a = ones({n, n}), b = ones({n, n}), large = ones({kCopied});
  for (const size_t all : {size_t{0}, size_t{1}}) {
    set_num_threads(all == 1 ? machine.threads : 1);
    machine.flops_per_second[all] = rate(2.0 * n * n * n, [&] { matmul(a, b); });
    machine.bytes_per_second[all] = rate(2.0 * kCopied * sizeof(float), [&] { large.clone(); });
  }
  release_cached_memory();
  return machine;
}

std::string profile_tables(const Profile& profile, const MachineSpeed& machine) {
  double all = 0;
  int64_t calls = 0;
  for (const ProfileRow& row : profile.rows) all += row.seconds, calls += row.calls;
  std::string text =
      fmt::format("profile: {:.2f} s, {:.2f} s in {} calls of ops on {} thread{}; peak of the pool {} MB\n",
                  profile.seconds, all, calls, profile.threads, profile.threads == 1 ? "" : "s",
                  megabytes(profile.peak_bytes));
  text += fmt::format("this machine now, one thread: sgemm {:.1f} GFLOP/s, copying {:.1f} GB/s",
                      machine.flops_per_second[0] / 1e9, machine.bytes_per_second[0] / 1e9);
  if (machine.threads > 1) {
    text += fmt::format("; {} threads: {:.1f} and {:.1f}", machine.threads, machine.flops_per_second[1] / 1e9,
                        machine.bytes_per_second[1] / 1e9);
  }
  text += "\n\n" + ops_table(profile, machine, all) + "\n" + shapes_table(profile, all) + "\n" +
          layers_table(profile, machine, all) + "\n";
  if (!profile.parts.empty()) text += phases_table(profile) + "\n";
  return text + memory_table(profile);
}

std::string profile_trace(const Profile& profile, const MachineSpeed& machine) {
  const auto quoted = [](const std::string& text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  };
  std::vector<std::string> rows;  // what the events of a row have in common
  for (const ProfileRow& row : profile.rows) {
    rows.push_back(fmt::format(
        R"("name":{},"cat":"{}","args":{{"layer":{},"shapes":{},"calls":{},"GFLOP each":{:.6g},"bytes each":{}}})",
        quoted(row.op), row.direction == Direction::backward ? "backward" : "forward", quoted(row.layer),
        quoted(row.shapes), row.calls, static_cast<double>(row.flops) / 1e9 / static_cast<double>(row.calls),
        row.bytes / row.calls));
  }
  std::string text = "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n";
  text += R"({"name":"process_name","ph":"M","pid":1,"args":{"name":"heed"}})";
  const auto event = [&](const std::string& what, uint32_t thread, double begin, double seconds) {
    text += fmt::format(",\n{{{},\"ph\":\"X\",\"pid\":1,\"tid\":{},\"ts\":{:.3f},\"dur\":{:.3f}}}", what,
                        thread, 1e6 * begin, 1e6 * seconds);
  };
  for (const ProfileSpan& span : profile.spans)
    event(fmt::format(R"("name":{},"cat":"phase")", quoted(profile.parts[span.part].name)), span.thread,
          span.begin, span.seconds);
  for (const ProfileEvent& e : profile.events) event(rows[e.row], e.thread, e.begin, e.seconds);
  return text + "\n],\"heed\":" +
         summary_json(profile, machine).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) +
         "}\n";
}

Profiling::Profiling(std::string file) : file_(std::move(file)) {
  if (file_.empty()) return;
  machine_ = measure_machine();
  profiler_.emplace();
}

void Profiling::name_layers(std::span<const nn::Module* const> models) {
  if (!profiler_) return;
  for (size_t i = 0; i < models.size(); ++i)
    nn::name_layers(*profiler_, *models[i], i == 0 ? "" : fmt::format("{}:", i + 1));
}

void Profiling::finish() {
  if (!profiler_) return;
  const Profile profile = profiler_->take();
  profiler_.reset();
  write_output(file_, profile_trace(profile, machine_));
  note("\n{}", profile_tables(profile, machine_));
  if (profile.events_left_out > 0) {
    note("the trace has the first {} calls of {}; the tables and its key \"heed\" have all\n",
         profile.events.size(), static_cast<int64_t>(profile.events.size()) + profile.events_left_out);
  }
}

}  // namespace heed::apps
