// Times a full training step, forward, backward, gradient norm and Adam: of the recurrent translator on
// twelve batches of 64 sentences, of the Transformer on four of 4096 target tokens: train_bench
// [--benchmark_filter=additive/1]. An iteration is one batch; the rate counts target tokens without padding.
// "over GEMM" is the time of a step over that of its matrix products alone, at the rate of products of 512 x
// 512, which are measured after every step.
#include <benchmark/benchmark.h>

#include <chrono>
#include <vector>

#include "bench/heed_cases.h"

namespace {

// GFLOP/s of products of 512 x 512 matrices.
class Products {
 public:
  void measure() {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < kTogether; ++i) heed::matmul(a_, b_);
    seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    products_ += kTogether;
  }
  double rate() const { return 2.0 * kExtent * kExtent * kExtent * products_ / seconds_ / 1e9; }

 private:
  static constexpr int64_t kExtent = 512;
  static constexpr int kTogether = 4;
  const heed::Tensor a_ = heed::randn({kExtent, kExtent}), b_ = heed::randn({kExtent, kExtent});
  double products_ = 0, seconds_ = 0;
};

void train_step(benchmark::State& state, const char* kind) {
  heed::set_num_threads(static_cast<int>(state.range(0)));
  heed::bench::Training training(kind);
  const size_t count = training.batches().size();
  std::vector<double> flops;
  for (size_t i = 0; i < count; ++i) {
    const heed::FlopCounter counter;
    training.step(i);
    flops.push_back(static_cast<double>(counter.count()));
  }
  Products products;
  size_t batch = 0;
  int64_t tokens = 0;
  double work = 0, seconds = 0;
  for (auto _ : state) {
    const auto begin = std::chrono::steady_clock::now();
    training.step(batch % count);
    seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    state.PauseTiming();
    products.measure();
    work += flops[batch % count];
    tokens += training.batches()[batch++ % count].target_tokens;
    state.ResumeTiming();
  }
  state.counters["tokens/s"] = benchmark::Counter(static_cast<double>(tokens), benchmark::Counter::kIsRate);
  state.counters["sgemm GFLOP/s"] = products.rate();
  state.counters["over GEMM"] = seconds * products.rate() / (work / 1e9);
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
