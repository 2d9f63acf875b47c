// The 16-bit floating-point formats of files: binary16 (F16) and bfloat16 (BF16), as bit patterns.
#pragma once

#include <bit>
#include <cstdint>

namespace heed {

/// Widens a bfloat16, which is the upper half of a float; exact.
/// @param bits bit pattern of a bfloat16
/// @return its value
constexpr float from_bf16(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16U); }

/// Rounds to the nearest bfloat16, ties to even; beyond the largest one it is infinity.
/// @param value any float
/// @return its bit pattern; a NaN stays a NaN
constexpr uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7FFFFFFFU) > 0x7F800000U) return static_cast<uint16_t>((bits >> 16U) | 0x40U);  // quiet
  return static_cast<uint16_t>((bits + 0x7FFFU + ((bits >> 16U) & 1U)) >> 16U);
}

/// Widens a binary16 (IEEE 754-2008: 1 sign bit, 5 exponent bits, 10 fraction bits); exact.
/// @param bits bit pattern of a binary16
/// @return its value
constexpr float from_f16(uint16_t bits) {
  const uint32_t sign = (bits & 0x8000U) << 16U, exponent = (bits >> 10U) & 0x1FU, fraction = bits & 0x3FFU;
  if (exponent == 0) {  // zero or subnormal: fraction * 2^-24
    const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
    return std::bit_cast<float>(std::bit_cast<uint32_t>(magnitude) | sign);
  }
  const uint32_t wide = exponent == 31 ? 255 : exponent + 112;  // biases 15 and 127
  return std::bit_cast<float>(sign | (wide << 23U) | (fraction << 13U));
}

/// Rounds to the nearest binary16, ties to even; from 65520 on it is infinity, up to 2^-25 it is zero.
/// @param value any float
/// @return its bit pattern; a NaN stays a NaN
constexpr uint16_t to_f16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (bits >> 16U) & 0x8000U, magnitude = bits & 0x7FFFFFFFU;
  if (magnitude > 0x7F800000U)
    return static_cast<uint16_t>(sign | 0x7E00U | ((magnitude >> 13U) & 0x3FFU));  // quiet
  if (magnitude >= 0x477FF000U) return static_cast<uint16_t>(sign | 0x7C00U);      // 65520
  if (magnitude < 0x38800000U) {  // below 2^-14, the least normal one: in steps of 2^-24
    const uint32_t exponent = magnitude >> 23U;
    if (exponent < 102) return static_cast<uint16_t>(sign);  // below 2^-25
    const uint32_t fraction = (magnitude & 0x7FFFFFU) | 0x800000U, shift = 126 - exponent;
    const uint32_t half = 1U << (shift - 1), whole = fraction >> shift, rest = fraction & ((1U << shift) - 1);
    return static_cast<uint16_t>(sign | (whole + (rest > half || (rest == half && (whole & 1U) != 0))));
  }
  const uint32_t rebased = magnitude - (112U << 23U);
  return static_cast<uint16_t>(sign | ((rebased + 0xFFFU + ((rebased >> 13U) & 1U)) >> 13U));
}

}  // namespace heed
