#include "nn/optim/schedule.h"

#include <numbers>

#include "framework/core/error.h"

namespace heed::nn {

Schedule::Schedule(std::string kind, double base, int64_t warmup, int64_t total, double floor)
    : kind_(std::move(kind)), base_(base), warmup_(warmup), total_(total), floor_(floor) {
  if (kind_ != "constant" && kind_ != "inverse_sqrt" && kind_ != "linear" && kind_ != "cosine") {
    throw ValueError("schedule: '" + kind_ + "' is not known (constant, inverse_sqrt, linear, cosine)");
  }
}

double Schedule::operator()(int64_t update) const {
  const auto u = static_cast<double>(update), warm = static_cast<double>(warmup_);
  if (update < warmup_) return base_ * u / warm;
  if (kind_ == "constant") return base_;
  if (kind_ == "inverse_sqrt") return base_ * std::sqrt(std::max(warm, 1.0) / u);
  const double span = std::max(1.0, static_cast<double>(total_) - warm);
  const double progress = std::clamp((u - warm) / span, 0.0, 1.0);
  const double shape = kind_ == "linear" ? 1 - progress : 0.5 * (1 + std::cos(std::numbers::pi * progress));
  return base_ * (floor_ + (1 - floor_) * shape);
}

}  // namespace heed::nn
