// Counts cases and failures of each kind, sentence by sentence, so that rates have intervals and examples.
// Resampling sentences knows that failures of one sentence hang together, but says 0 to 0 where nothing
// failed; Wilson's interval of a share [1927, J. Am. Stat. Assoc. 22, 209] knows how few cases there are:
//   (p + z^2 / 2n +- z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n),   z = 1.96
// The interval reaches to the farther end of both.
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
  std::string group, name;          // "negation", "lost"
  std::string of;                   // what the cases are: "negated sentences"
  int64_t cases = 0, failures = 0;  ///< of all sentences
  Interval interval;                // 95 %, of rate(): the wider end of resampling sentences and of Wilson's
  std::vector<FailureExample> examples;  // at most kFailureExamples, each of another sentence

  /// @return failures / cases, in [0, 1]; NaN without cases
  double rate() const;
};
constexpr size_t kFailureExamples = 3;  ///< of a kind

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
