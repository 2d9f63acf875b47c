// Spellings of older versions, answered with the ones of today.
#pragma once

#include <string>
#include <string_view>

namespace heed::apps {

/// What an option is called now.
/// @param command "translator train", "heatmap"
/// @param old as it was given, "--out"
/// @return "--output", with how to use it where that changed; "" for what was never called otherwise
std::string renamed(std::string_view command, std::string_view old);

}  // namespace heed::apps
