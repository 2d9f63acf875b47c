// Progress of a training: a bar on a terminal, plain lines elsewhere.
#pragma once

#include <string>

#include "models/training/trainer.h"

namespace heed::apps {

class ProgressPrinter {
 public:
  /// `label` stands in front of each line when it is not empty.
  explicit ProgressPrinter(std::string label = "");
  ~ProgressPrinter();
  void progress(const models::TrainProgress& p);
  void validated(const models::ValidationResult& v);
  /// Before another line is written: the bar goes, and comes back with the next update.
  void clear_line();

 private:
  std::string label_;
  bool terminal_;
  bool bar_shown_ = false;
  double last_ = 0;
};

/// 75 -> "1:15", 4000 -> "1:06:40".
std::string clock_time(double seconds);

}  // namespace heed::apps
