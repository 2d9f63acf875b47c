// The most memory that training and translating hold, each case in a process of its own: memory_bench
// [--json FILE]. Peak resident size as the system counts it, less what the program has before it begins; and
// the most that heed's pool had lent.
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/heed_cases.h"
#include "bench/run_context.h"
#include "framework/build_info.h"
#include "models/models.h"

namespace {

using namespace heed;

struct MemoryCase {
  std::string name;
  std::function<void()> run;
};

void train(const std::string& kind) {
  bench::Training training(kind);
  for (size_t round = 0; round < 2; ++round) {
    for (size_t i = 0; i < training.batches().size(); ++i) training.step(i);
  }
}

void translate(const std::string& kind, int beam, models::Products products) {
  const auto model = bench::make_translator(kind);
  workload::Random random(3);
  std::vector<std::vector<int>> sources;
  for (const auto& [source, target] : workload::sorted_lengths(192, random)) {
    std::vector<int> ids(static_cast<size_t>(source), workload::kFirstWord);
    ids.back() = workload::kEos;
    sources.push_back(std::move(ids));
  }
  models::SearchOptions options;
  options.beam = beam;
  options.products = products;
  options.keep_attention = false;
  options.batch_size = 64;
  options.min_length = options.max_length = 15;
  const models::TranslationModel* const models[] = {model.get()};
  models::search(models, sources, options);
}

std::vector<MemoryCase> cases() {
  std::vector<MemoryCase> all;
  for (const char* kind : {"none", "additive", "transformer"}) {
    all.push_back({fmt::format("train {}", kind), [kind] { train(kind); }});
  }
  for (const char* kind : {"none", "additive", "transformer", "convolutional"}) {
    for (const int beam : {1, 5}) {
      for (const models::Products products :
           {models::Products::f32, models::Products::bf16, models::Products::int8}) {
        all.push_back(
            {fmt::format("translate {}, batch 64, beam {}, {}", kind, beam, models::name_of_choice(products)),
             [=] { translate(kind, beam, products); }});
      }
    }
  }
  return all;
}

struct Measured {
  int64_t resident = 0, pool = 0;
};

int64_t resident_now() {
  int64_t pages = 0, resident = 0;
  if (std::FILE* const file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%ld %ld", &pages, &resident) != 2) resident = 0;
    std::fclose(file);
  }
  return resident * ::sysconf(_SC_PAGESIZE);
}

// In a child, so that every case begins with nothing.
Measured measure(const MemoryCase& one) {
  int ends[2];
  if (::pipe(ends) != 0) throw std::runtime_error("no pipe");
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error(std::string("no process: ") + std::strerror(errno));
  if (child == 0) {
    set_num_threads(1);
    const int64_t before = resident_now();
    reset_peak_memory();
    one.run();
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const Measured seen{usage.ru_maxrss * 1024 - before, memory_stats().peak_bytes};
    const bool written = ::write(ends[1], &seen, sizeof seen) == sizeof seen;
    ::_exit(written ? 0 : 1);
  }
  ::close(ends[1]);
  Measured seen;
  const bool read = ::read(ends[0], &seen, sizeof seen) == sizeof seen;
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (!read || status != 0) throw std::runtime_error(one.name + " failed");
  return seen;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 1 && (argc != 3 || std::strcmp(argv[1], "--json") != 0)) {
    fmt::print(stderr, "memory_bench: takes --json FILE or nothing\n");
    return 2;
  }
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  fmt::print("{:<52} {:>12} {:>12}\n", "one thread", "resident MB", "of the pool");
  for (const MemoryCase& one : cases()) {
    Measured seen;
    try {
      seen = measure(one);
    } catch (const std::exception& error) {
      fmt::print(stderr, "memory_bench: {}\n", error.what());
      return 1;
    }
    fmt::print("{:<52} {:>12.1f} {:>12.1f}\n", one.name, static_cast<double>(seen.resident) / 1e6,
               static_cast<double>(seen.pool) / 1e6);
    std::fflush(stdout);
    rows.push_back({{"case", one.name}, {"resident_bytes", seen.resident}, {"pool_bytes", seen.pool}});
  }
  if (argc == 1) return 0;
  try {
    run_context::store(argv[2], run_context::of({build_info().str()}, "memory_bench"), rows);
  } catch (const std::exception& error) {
    fmt::print(stderr, "memory_bench: {}\n", error.what());
    return 1;
  }
}
