// Counts of a server in the text form of Prometheus (exposition format 0.0.4).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace heed::serve {

/// Requests by path and status, and their seconds.
class Metrics {
 public:
  /// @param path one of the server's own
  /// @param status of HTTP
  /// @param seconds from the whole request to the reply
  void add(const std::string& path, int status, double seconds);
  /// @return heed_requests_total and heed_request_seconds
  std::string text() const;

 private:
  static constexpr std::array kBounds{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0};
  struct Seconds {
    std::array<int64_t, kBounds.size() + 1> buckets{};
    double sum = 0;
    int64_t count = 0;
  };
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, int>, int64_t> requests_;
  std::map<std::string, Seconds> seconds_;
};

/// One number in that form, with its help and type.
/// @param name such as heed_sentences_total
/// @param type counter or gauge
/// @param help one line
/// @param value the number
/// @return three lines
std::string metric(const char* name, const char* type, const char* help, double value);

}  // namespace heed::serve
