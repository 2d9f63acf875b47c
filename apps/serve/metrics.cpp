#include "apps/serve/metrics.h"

#include <fmt/format.h>

namespace heed::serve {

void Metrics::add(const std::string& path, int status, double seconds) {
  const std::lock_guard lock(mutex_);
  ++requests_[{path, status}];
  Seconds& of_path = seconds_[path];
  size_t bucket = 0;
  while (bucket < kBounds.size() && seconds > kBounds[bucket]) ++bucket;
  ++of_path.buckets[bucket];
  of_path.sum += seconds;
  ++of_path.count;
}

std::string Metrics::text() const {
  const std::lock_guard lock(mutex_);
  std::string text = "# HELP heed_requests_total Requests answered.\n# TYPE heed_requests_total counter\n";
  for (const auto& [key, count] : requests_)
    text +=
        fmt::format("heed_requests_total{{path=\"{}\",status=\"{}\"}} {}\n", key.first, key.second, count);
  text +=
      "# HELP heed_request_seconds Seconds from a whole request to its reply.\n"
      "# TYPE heed_request_seconds histogram\n";
  for (const auto& [path, of_path] : seconds_) {
    int64_t sum = 0;
    for (size_t i = 0; i < kBounds.size(); ++i) {
      sum += of_path.buckets[i];
      text += fmt::format("heed_request_seconds_bucket{{path=\"{}\",le=\"{}\"}} {}\n", path, kBounds[i], sum);
    }
    text += fmt::format(
        "heed_request_seconds_bucket{{path=\"{0}\",le=\"+Inf\"}} {1}\n"
        "heed_request_seconds_sum{{path=\"{0}\"}} {2:.6f}\nheed_request_seconds_count{{path=\"{0}\"}} {1}\n",
        path, of_path.count, of_path.sum);
  }
  return text;
}

std::string metric(const char* name, const char* type, const char* help, double value) {
  return fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n{0} {3}\n", name, type, help, value);
}

}  // namespace heed::serve
