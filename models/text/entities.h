// The characters that the Moses tokenizer writes as XML entities.
#pragma once

#include <array>
#include <string_view>
#include <utility>

namespace heed::models {

/// Pairs of an entity and its character.
inline constexpr std::array<std::pair<std::string_view, char32_t>, 8> kEntities = {{{"&amp;", U'&'},
                                                                                    {"&apos;", U'\''},
                                                                                    {"&quot;", U'"'},
                                                                                    {"&lt;", U'<'},
                                                                                    {"&gt;", U'>'},
                                                                                    {"&#124;", U'|'},
                                                                                    {"&#91;", U'['},
                                                                                    {"&#93;", U']'}}};

/// @param text UTF-8
/// @return the entity that the text starts with, or nullptr
inline const std::pair<std::string_view, char32_t>* entity_at(std::string_view text) {
  if (!text.starts_with('&')) return nullptr;
  for (const auto& entity : kEntities)
    if (text.starts_with(entity.first)) return &entity;
  return nullptr;
}

}  // namespace heed::models
