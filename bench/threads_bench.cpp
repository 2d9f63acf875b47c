// What a second thread saves, by size: times of one thread and of two in turn.
//   threads_bench [SIZE...]
// A row has a size n of n x n tensors, and for each op the microseconds of one thread and the median of the
// ratios to those of two: above 1, two are faster.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "framework/core/parallel.h"
#include "framework/framework.h"

namespace {

using namespace heed;
using Op = std::pair<std::string, std::function<void()>>;

double microseconds(const std::function<void()>& f, int threads) {
  set_num_threads(threads);
  int64_t calls = 0;
  const auto start = std::chrono::steady_clock::now();
  double seconds = 0;
  do {
    for (int i = 0; i < 4; ++i) f();
    calls += 4;
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  } while (seconds < 0.004);
  return 1e6 * seconds / static_cast<double>(calls);
}

std::vector<Op> ops_of(int64_t n) {
  const Tensor a = randn({n, n}), b = randn({n, n}), gain = randn({n}), bias = randn({n});
  const Tensor x = randn({n, n}).set_requires_grad(true), w = randn({n, n}).set_requires_grad(true);
  const Tensor sequence = a.reshape({1, n, n});
  return {{"matmul", [=] { matmul(a, b); }},
          {"by transpose", [=] { matmul(a, transpose(b)); }},
          {"of transpose", [=] { matmul(transpose(a), b); }},
          {"add", [=] { add(a, b); }},
          {"exp", [=] { exp(a); }},
          {"softmax", [=] { softmax(a, -1); }},
          {"layer_norm", [=] { layer_norm(a, gain, bias); }},
          {"sum dim 0", [=] { sum(a, {0}); }},
          {"transposed copy", [=] { transpose(a).contiguous(); }},
          {"linear step", [=] { linear(x, w).sum().backward(); }},
          {"tanh layer step", [=] { tanh(linear(x, w)).square().mean().backward(); }},
          {"attention", [=] { scaled_dot_attention(sequence, sequence, sequence, {}, 4, true); }}};
}

void measure(int64_t n) {
  std::printf("%4ld", static_cast<long>(n));
  for (const auto& [name, f] : ops_of(n)) {
    microseconds(f, 1), microseconds(f, 2);
    std::vector<double> one, ratios;
    for (int round = 0; round < 11; ++round) {
      one.push_back(microseconds(f, 1));
      ratios.push_back(one.back() / microseconds(f, 2));
    }
    std::ranges::sort(one);
    std::ranges::sort(ratios);
    std::printf("  %s %.1f %.2f", name.c_str(), one[one.size() / 2], ratios[ratios.size() / 2]);
  }
  std::printf("\n");
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<int64_t> sizes;
  for (int i = 1; i < argc; ++i) sizes.push_back(std::clamp(std::atoi(argv[i]), 4, 4096) / 4 * 4);
  if (sizes.empty()) sizes = {32, 64, 96, 128, 192, 256, 384, 512};
  for (const int64_t n : sizes) measure(n);
}
