#include "framework/core/random.h"

#include <atomic>

#include "framework/core/distributions.h"
#include "framework/core/error.h"

namespace heed {

uint64_t Generator::next_below(uint64_t bound) {
  if (bound == 0) throw ValueError("next_below", "nothing is below 0");
  for (;;) {
    if (const auto x = detail::below_from(next_uint64(), bound)) return *x;
  }
}

namespace {

// Of the process: what manual_seed set last, and how many threads have a generator.
std::atomic<uint64_t> process_seed{0};
std::atomic<uint64_t> thread_count{0};

// A thread begins with the process's seed, 2^40 draws behind the thread before it, so that no two of them meet.
Generator generator_of_new_thread() {
  Generator generator;
  generator.set_state({.seed = process_seed.load(), .draws = thread_count.fetch_add(1) << 40});
  return generator;
}

}  // namespace

Generator& default_generator() {
  thread_local Generator generator = generator_of_new_thread();
  return generator;
}

void manual_seed(uint64_t seed) {
  Generator& mine = default_generator();  // has its number among the threads before the others see the seed
  process_seed.store(seed);
  mine = Generator(seed);
}

}  // namespace heed
