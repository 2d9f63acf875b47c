#include "framework/core/random.h"

#include "framework/core/error.h"

namespace heed {

uint64_t Generator::next_below(uint64_t bound) {
  if (bound == 0) throw ValueError("next_below: nothing is below 0");
  const uint64_t limit = UINT64_MAX - UINT64_MAX % bound;  // values from here on would favour small results
  for (;;) {
    if (const uint64_t x = next_uint64(); x < limit) return x % bound;
  }
}

Generator& default_generator() {
  thread_local Generator generator;
  return generator;
}

void manual_seed(uint64_t seed) { default_generator() = Generator(seed); }

}  // namespace heed
