// Counts cases and failures of each kind, sentence by sentence, so that rates have intervals and examples.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/metrics/bootstrap.h"

namespace heed::models {

/// A failure that can be looked up.
struct FailureExample {
  size_t sentence = 0;  ///< index in the test set
  std::string what;     ///< the words that it is about
};

/// How often something went wrong.
struct FailureRate {
  std::string group, name;               // "negation", "lost"
  std::string of;                        // what the cases are: "negated sentences"
  int64_t cases = 0, failures = 0;       ///< of all sentences
  Interval interval;                     // 95 % confidence interval of rate(), by resampling sentences
  std::vector<FailureExample> examples;  // at most kFailureExamples, each of another sentence

  /// @return failures / cases, in [0, 1]; NaN without cases
  double rate() const;
};
constexpr size_t kFailureExamples = 3;

/// Counts failures over the sentences of a test set.
class FailureCounter {
 public:
  /// @param sentences their number
  explicit FailureCounter(size_t sentences) : sentences_(sentences) {}
  /// Adds a kind of failure.
  /// @param group,name,of as in FailureRate
  /// @return its number, for count()
  size_t kind(const std::string& group, const std::string& name, const std::string& of);
  /// Counts a case.
  /// @param kind as kind() gave it
  /// @param sentence index of its sentence
  /// @param failed whether it is a failure
  /// @param what the words that it is about
  void count(size_t kind, size_t sentence, bool failed, const std::string& what = "");
  /// @return the kinds, in the order in which they were added
  std::vector<FailureRate> rates() const;

 private:
  struct Counts {
    int64_t cases = 0, failures = 0;
    Counts& operator+=(const Counts& other);
  };
  size_t sentences_;
  std::vector<FailureRate> kinds_;
  std::vector<std::vector<Counts>> counts_;  // [kinds][sentences]
};

}  // namespace heed::models
