// A hash that detects whether a text was changed; not a cryptographic one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace heed::models {

/// The last step of SplitMix64 [Steele, Lea & Flood 2014]: a bijection after which each bit depends on all.
/// @param x any number
/// @return the mixed number
constexpr uint64_t mixed_bits(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
  return x ^ (x >> 31);
}

/// The 64-bit FNV-1a hash of a text.
/// @param text any bytes
/// @return 16 hexadecimal digits
std::string fingerprint(std::string_view text);

/// The same hash of a text that comes in pieces.
class Fingerprint {
 public:
  /// @param piece the next bytes of the text
  void add(std::string_view piece);
  /// @return the hash of all bytes so far as a number
  uint64_t value() const { return hash_; }
  /// @return the hash of all bytes so far as 16 hexadecimal digits
  std::string str() const;

 private:
  uint64_t hash_ = 0xcbf29ce484222325U;
};

}  // namespace heed::models
