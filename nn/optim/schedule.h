// Learning rates as functions of the update number.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace heed::nn {

/// The course of a learning rate; the equations are at Schedule.
enum class ScheduleKind : uint8_t { constant, inverse_sqrt, linear, cosine };

/// Whether the rates of a schedule depend on how long the training is, so that a training cannot go on for
/// longer than it was started for.
/// @param kind the schedule
/// @return true for linear and cosine
constexpr bool depends_on_length(ScheduleKind kind) {
  return kind == ScheduleKind::linear || kind == ScheduleKind::cosine;
}

/// lr(u) for updates u = 1, 2, ...: a linear warm-up over `warmup` updates to `base`, then
///   constant      base
///   inverse_sqrt  base sqrt(max(warmup, 1) / u) (Vaswani et al. 2017, sec. 5.3)
///   linear        down to base * floor at `total` updates
///   cosine        down to base * floor along half a cosine (Loshchilov & Hutter 2017, eq. 5)
class Schedule {
 public:
  /// @param kind one of the list above
  /// @param base the learning rate after the warm-up
  /// @param warmup number of warm-up updates, 0 for none
  /// @param total number of updates of the whole training; used by linear and cosine
  /// @param floor the final rate as a fraction of base; used by linear and cosine
  /// @throws ValueError for a negative number
  Schedule(ScheduleKind kind, double base, int64_t warmup, int64_t total, double floor = 0.0);
  /// Step schedule: base, multiplied by gamma after every `every` updates that follow the warm-up.
  /// @param base the learning rate after the warm-up
  /// @param every number of updates, at least 1
  /// @param gamma the factor
  /// @param warmup number of warm-up updates, 0 for none
  /// @return the schedule
  /// @throws ValueError for every < 1 and for a negative number
  static Schedule step(double base, int64_t every, double gamma, int64_t warmup = 0);
  /// One-cycle schedule: rises from base / start_divisor to base during the first `rising` (a fraction) of
  /// the updates, then falls to base / end_divisor, each along half a cosine (Smith & Topin 2018, sec. 3,
  /// with cosines instead of lines).
  /// @param base the largest learning rate
  /// @param total number of updates of the whole training
  /// @param rising fraction of the updates, in (0, 1)
  /// @param start_divisor,end_divisor base divided by the rate at the start (update 0), and by the rate of
  ///   the last update
  /// @return the schedule
  /// @throws ValueError for a rising outside (0, 1), a total below 1 and a divisor that is not above 0
  static Schedule one_cycle(double base, int64_t total, double rising = 0.3, double start_divisor = 25,
                            double end_divisor = 25e4);
  /// @param update number of the update, from 1
  /// @return the learning rate of that update
  double operator()(int64_t update) const;

 private:
  enum class Form : uint8_t { constant, inverse_sqrt, linear, cosine, step, one_cycle };
  Schedule() = default;
  Form form_ = Form::constant;
  double base_ = 0;
  int64_t warmup_ = 0, total_ = 0;
  double floor_ = 0;
  int64_t every_ = 0;         // used by step
  double gamma_ = 0;          // used by step
  double start_divisor_ = 0;  // used by one_cycle
};

/// A learning rate that is reduced when a validation score has stopped improving: it is multiplied by
/// `factor` after more than `patience` scores in a row without a new best, down to `floor` at the lowest.
/// Lower scores are better; negate a score for which higher is better.
class PlateauSchedule {
 public:
  /// When and by how much the rate is reduced.
  struct Options {
    double factor = 0.1;    // the rate is multiplied by this, in (0, 1)
    int64_t patience = 10;  // number of scores without improvement that are tolerated
    /// A score is a new best if it is below best (1 - threshold), or best (1 + threshold) if best is
    /// negative.
    double threshold = 1e-4;
    double floor = 0;    // the lowest rate, at most the first one
    int64_t warmup = 0;  // number of updates over which the rate rises to the first one
  };
  /// @param base the first learning rate
  explicit PlateauSchedule(double base) : PlateauSchedule(base, Options{}) {}
  /// @param base the first learning rate
  /// @param options when and by how much it is reduced
  /// @throws ValueError unless 0 < factor < 1 and floor <= base, and for a negative number
  PlateauSchedule(double base, Options options);
  /// @param update number of the update, from 1
  /// @return the learning rate of that update
  double operator()(int64_t update) const;
  /// Reports a validation score; call it after each validation.
  /// @param score the score; lower is better
  void report(double score);
  /// @return the current learning rate
  double lr() const { return state_.lr; }

  /// The state to store in a checkpoint.
  struct State {
    double lr, best;  // the current rate, and the best score so far
    int64_t bad = 0;  // number of scores in a row without a new best
  };
  /// @return the current state
  State state() const { return state_; }
  /// @param state a result of state()
  /// @throws ValueError for a negative rate or number of scores
  void set_state(State state);

 private:
  Options options_;
  State state_;
};

}  // namespace heed::nn
