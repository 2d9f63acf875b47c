// Tells a text that was changed, no more.
#pragma once

#include <string>
#include <string_view>

namespace heed::models {

/// FNV-1a, 64 bits.
/// @param text any bytes
/// @return 16 hexadecimal digits
std::string fingerprint(std::string_view text);

}  // namespace heed::models
