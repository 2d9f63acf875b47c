// Attention with and without stored scores: CPU time of one thread and memory of the pool by length.
//   attention_bench [LENGTH...]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "framework/core/memory_pool.h"
#include "framework/core/parallel.h"
#include "framework/framework.h"

namespace {

using namespace heed;

constexpr int64_t kHeads = 8, kSize = 512;

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

void measure(int64_t T, bool causal, bool flash) {
  const Tensor joint = randn({1, T, 3 * kSize}).set_requires_grad(true), g = randn({1, T, kSize});
  const auto part = [&](int64_t i) { return slice(joint, 2, i * kSize, (i + 1) * kSize); };
  const auto context = [&] {
    return flash ? flash_attention(part(0), part(1), part(2), {}, kHeads, causal)
                 : scaled_dot_attention(part(0), part(1), part(2), {}, kHeads, causal).context;
  };
  double forward = 1e9, both = 1e9;
  int64_t peak = 0, kept = 0;
  for (int64_t i = 0; i < std::clamp<int64_t>(10000 / T, 2, 60); ++i) {
    {
      const NoGradGuard no_grad;
      const double start = cpu_seconds();
      context();
      forward = std::min(forward, cpu_seconds() - start);
    }
    joint.zero_grad();
    reset_peak_memory();
    const int64_t before = memory_stats().active_bytes;
    const double start = cpu_seconds();
    const Tensor y = context();
    kept = memory_stats().active_bytes - before;
    y.backward(g);
    both = std::min(both, cpu_seconds() - start);
    peak = memory_stats().peak_bytes - before;
  }
  std::printf("%5ld %-7s %-7s %9.2f ms forward %9.2f ms with backward %8.1f MB kept %8.1f MB at most\n",
              static_cast<long>(T), causal ? "causal" : "whole", flash ? "flash" : "stored", 1e3 * forward,
              1e3 * both, static_cast<double>(kept) / 1e6, static_cast<double>(peak) / 1e6);
}

}  // namespace

int main(int argc, char** argv) {
  heed::set_num_threads(1);
  std::vector<int64_t> lengths;
  for (int i = 1; i < argc; ++i) lengths.push_back(std::max(1, std::atoi(argv[i])));
  if (lengths.empty()) lengths = {64, 256, 512, 1024, 2048, 4096};
  for (const bool causal : {true, false}) {
    for (const int64_t T : lengths) {
      measure(T, causal, false);
      measure(T, causal, true);
    }
  }
}
