// Files that a command reads and writes, "-" for a stream.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace heed::apps {

/// Writes a file, or standard output for "-".
void write_output(const std::string& path, std::string_view text);
/// What an input option names: "-" is standard input.
std::string input_path(const std::string& path);

/// Writes a report where --json asked for it; nothing when `path` is empty.
void write_json(const std::string& path, const nlohmann::ordered_json& report);

}  // namespace heed::apps
