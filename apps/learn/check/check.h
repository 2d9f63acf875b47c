// The check of an exercise: it compares what the learner's functions give with what they should give, stops
// at the first wrong number, and says which planted slip gives the same one.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <string>
#include <vector>

#include "apps/learn/learn.h"

namespace heed::learn {

/// The first thing that is wrong; what a check throws.
struct Wrong {
  int step;          // how many comparisons came before
  std::string text;  // "weights[1][2] is 0.31, should be 0.42"
  Tensor got;        // what was compared; undefined where nothing was
};

/// Passed through a check: it counts comparisons and stops at the first that fails.
class Check {
 public:
  /// @param shows whether notes are printed: for the learner, not while slips are tried
  explicit Check(bool shows) : shows_(shows) {}
  /// Compares two tensors.
  /// @param what the name of the tensor in the message
  /// @param got,want of the learner, and as it should be
  /// @param tolerance allowed difference, absolute and relative
  /// @throws Wrong with the first number that differs
  void equal(const std::string& what, const Tensor& got, const Tensor& want, double tolerance = 1e-5);
  /// The same for one number.
  void equal(const std::string& what, double got, double want, double tolerance = 1e-5);
  /// Demands a property.
  /// @param holds whether it does
  /// @param text what is wrong otherwise
  /// @throws Wrong
  void that(bool holds, const std::string& text);
  /// Prints a line for the learner.
  template <class... Args>
  void note(fmt::format_string<Args...> format, Args&&... args) const {
    if (shows_) show(fmt::format(format, std::forward<Args>(args)...));
  }
  /// @return how many comparisons went well so far
  int steps() const { return steps_; }
  /// @return whether this is the learner's run
  bool shows() const { return shows_; }

 private:
  static void show(const std::string& text);
  bool shows_;
  int steps_ = 0;
};

/// A check with the functions of one answer: the learner's or a slip's.
using CheckOf = std::function<void(Check&)>;

/// A planted mistake.
struct Slip {
  std::string name, says;  // "no_maximum", "the largest score is not subtracted first"
  CheckOf check;           // the check with its functions
};

/// The main program of an exercise. `--verdict FILE` writes there what was found, apart from what the
/// learner's code prints; without that file the check did not come to its end. `--slips` runs the check on
/// each slip in place of the learner's answer, and fails unless each is recognised as itself.
/// @return 0 passed, 1 not
int run_check(int argc, char** argv, const CheckOf& learner, const std::vector<Slip>& slips);

/// The folder for what an exercise leaves to look at.
/// @return HEED_LEARN_OUTPUT, or "."
std::string output_folder();

}  // namespace heed::learn
