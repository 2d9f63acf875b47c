// JSON of files that nobody vouches for.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace heed::models {

/// Whether values lie in one another deeper than in any file that heed reads. nlohmann/json parses them, but
/// copies, compares and writes them by recursion, which overflows the stack.
/// @param json text
/// @return whether it has more than 200 open brackets somewhere
bool nests_too_deeply(std::string_view json);

/// Parses JSON.
/// @param text of the file, or of a line
/// @return the value; is_discarded() where it is no JSON, or nests_too_deeply()
template <class Json = nlohmann::json>
Json parse_json(std::string_view text) {
  if (nests_too_deeply(text)) return Json(Json::value_t::discarded);
  return Json::parse(text, nullptr, /*allow_exceptions=*/false);
}

/// A whole number, where nlohmann/json would also convert 1e300 or cut 4294967296 down to 0.
/// @param value any value
/// @param least,most its range
/// @return the number; nullopt for one that is outside, or that has a fraction or an exponent
std::optional<int64_t> whole_number(const nlohmann::json& value, int64_t least, int64_t most);

}  // namespace heed::models
