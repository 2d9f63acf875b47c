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
  /// @throws ValueError for an unknown kind
  Schedule(std::string kind, double base, int64_t warmup, int64_t total, double floor = 0.0);
  /// @param update counted from 1
  /// @return the learning rate of that update
  double operator()(int64_t update) const;

 private:
  std::string kind_;
  double base_;
  int64_t warmup_, total_;
  double floor_;
};

}  // namespace heed::nn
