// What a training reports: lines on the terminal, JSON lines in a file, curves as a picture.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace heed::nn {

/// Where a TrainingLog writes.
struct LogOptions {
  std::filesystem::path json;  // file that gets a JSON object a line, appended; empty: none
  int64_t print_every = 1;     // steps between lines on the terminal; 0: none
};

/// Keeps the numbers that a training reports.
///   TrainingLog log({.json = "log.jsonl", .print_every = 100});
///   log.add(step, {{"loss", loss.item()}, {"accuracy", accuracy(logits, y)}});
///   log.plot("curves.svg");
class TrainingLog {
 public:
  /// A number and its name.
  using Named = std::pair<std::string, double>;
  /// @param options where it writes
  explicit TrainingLog(LogOptions options = {}) : options_(std::move(options)) {}
  /// Reports numbers: prints "step 100  loss 0.5123  accuracy 0.9100", and appends
  /// {"step":100,"loss":0.5123,"accuracy":0.91} to the file; a number that is not finite is null there.
  /// @param step of the training
  /// @param numbers any; a curve need not have a point at every step
  /// @throws IoError
  void add(int64_t step, const std::vector<Named>& numbers);
  /// Steps and values of a number.
  using Curve = std::vector<std::pair<int64_t, double>>;
  /// @param name of the number
  /// @return what was added of it, in order; empty for a name that never came
  const Curve& curve(const std::string& name) const;
  /// Draws each number over the steps, in a panel of its own, as SVG.
  /// @param path of the picture
  /// @throws IoError
  void plot(const std::filesystem::path& path) const;
  /// @return the picture as text
  std::string svg() const;

 private:
  LogOptions options_;
  std::vector<std::string> names_;  // in the order in which they came
  std::map<std::string, Curve> curves_;
};

}  // namespace heed::nn
