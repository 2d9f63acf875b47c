// The files of viewer/, as the build puts them into the program (cmake/text_files.cmake).
#pragma once

#include <string>
#include <string_view>

namespace heed::heatmap {

/// The content of "style.css" or another file of viewer/; empty for a name that is none.
std::string text_file(std::string_view name);

}  // namespace heed::heatmap
