#include "apps/common/streams.h"

#include "framework/io/file.h"

namespace heed::apps {

void write_output(const std::string& path, std::string_view text) {
  write_file_atomically(path == "-" ? "/dev/stdout" : path, text);
}

std::string input_path(const std::string& path) { return path == "-" ? "/dev/stdin" : path; }

void write_json(const std::string& path, const nlohmann::ordered_json& report) {
  if (!path.empty())
    write_output(path, report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

}  // namespace heed::apps
