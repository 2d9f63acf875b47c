// Tells a text that was changed, no more.
#pragma once

#include <string>
#include <string_view>

namespace heed::apps {

/// FNV-1a, 64 bits, as 16 hexadecimal digits.
std::string fingerprint(std::string_view text);

}  // namespace heed::apps
