// Philox 4x32-10 counter random numbers (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3",
// sec. 3.3).
//
// Each number is a pure function of (seed, counter), so it is the same on every machine and for any number of
// threads, and dropout can recompute its mask in backward instead of storing it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

namespace heed {

/// Philox 4x32-10: ten rounds on a 128-bit counter with a 64-bit key.
/// @param seed the key
/// @param stream,index the upper and the lower half of the counter
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

/// A source of random numbers: a seed and the number of draws made so far. Checkpoints save and restore it.
/// One draw (next_stream()) supplies all random numbers of one tensor or one dropout mask.
class Generator {
 public:
  /// The complete state of a generator.
  struct State {
    uint64_t seed = 0;   // selects the sequence of numbers
    uint64_t draws = 0;  // how many draws were made
    bool operator==(const State&) const = default;
  };
  /// @param seed selects the sequence of numbers
  explicit Generator(uint64_t seed = 0) : state_{seed, 0} {}
  /// @return the seed
  uint64_t seed() const { return state_.seed; }
  /// @return the number of this draw, to be passed to philox() as its `stream`
  uint64_t next_stream() { return state_.draws++; }
  /// @return 64 random bits; counts as one draw
  uint64_t next_uint64() {
    const auto words = philox(state_.seed, next_stream(), 0);
    return uint64_t{words[1]} << 32 | words[0];
  }
  /// A uniform random integer, without modulo bias.
  /// @param bound above 0
  /// @return in [0, bound)
  /// @throws ValueError for a bound of 0
  uint64_t next_below(uint64_t bound);
  /// @return the state to store in a checkpoint
  State state() const { return state_; }
  /// @param state a result of state()
  void set_state(State state) { state_ = state; }

 private:
  State state_;
};

/// The generator that initialisers, dropout and the random tensor functions draw from; each thread has its
/// own.
/// @return the calling thread's generator. A thread that never called manual_seed starts, when it draws its
///   first number, from the process's seed (0 until manual_seed is called) at a draw number reserved for it;
///   these are assigned in the order in which threads draw their first number
Generator& default_generator();
/// Sets the calling thread's generator to a state while it exists; then the thread goes on where it was.
class GeneratorScope {
 public:
  /// @param begin what the thread draws from
  explicit GeneratorScope(Generator::State begin);
  ~GeneratorScope();
  GeneratorScope(const GeneratorScope&) = delete;
  GeneratorScope& operator=(const GeneratorScope&) = delete;

 private:
  std::optional<Generator> before_;  // none: the thread had not drawn yet, and has no number for it
};
/// Restarts the calling thread's generator, and sets the seed for threads that have not drawn yet; threads
/// that have drawn continue unchanged. For reproducible numbers in several threads, call it in each thread
/// with a different seed.
/// @param seed selects the sequence of numbers
void manual_seed(uint64_t seed);

}  // namespace heed
