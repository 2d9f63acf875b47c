// Learning rates as functions of the update number.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

namespace heed::nn {

/// lr(u) for updates u = 1, 2, ...: a linear warm-up over `warmup` updates to `base`, then
///   constant      base
///   inverse_sqrt  base sqrt(max(warmup, 1) / u)                               (Vaswani et al. 2017, sec. 5.3)
///   linear        down to base * floor at `total` updates
///   cosine        down to base * floor along half a cosine (Loshchilov & Hutter 2017, eq. 5)
class Schedule {
 public:
  /// @param kind a name of the list above
  /// @param base the learning rate after the warm-up
  /// @param warmup updates, 0 for none
  /// @param total updates of the whole training; linear and cosine read it
  /// @param floor the last rate as a part of base; linear and cosine read it
  /// @throws ValueError for an unknown kind and for a negative number
  Schedule(std::string kind, double base, int64_t warmup, int64_t total, double floor = 0.0);
  /// base, times gamma after every `every` updates behind the warm-up.
  /// @param base the learning rate after the warm-up
  /// @param every updates, at least 1
  /// @param gamma a factor
  /// @param warmup updates, 0 for none
  /// @return the schedule
  /// @throws ValueError for every < 1 and for a negative number
  static Schedule step(double base, int64_t every, double gamma, int64_t warmup = 0);
  /// Up from base / start_divisor to base over the first `rising` of the updates, then down to base / end_divisor, each along half a cosine
  /// (Smith & Topin 2018, sec. 3, with cosines for lines).
  /// @param base the largest learning rate
  /// @param total updates of the whole training
  /// @param rising in (0, 1)
  /// @param start_divisor,end_divisor of the rate that it rises from, update 0's, and of the last
  /// @return the schedule
  /// @throws ValueError for another rising, a total below 1 and a divisor that is not above 0
  static Schedule one_cycle(double base, int64_t total, double rising = 0.3, double start_divisor = 25, double end_divisor = 25e4);
  /// @param update counted from 1
  /// @return the learning rate of that update
  double operator()(int64_t update) const;

 private:
  Schedule() = default;
  std::string kind_;
  double base_ = 0;
  int64_t warmup_ = 0, total_ = 0;
  double floor_ = 0;
  int64_t every_ = 0;         // of step
  double gamma_ = 0;          // of step
  double start_divisor_ = 0;  // of one_cycle
};

/// A learning rate that falls when a validation score has stopped getting better: times `factor` after more than `patience` scores in a row
/// that were not the best, not below `floor`. Lower scores are better; give a score of which more is better with its sign turned.
class PlateauSchedule {
 public:
  /// When and how far the rate falls.
  struct Options {
    double factor = 0.1;      // in (0, 1)
    int64_t patience = 10;    // scores
    double threshold = 1e-4;  // a score is better when it is below best (1 - threshold), or best (1 + threshold) for a negative best
    double floor = 0;         // the least rate, at most the first
    int64_t warmup = 0;       // updates over which the rate rises to the first
  };
  /// @param base the first learning rate
  explicit PlateauSchedule(double base) : PlateauSchedule(base, Options{}) {}
  /// @param base the first learning rate
  /// @param options when and how far it falls
  /// @throws ValueError unless 0 < factor < 1 and floor <= base, and for a negative number
  PlateauSchedule(double base, Options options);
  /// @param update counted from 1
  /// @return the learning rate of that update
  double operator()(int64_t update) const;
  /// After each validation.
  /// @param score the lower the better
  void report(double score);
  /// @return the learning rate now
  double lr() const { return state_.lr; }

  /// All that a checkpoint must keep.
  struct State {
    double lr, best;  // the rate now, and the best score so far
    int64_t bad = 0;  // scores in a row that were not the best
  };
  /// @return as it stands
  State state() const { return state_; }
  /// @param state as state() gave it
  /// @throws ValueError for a negative rate or number of scores
  void set_state(State state);

 private:
  Options options_;
  State state_;
};

}  // namespace heed::nn
