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

// Process-wide: the seed last set by manual_seed, and the number of threads that have a generator.
std::atomic<uint64_t> process_seed{0};
std::atomic<uint64_t> thread_count{0};

// A new thread uses the process's seed and starts 2^40 draws after the previous thread, so that their streams
// never overlap.
Generator generator_of_new_thread() {
  Generator generator;
  generator.set_state({.seed = process_seed.load(), .draws = thread_count.fetch_add(1) << 40});
  return generator;
}

thread_local std::optional<Generator> own_generator;  // none until the thread draws

}  // namespace

Generator& default_generator() {
  if (!own_generator) own_generator = generator_of_new_thread();
  return *own_generator;
}

GeneratorScope::GeneratorScope(Generator::State begin) : before_(own_generator) {
  own_generator.emplace().set_state(begin);
}
GeneratorScope::~GeneratorScope() { own_generator = before_; }

void manual_seed(uint64_t seed) {
  // created first, so that this thread has its number before other threads see the new seed
  Generator& mine = default_generator();
  process_seed.store(seed);
  mine = Generator(seed);
}

}  // namespace heed
