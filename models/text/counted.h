// A number with its noun, for messages: "1 line", "2 lines".
#pragma once

#include <fmt/format.h>

#include <concepts>
#include <string>
#include <string_view>

namespace heed::models {

/// @param number how many
/// @param noun of one, whose plural ends in s
/// @return "1 line", "0 lines"
std::string counted(std::integral auto number, std::string_view noun) {
  return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

}  // namespace heed::models
