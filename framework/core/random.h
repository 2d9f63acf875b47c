// Philox 4x32-10 counter random numbers (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", sec. 3.3).
//
// A number is a pure function of (seed, counter): the same on every machine and at every thread count, and dropout can make
// its mask again in backward instead of storing it.
#pragma once

#include <array>
#include <cstdint>

namespace heed {

/// Ten rounds on a 128-bit counter with a 64-bit key.
/// @param seed the key
/// @param stream,index the counter's halves
/// @return four words of 32 random bits
inline std::array<uint32_t, 4> philox(uint64_t seed, uint64_t stream, uint64_t index) {
  auto c0 = static_cast<uint32_t>(index), c1 = static_cast<uint32_t>(index >> 32);
  auto c2 = static_cast<uint32_t>(stream), c3 = static_cast<uint32_t>(stream >> 32);
  auto k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53} * c0, p1 = uint64_t{0xCD9E8D57} * c2;
    c0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0;
    c1 = static_cast<uint32_t>(p1);
    c2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c3 = static_cast<uint32_t>(p0);
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return {c0, c1, c2, c3};
}

/// A stream of random numbers: a seed and how many draws were made. Saved and restored with a checkpoint.
/// One draw (`next_stream`) names the numbers of one tensor or one dropout mask.
class Generator {
 public:
  /// All there is to a generator.
  struct State {
    uint64_t seed = 0;   // names the sequence
    uint64_t draws = 0;  // how many streams were taken
    bool operator==(const State&) const = default;
  };
  /// @param seed names the sequence
  explicit Generator(uint64_t seed = 0) : state_{seed, 0} {}
  /// @return what names the sequence
  uint64_t seed() const { return state_.seed; }
  /// @return the number of the next draw, for philox(seed(), it, index)
  uint64_t next_stream() { return state_.draws++; }
  /// @return 64 random bits; one draw
  uint64_t next_uint64() {
    const auto words = philox(state_.seed, next_stream(), 0);
    return uint64_t{words[1]} << 32 | words[0];
  }
  /// Uniform, without bias.
  /// @param bound above 0
  /// @return in [0, bound)
  /// @throws ValueError for a bound of 0
  uint64_t next_below(uint64_t bound);
  /// @return what a checkpoint stores
  State state() const { return state_; }
  /// @param state as state() gave it
  void set_state(State state) { state_ = state; }

 private:
  State state_;
};

/// What initialisers and dropout draw from.
/// @return the calling thread's generator. A thread that never called manual_seed begins, at its first number, with the process's seed (0
/// until manual_seed) and a part of the streams of its own, in the order in which threads draw their first number
Generator& default_generator();
/// Starts the calling thread's generator anew, and sets the seed of threads that have not drawn yet; those that have go on as they were.
/// Threads that each want reproducible numbers call it themselves, each with a seed of its own.
/// @param seed names the sequence
void manual_seed(uint64_t seed);

}  // namespace heed
