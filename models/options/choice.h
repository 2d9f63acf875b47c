// Enums as options: the names of their values.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace heed::models {

/// The names of an enum's values, in the order of the values; specialised next to each enum that is used as
/// an option.
template <class Enum>
inline constexpr std::array<std::string_view, 0> kNames{};

/// @param value value of an enum that has kNames
/// @return its name
template <class Enum>
std::string name_of_choice(Enum value) {
  return std::string(kNames<Enum>[static_cast<size_t>(value)]);
}

/// @param name a name
/// @return the value of that name, or nothing if no value has it
template <class Enum>
std::optional<Enum> choice_named(std::string_view name) {
  const auto found = std::find(kNames<Enum>.begin(), kNames<Enum>.end(), name);
  if (found == kNames<Enum>.end()) return std::nullopt;
  return static_cast<Enum>(found - kNames<Enum>.begin());
}

}  // namespace heed::models
