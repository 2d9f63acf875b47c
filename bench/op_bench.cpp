// Times heed's ops, at the translator's shapes and every op of the table, with 1 and 2 threads: op_bench
// [--autocast]
// [--benchmark_filter=lstm]. --autocast times them under bf16 autocast.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "bench/heed_cases.h"
#include "bench/programs/programs.h"
#include "framework/core/autocast.h"

int main(int argc, char** argv) {
  char** const end = std::remove_if(
      argv + 1, argv + argc, [](const char* given) { return std::string_view(given) == "--autocast"; });
  const bool autocast = end != argv + argc;
  argc = static_cast<int>(end - argv);
  benchmark::Initialize(&argc, argv);
  std::vector<workload::CaseName> names = workload::case_names();
  std::ranges::copy(workload::op_case_names(), std::back_inserter(names));
  std::ranges::copy(workload::program_names(), std::back_inserter(names));
  for (const workload::CaseName& entry : names) {
    const std::string name = entry.name;
    if (name.rfind("train_step", 0) == 0) continue;
    auto* timed = benchmark::RegisterBenchmark(
        name.c_str(), [name, autocast, shape = entry.shape](benchmark::State& state) {
          heed::set_num_threads(static_cast<int>(state.range(0)));
          const heed::AutocastGuard guard(autocast);
          const workload::Case c = heed::bench::make_case(name);
          c.run();
          for (auto _ : state) c.run();
          state.SetLabel(shape);
        });
    timed->ArgName("threads")->UseRealTime()->Unit(benchmark::kMicrosecond)->Arg(1);
    if (heed::available_threads() > 1) timed->Arg(2);
  }
  benchmark::RunSpecifiedBenchmarks();
}
