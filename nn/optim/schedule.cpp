#include "nn/optim/schedule.h"

#include <fmt/format.h>

#include <limits>
#include <numbers>

#include "framework/core/error.h"

namespace heed::nn {

Schedule::Schedule(std::string kind, double base, int64_t warmup, int64_t total, double floor)
    : kind_(std::move(kind)), base_(base), warmup_(warmup), total_(total), floor_(floor) {
  if (kind_ != "constant" && kind_ != "inverse_sqrt" && kind_ != "linear" && kind_ != "cosine") {
    throw ValueError("schedule: '" + kind_ + "' is not known (constant, inverse_sqrt, linear, cosine)");
  }
  if (warmup < 0) throw ValueError(fmt::format("schedule: a warm-up of {} updates", warmup));
}

Schedule Schedule::step(double base, int64_t every, double gamma, int64_t warmup) {
  if (every < 1) throw ValueError(fmt::format("schedule: step: every {} updates", every));
  Schedule made;
  made.kind_ = "step";
  made.base_ = base;
  made.warmup_ = warmup;
  made.every_ = every;
  made.gamma_ = gamma;
  return made;
}

Schedule Schedule::one_cycle(double base, int64_t total, double rising, double start_divisor, double end_divisor) {
  if (!(rising > 0 && rising < 1)) throw ValueError(fmt::format("schedule: one_cycle: rising {} is outside (0, 1)", rising));
  Schedule made;
  made.kind_ = "one_cycle";
  made.base_ = base;
  made.warmup_ = std::max<int64_t>(1, std::llround(rising * static_cast<double>(total)));
  made.total_ = total;
  made.start_divisor_ = start_divisor;
  made.floor_ = 1 / end_divisor;
  return made;
}

double Schedule::operator()(int64_t update) const {
  const auto u = static_cast<double>(update), warm = static_cast<double>(warmup_);
  if (kind_ == "one_cycle") {
    const auto between = [](double from, double to, double progress) {
      return to + (from - to) * 0.5 * (1 + std::cos(std::numbers::pi * std::clamp(progress, 0.0, 1.0)));
    };
    const double rest = std::max(1.0, static_cast<double>(total_) - warm);
    return u < warm ? between(base_ / start_divisor_, base_, u / warm) : between(base_, base_ * floor_, (u - warm) / rest);
  }
  if (update < warmup_) return base_ * u / warm;
  if (kind_ == "step") return base_ * std::pow(gamma_, static_cast<double>((update - std::max<int64_t>(warmup_, 1)) / every_));
  if (kind_ == "constant") return base_;
  if (kind_ == "inverse_sqrt") return base_ * std::sqrt(std::max(warm, 1.0) / u);
  const double span = std::max(1.0, static_cast<double>(total_) - warm);
  const double progress = std::clamp((u - warm) / span, 0.0, 1.0);
  const double shape = kind_ == "linear" ? 1 - progress : 0.5 * (1 + std::cos(std::numbers::pi * progress));
  return base_ * (floor_ + (1 - floor_) * shape);
}

PlateauSchedule::PlateauSchedule(double base, Options options) : options_(options), state_{base, std::numeric_limits<double>::infinity()} {
  if (options.floor > base) throw ValueError(fmt::format("schedule: plateau: the floor {} lies above the rate {}", options.floor, base));
  if (!(options.factor > 0 && options.factor < 1)) {
    throw ValueError(fmt::format("schedule: plateau: factor {} is outside (0, 1)", options.factor));
  }
}

double PlateauSchedule::operator()(int64_t update) const {
  return update < options_.warmup ? state_.lr * static_cast<double>(update) / static_cast<double>(options_.warmup) : state_.lr;
}

void PlateauSchedule::report(double score) {
  const double margin = std::isfinite(state_.best) ? options_.threshold * std::abs(state_.best) : 0;
  if (score < state_.best - margin) {
    state_.best = score;
    state_.bad = 0;
  } else if (++state_.bad > options_.patience) {
    state_.lr = std::max(state_.lr * options_.factor, options_.floor);
    state_.bad = 0;
  }
}

}  // namespace heed::nn
