#include "nn/data/training_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "framework/io/file.h"

namespace heed::nn {
namespace {

constexpr double kWidth = 360, kHeight = 220;                       // of a panel
constexpr double kLeft = 62, kRight = 14, kTop = 30, kBottom = 34;  // around its curve

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    result += c == '&'   ? "&amp;"
              : c == '<' ? "&lt;"
              : c == '>' ? "&gt;"
              : c == '"' ? "&quot;"
                         : std::string(1, c);
  }
  return result;
}

// A range of values that has an extent.
struct Span {
  double low = INFINITY, high = -INFINITY;
  void add(double v) { low = std::min(low, v), high = std::max(high, v); }
  void widen() {
    if (low > high) low = 0, high = 1;
    if (low == high) low -= 0.5, high += 0.5;
  }
  double share(double v) const { return (v - low) / (high - low); }
};

std::string panel(const std::string& name, const TrainingLog::Curve& curve, double x, double y) {
  Span steps, values;
  for (const auto& [step, value] : curve) {
    if (!std::isfinite(value)) continue;
    steps.add(static_cast<double>(step));
    values.add(value);
  }
  steps.widen();
  values.widen();
  const double width = kWidth - kLeft - kRight, height = kHeight - kTop - kBottom;
  const double left = x + kLeft, top = y + kTop, bottom = top + height;
  std::string out =
      fmt::format("<text x='{:.1f}' y='{:.1f}' class='name'>{}</text>\n", left, y + 20, escaped(name));
  for (const double share : {0.0, 0.5, 1.0}) {
    const double line = bottom - share * height;
    out += fmt::format(
        "<path d='M{:.1f} {:.1f}h{:.1f}' class='grid'/><text x='{:.1f}' y='{:.1f}' "
        "class='end'>{:.4g}</text>\n",
        left, line, width, left - 6, line + 4, values.low + share * (values.high - values.low));
  }
  out += fmt::format(
      "<text x='{:.1f}' y='{:.1f}'>{:.0f}</text><text x='{:.1f}' y='{:.1f}' class='end'>step {:.0f}</text>\n",
      left, bottom + 18, steps.low, left + width, bottom + 18, steps.high);
  std::string path;
  bool pen_down = false;  // a value that is not finite interrupts the curve
  for (const auto& [step, value] : curve) {
    if (!std::isfinite(value)) {
      pen_down = false;
      continue;
    }
    path += fmt::format("{}{:.1f} {:.1f}", pen_down ? "L" : "M",
                        left + steps.share(static_cast<double>(step)) * width,
                        bottom - values.share(value) * height);
    pen_down = true;
  }
  return out + fmt::format("<path d='{}' class='curve'/>\n", path);
}

}  // namespace

void TrainingLog::add(int64_t step, const std::vector<Named>& numbers) {
  nlohmann::ordered_json line = {{"step", step}};
  std::string printed = fmt::format("step {}", step);
  for (const auto& [name, value] : numbers) {
    if (!curves_.contains(name)) names_.push_back(name);
    curves_[name].emplace_back(step, value);
    line[name] = std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json();
    printed += fmt::format("  {} {:.4f}", name, value);
  }
  if (options_.print_every > 0 && step % options_.print_every == 0) std::puts(printed.c_str());
  if (!options_.json.empty())
    append_to_file(options_.json, line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

const TrainingLog::Curve& TrainingLog::curve(const std::string& name) const {
  static const Curve kEmpty;
  const auto found = curves_.find(name);
  return found == curves_.end() ? kEmpty : found->second;
}

std::string TrainingLog::svg() const {
  const size_t columns = std::min<size_t>(2, std::max<size_t>(1, names_.size()));
  const size_t rows = std::max<size_t>(1, (names_.size() + columns - 1) / columns);
  const double width = kWidth * static_cast<double>(columns), height = kHeight * static_cast<double>(rows);
  std::string out = fmt::format(
      "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {0:.0f} {1:.0f}' width='{0:.0f}' "
      "height='{1:.0f}'>\n"
      "<style>text{{font:12px "
      "sans-serif;fill:#444}}.name{{font-weight:bold;fill:#111}}.end{{text-anchor:end}}"
      ".grid{{stroke:#ddd;fill:none}}.curve{{stroke:#1f6fb2;stroke-width:1.6;fill:none}}</style>\n"
      "<rect width='100%' height='100%' fill='white'/>\n",
      width, height);
  for (size_t i = 0; i < names_.size(); ++i) {
    out += panel(names_[i], curves_.at(names_[i]), kWidth * static_cast<double>(i % columns),
                 kHeight * static_cast<double>(i / columns));
  }
  return out + "</svg>\n";
}

void TrainingLog::plot(const std::filesystem::path& path) const { write_file_atomically(path, svg()); }

}  // namespace heed::nn
