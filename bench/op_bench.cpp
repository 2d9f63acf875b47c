// Times heed's ops at the translator's shapes with 1 and 2 threads: op_bench [--benchmark_filter=lstm].
#include <benchmark/benchmark.h>

#include "bench/heed_cases.h"

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  for (const workload::CaseName& entry : workload::case_names()) {
    const std::string name = entry.name;
    if (name.rfind("train_step", 0) == 0) continue;
    auto* timed = benchmark::RegisterBenchmark(name.c_str(), [name, shape = entry.shape](benchmark::State& state) {
      heed::set_num_threads(static_cast<int>(state.range(0)));
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
