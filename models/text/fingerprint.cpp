#include "models/text/fingerprint.h"

#include <fmt/format.h>

namespace heed::models {

void Fingerprint::add(std::string_view piece) {
  for (const char c : piece) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
}

std::string Fingerprint::str() const { return fmt::format("{:016x}", hash_); }

std::string fingerprint(std::string_view text) {
  Fingerprint result;
  result.add(text);
  return result.str();
}

}  // namespace heed::models
