// SplitMix64 [Steele, Lea & Flood 2014]: the same integers on every machine, which <random>'s distributions
// do not promise.
#pragma once

#include <cstdint>

#include "models/text/fingerprint.h"

namespace heed::models {

class DemoRandom {
 public:
  explicit DemoRandom(uint64_t seed) : state_(seed) {}

  uint64_t next() { return mixed_bits(state_ += 0x9E3779B97F4A7C15ULL); }
  /// Uniform over 0, ..., n - 1, for n > 0 far below 2^32.
  int below(int n) { return static_cast<int>(((next() >> 32) * static_cast<uint64_t>(n)) >> 32); }
  /// Uniform over low, ..., high.
  int between(int low, int high) { return low + below(high - low + 1); }
  bool chance(int percent) { return below(100) < percent; }

 private:
  uint64_t state_;
};

}  // namespace heed::models
