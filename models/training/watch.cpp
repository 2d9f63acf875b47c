#include "models/training/watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "framework/io/disk_space.h"
#include "models/metrics/metric.h"

namespace heed::models {

TrainingWatch::TrainingWatch(const TrainingFacts& facts) : facts_(facts) {}

void TrainingWatch::find(std::vector<Finding>& found, Concern concern, std::string what,
                         const std::string& metric) {
  if (said_.emplace(concern, metric).second) found.push_back({concern, std::move(what), metric});
}

std::vector<Finding> TrainingWatch::begin() {
  std::vector<Finding> found;
  const SideFacts &s = facts_.source, &t = facts_.target;
  if (std::max({s.unknown, t.unknown, s.validation_unknown, t.validation_unknown}) > kManyUnknown) {
    find(found, Concern::unknown_words,
         fmt::format(
             "many tokens are unknown: {:.1f} % of the source and {:.1f} % of the target in training, "
             "{:.1f} % and {:.1f} % in validation",
             100 * s.unknown, 100 * t.unknown, 100 * s.validation_unknown, 100 * t.validation_unknown));
  }
  if (const int64_t bytes = facts_.state_bytes + facts_.weight_bytes;  // a gradient for each weight
      static_cast<double>(bytes) > kMuchMemory * static_cast<double>(facts_.available_memory)) {
    find(
        found, Concern::little_memory,
        fmt::format("weights, their gradients and the state of the training take {} of the {} of memory that "
                    "there are, before any sentence is read",
                    bytes_text(bytes), bytes_text(facts_.available_memory)));
  }
  return found;
}

std::vector<Finding> TrainingWatch::progress(const TrainProgress& p) {
  std::vector<Finding> found;
  if (skipped_before_ < 0) skipped_before_ = p.skipped;
  ++updates_;
  if (const int64_t skipped = p.skipped - skipped_before_;
      updates_ >= kSkippedAfter && skipped >= kLeastSkipped &&
      static_cast<double>(skipped) >= kManySkipped * static_cast<double>(updates_)) {
    find(found, Concern::bad_updates,
         fmt::format("{} of the last {} updates were left out: their loss or gradient was NaN or infinite",
                     skipped, updates_));
  }
  if (!std::isfinite(p.update_loss)) return found;
  since_sum_ += p.update_loss;
  ++since_count_;
  if (first_count_ < kWindow) {
    first_sum_ += p.update_loss;
    ++first_count_;
    return found;
  }
  window_sum_ += p.update_loss;
  if (++window_count_ < kWindow) return found;
  const double first = first_sum_ / kWindow, now = window_sum_ / kWindow,
               guessing = std::log(static_cast<double>(std::max<int64_t>(facts_.target.vocabulary, 2)));
  window_sum_ = 0;
  window_count_ = 0;
  if (updates_ >= kMustMove && now > (1 - kNoise) * first && now > kGuessing * guessing) {
    find(found, Concern::does_not_move,
         fmt::format("the training does not move: its loss was {:.3f} at the start and is {:.3f} after {} "
                     "updates, and guessing has {:.3f}",
                     first, now, updates_, guessing));
  }
  return found;
}

// Whether the last validations rose one after the other while the training loss fell.
void TrainingWatch::look_at_losses(std::vector<Finding>& found) {
  if (points_.size() <= kRising) return;
  const auto before = points_.end() - kRising - 1, last = points_.end() - 1;
  for (auto point = before + 1; point != points_.end(); ++point) {
    if (point->best || !(point->loss > (point - 1)->loss)) return;
  }
  if (!(last->loss > (1 + kRise) * before->loss) || !(last->training_loss < before->training_loss)) return;
  find(
      found, Concern::overfits,
      fmt::format("the training overfits: in the last {} validations the validation loss rose from {:.3f} to "
                  "{:.3f}, while the training loss fell from {:.3f} to {:.3f}",
                  kRising, before->loss, last->loss, before->training_loss, last->training_loss));
}

std::vector<Finding> TrainingWatch::validated(const ValidationResult& result) {
  std::vector<Finding> found;
  if (result.averaged > 0) return found;  // not of the course of the training
  const double training = since_count_ > 0 ? since_sum_ / static_cast<double>(since_count_) : NAN;
  since_sum_ = 0;
  since_count_ = 0;
  points_.push_back({result.scores.at("loss"), training, result.best});
  look_at_losses(found);
  for (const Metric* metric : kept_metrics()) {
    if (metric->better == Better::lower) continue;  // a loss
    std::vector<double>& scores = scores_[metric->keep];
    scores.push_back(std::round(100 * result.scores.at(metric->keep)) / 100);
    const auto last = scores.end() - static_cast<int64_t>(std::min(kEqual, scores.size()));
    if (scores.back() >= 100) continue;  // nothing is left to tell
    if (scores.size() < kEqual || !std::all_of(last, scores.end(), [&](double s) { return s == *last; }))
      continue;
    find(
        found, Concern::no_information,
        fmt::format("{} tells nothing: it was {:.2f} in each of {} validations", metric->name, *last, kEqual),
        metric->keep);
  }
  one_output_ = result.outputs > 1 && result.distinct_outputs == 1 ? one_output_ + 1 : 0;
  if (one_output_ >= kOneOutput) {
    find(found, Concern::one_output,
         result.empty_outputs == result.outputs
             ? fmt::format("all {} translations of the validation are empty", result.outputs)
             : fmt::format("all {} translations of the validation are the same: '{}'", result.outputs,
                           result.sample_output));
  }
  return found;
}

}  // namespace heed::models
