#include "nn/optim/schedule.h"

#include <fmt/format.h>

#include <limits>
#include <numbers>

#include "framework/core/check.h"
#include "framework/core/error.h"

namespace heed::nn {

Schedule::Schedule(ScheduleKind kind, double base, int64_t warmup, int64_t total, double floor)
    : form_(static_cast<Form>(kind)), base_(base), warmup_(warmup), total_(total), floor_(floor) {
  check_number("schedule", "base", base, Allowed::non_negative);
  check_at_least("schedule", "warmup", warmup, 0);
  check_at_least("schedule", "total", total, 0);
  check_number("schedule", "floor", floor, Allowed::non_negative);
}

Schedule Schedule::step(double base, int64_t every, double gamma, int64_t warmup) {
  check_number("schedule: step", "base", base, Allowed::non_negative);
  check_at_least("schedule: step", "every", every, 1);
  check_number("schedule: step", "gamma", gamma, Allowed::non_negative);
  check_at_least("schedule: step", "warmup", warmup, 0);
  Schedule made;
  made.form_ = Form::step;
  made.base_ = base;
  made.warmup_ = warmup;
  made.every_ = every;
  made.gamma_ = gamma;
  return made;
}

Schedule Schedule::one_cycle(double base, int64_t total, double rising, double start_divisor,
                             double end_divisor) {
  check_number("schedule: one_cycle", "base", base, Allowed::non_negative);
  check_at_least("schedule: one_cycle", "total", total, 1);
  check_number("schedule: one_cycle", "rising", rising, Allowed::inside_unit);
  check_number("schedule: one_cycle", "start_divisor", start_divisor, Allowed::positive);
  check_number("schedule: one_cycle", "end_divisor", end_divisor, Allowed::positive);
  Schedule made;
  made.form_ = Form::one_cycle;
  made.base_ = base;
  made.warmup_ = std::max<int64_t>(1, std::llround(rising * static_cast<double>(total)));
  made.total_ = total;
  made.start_divisor_ = start_divisor;
  made.floor_ = 1 / end_divisor;
  return made;
}

double Schedule::operator()(int64_t update) const {
  const auto u = static_cast<double>(update), warm = static_cast<double>(warmup_);
  if (form_ == Form::one_cycle) {
    const auto between = [](double from, double to, double progress) {
      return to + (from - to) * 0.5 * (1 + std::cos(std::numbers::pi * std::clamp(progress, 0.0, 1.0)));
    };
    const double rest = std::max(1.0, static_cast<double>(total_) - warm);
    return u < warm ? between(base_ / start_divisor_, base_, u / warm)
                    : between(base_, base_ * floor_, (u - warm) / rest);
  }
  if (update < warmup_) return base_ * u / warm;
  if (form_ == Form::step)
    return base_ * std::pow(gamma_, static_cast<double>((update - std::max<int64_t>(warmup_, 1)) / every_));
  if (form_ == Form::constant) return base_;
  if (form_ == Form::inverse_sqrt) return base_ * std::sqrt(std::max(warm, 1.0) / u);
  const double span = std::max(1.0, static_cast<double>(total_) - warm);
  const double progress = std::clamp((u - warm) / span, 0.0, 1.0);
  const double shape =
      form_ == Form::linear ? 1 - progress : 0.5 * (1 + std::cos(std::numbers::pi * progress));
  return base_ * (floor_ + (1 - floor_) * shape);
}

PlateauSchedule::PlateauSchedule(double base, Options options)
    : options_(options), state_{base, std::numeric_limits<double>::infinity()} {
  check_number("schedule: plateau", "base", base, Allowed::non_negative);
  check_number("schedule: plateau", "factor", options.factor, Allowed::inside_unit);
  check_at_least("schedule: plateau", "patience", options.patience, 0);
  check_number("schedule: plateau", "threshold", options.threshold, Allowed::non_negative);
  check_number("schedule: plateau", "floor", options.floor, Allowed::non_negative);
  check_at_least("schedule: plateau", "warmup", options.warmup, 0);
  if (options.floor > base)
    throw ValueError("schedule",
                     fmt::format("plateau: the floor {} lies above the rate {}", options.floor, base));
}

double PlateauSchedule::operator()(int64_t update) const {
  return update < options_.warmup
             ? state_.lr * static_cast<double>(update) / static_cast<double>(options_.warmup)
             : state_.lr;
}

void PlateauSchedule::set_state(State state) {
  check_number("schedule: plateau", "lr", state.lr, Allowed::non_negative);
  check_at_least("schedule: plateau", "bad", state.bad, 0);
  state_ = state;
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
