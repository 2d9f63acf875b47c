#include "models/options/option.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "framework/core/error.h"

namespace heed::models {

Values between(double least, double most) { return {.least = least, .most = most}; }
Values above(double least) {
  return {.least = least, .most = std::numeric_limits<double>::infinity(), .above_least = true};
}
Values not_negative() { return {.most = std::numeric_limits<double>::infinity()}; }
Values fraction() { return {.least = 0, .most = 1, .below_most = true}; }
Values one_of(std::vector<std::string> choices,
              std::vector<std::pair<std::string, std::string>> other_names) {
  return {.choices = std::move(choices), .other_names = std::move(other_names)};
}
namespace {

bool is_language_code(std::string_view text) {
  const bool letters = std::ranges::all_of(text, [](char c) { return c >= 'a' && c <= 'z'; });
  return letters && (text.size() == 2 || text.size() == 3);
}

}  // namespace

Values language_code(bool may_be_empty) {
  Values values;
  values.form = "a language code of two or three letters";
  values.fits = is_language_code;
  if (may_be_empty)
    values.fits = [](std::string_view text) { return text.empty() || is_language_code(text); };
  return values;
}

int64_t whole_number(uint64_t value, const std::string& option) {
  if (value > INT64_MAX)
    throw ValueError(fmt::format("{}: must be at most {}, got {}", option, INT64_MAX, value));
  return static_cast<int64_t>(value);
}

std::string Option::name() const {
  std::string name = key;
  std::ranges::replace(name, '_', '-');
  return name;
}

void Option::check(const OptionValue& value, const std::string& called) const {
  const auto refuse = [&](const std::string& why) {
    throw ValueError(fmt::format("{}: {}", called.empty() ? name() : called, why));
  };
  if (const auto* const text = std::get_if<std::string>(&value)) {
    if (!values.choices.empty() && std::ranges::find(values.choices, *text) == values.choices.end()) {
      refuse(fmt::format("'{}' is not known ({})", *text, fmt::join(values.choices, ", ")));
    }
    if (values.fits && !values.fits(*text)) refuse(fmt::format("'{}' is not {}", *text, values.form));
    return;
  }
  if (const auto* const whole = std::get_if<int64_t>(&value)) {
    const auto number = static_cast<double>(*whole);
    if (number < values.least && values.least == 0)
      refuse(fmt::format("must not be negative, got {}", *whole));
    if (number < values.least) refuse(fmt::format("must be at least {:.0f}, got {}", values.least, *whole));
    if (number > values.most) refuse(fmt::format("must be at most {:.0f}, got {}", values.most, *whole));
    return;
  }
  const auto* const number = std::get_if<double>(&value);
  if (!number) return;  // a switch is on or off
  const bool low = values.above_least ? !(*number > values.least) : !(*number >= values.least);
  const bool endless = !std::isfinite(*number) && std::isinf(values.most);
  const bool high = values.below_most ? !(*number < values.most) : !(*number <= values.most);
  if (!low && !high && std::isfinite(*number)) return;
  if (values.below_most) {
    refuse(fmt::format("{} is outside {}{}, {})", *number, values.above_least ? '(' : '[', values.least,
                       values.most));
  }
  if ((low || endless) && values.above_least)
    refuse(fmt::format("must be above {}, got {}", values.least, *number));
  if ((low || endless) && values.least == 0) refuse(fmt::format("must not be negative, got {}", *number));
  if (low || endless) refuse(fmt::format("must be at least {}, got {}", values.least, *number));
  refuse(fmt::format("must be at most {}, got {}", values.most, *number));
}

}  // namespace heed::models
