// Times a full training step of the translator, forward, backward, gradient norm and Adam, on twelve batches of 64 sentences:
// train_bench [--benchmark_filter=additive/1]. An iteration is one batch; the rate counts target tokens without padding.
#include <benchmark/benchmark.h>

#include "bench/heed_cases.h"

namespace {

void train_step(benchmark::State& state, const char* attention) {
  heed::set_num_threads(static_cast<int>(state.range(0)));
  heed::bench::Training training(attention);
  const size_t count = training.batches().size();
  for (size_t i = 0; i < count; ++i) training.step(i);
  size_t batch = 0;
  int64_t tokens = 0;
  for (auto _ : state) {
    training.step(batch % count);
    tokens += training.batches()[batch++ % count].target_tokens;
  }
  state.counters["tokens/s"] = benchmark::Counter(static_cast<double>(tokens), benchmark::Counter::kIsRate);
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  for (const char* attention : {"none", "additive"}) {
    auto* timed = benchmark::RegisterBenchmark(attention, [attention](benchmark::State& state) { train_step(state, attention); });
    timed->ArgName("threads")->UseRealTime()->Unit(benchmark::kMillisecond)->Iterations(36)->Arg(1);
    if (heed::available_threads() > 1) timed->Arg(2);
  }
  benchmark::RunSpecifiedBenchmarks();
}
