// A hash that detects whether a text was changed; not a cryptographic one.
#pragma once

#include <string>
#include <string_view>

namespace heed::models {

/// The 64-bit FNV-1a hash of a text.
/// @param text any bytes
/// @return 16 hexadecimal digits
std::string fingerprint(std::string_view text);

}  // namespace heed::models
