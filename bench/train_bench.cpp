// Times a full training step, forward, backward, gradient norm and Adam: of the recurrent translator on
// twelve batches of 64 sentences, of the Transformer on four of 4096 target tokens: train_bench
// [--benchmark_filter=additive/1]. An iteration is one batch; the rate counts target tokens without padding.
#include <benchmark/benchmark.h>

#include "bench/heed_cases.h"

namespace {

void train_step(benchmark::State& state, const char* kind) {
  heed::set_num_threads(static_cast<int>(state.range(0)));
  heed::bench::Training training(kind);
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
  for (const char* kind : {"none", "additive", "transformer"}) {
    auto* timed =
        benchmark::RegisterBenchmark(kind, [kind](benchmark::State& state) { train_step(state, kind); });
    timed->ArgName("threads")->UseRealTime()->Unit(benchmark::kMillisecond)->Iterations(36)->Arg(1);
    if (heed::available_threads() > 1) timed->Arg(2);
  }
  benchmark::RunSpecifiedBenchmarks();
}
