#include "apps/translator/experiment/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace heed::apps {
namespace {

constexpr std::array<const char*, 8> kColours = {"#000000", "#d55e00", "#0072b2", "#009e73",
                                                 "#cc79a7", "#e69f00", "#56b4e9", "#8c6d31"};
constexpr double kWidth = 760, kHeight = 420, kLeft = 64, kRight = 200, kTop = 44, kBottom = 56;

// The top of the axis and the distance of its lines: 1, 2 or 5 times a power of ten, at most six lines.
std::pair<double, double> axis(double most) {
  if (most <= 0) most = 1;  // all points are 0
  const double rough = std::max(most, 1e-9) / 5, power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {5.0, 2.0, 1.0}) {
    if (factor * power >= rough) step = factor * power;
  }
  return {std::ceil(most / step) * step, step};
}

std::string marker(size_t line, double x, double y, const char* colour) {
  switch (line % 4) {
    case 0:
      return fmt::format(R"(<circle cx="{:.1f}" cy="{:.1f}" r="4" fill="{}"/>)", x, y, colour);
    case 1:
      return fmt::format(R"(<rect x="{:.1f}" y="{:.1f}" width="8" height="8" fill="{}"/>)", x - 4, y - 4,
                         colour);
    case 2:
      return fmt::format(R"(<path d="M{:.1f} {:.1f}l5 9h-10z" fill="{}"/>)", x, y - 5, colour);
    default:
      return fmt::format(R"(<path d="M{:.1f} {:.1f}l5 5l-5 5l-5 -5z" fill="{}"/>)", x, y - 5, colour);
  }
}

}  // namespace

std::string escape_xml(const std::string& text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

std::string chart_svg(const Chart& chart) {
  double most = 0;
  for (const ChartLine& line : chart.lines) {
    for (const auto& point : line.points) most = std::max(most, point ? point->high : 0);
  }
  const auto [top, step] = axis(most);
  const double plot_width = kWidth - kLeft - kRight, plot_height = kHeight - kTop - kBottom;
  const auto columns = static_cast<double>(std::max<size_t>(chart.columns.size(), 1));
  const auto [x_end, x_step] =
      axis(chart.positions.empty() ? 1 : *std::max_element(chart.positions.begin(), chart.positions.end()));
  const auto x_at = [&, end = x_end](double number) { return kLeft + plot_width * number / end; };
  // intervals side by side
  const auto x_of = [&, n = static_cast<double>(chart.lines.size())](size_t column, size_t line) {
    if (!chart.positions.empty()) return x_at(chart.positions[column]);
    return kLeft + plot_width * (static_cast<double>(column) + 0.5) / columns +
           (static_cast<double>(line) - (n - 1) / 2) * std::min(5.0, 30 / n);
  };
  const auto y_of = [&, highest = top](double value) { return kTop + plot_height * (1 - value / highest); };
  std::string svg = fmt::format(
      R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" height="{1}" font-family="sans-serif" font-size="13">)"
      R"(<rect width="{0}" height="{1}" fill="#ffffff"/><text x="{2}" y="24" font-size="16">{3}</text>)",
      kWidth, kHeight, kLeft, escape_xml(chart.title));
  for (double value = 0; value <= top + step / 2; value += step) {
    svg += fmt::format(
        R"(<path d="M{} {:.1f}h{}" stroke="#dddddd"/><text x="{}" y="{:.1f}" text-anchor="end">{:g}</text>)",
        kLeft, y_of(value), plot_width, kLeft - 8, y_of(value) + 4, value);
  }
  for (size_t c = 0; c < chart.columns.size(); ++c) {
    svg += fmt::format(R"(<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>)",
                       kLeft + plot_width * (static_cast<double>(c) + 0.5) / columns, kHeight - kBottom + 20,
                       escape_xml(chart.columns[c]));
  }
  for (double number = 0; !chart.positions.empty() && number <= x_end + x_step / 2; number += x_step) {
    svg += fmt::format(R"(<text x="{:.1f}" y="{}" text-anchor="middle">{:g}</text>)", x_at(number),
                       kHeight - kBottom + 20, number);
  }
  svg += fmt::format(R"(<text x="{}" y="{}" text-anchor="middle">{}</text>)", kLeft + plot_width / 2,
                     kHeight - 12, escape_xml(chart.x_label));
  svg += fmt::format(R"svg(<text transform="translate(18 {}) rotate(-90)" text-anchor="middle">{}</text>)svg",
                     kTop + plot_height / 2, escape_xml(chart.y_label));
  for (size_t i = 0; i < chart.lines.size(); ++i) {
    const char* const colour = kColours[i % kColours.size()];
    const char* const dash = i >= kColours.size() ? R"( stroke-dasharray="5 3")" : "";
    std::string path, marks;
    for (size_t c = 0; c < chart.lines[i].points.size(); ++c) {
      const auto& point = chart.lines[i].points[c];
      if (!point) continue;
      const double x = x_of(c, i);
      path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", x, y_of(point->value));
      if (point->high > point->low) {
        marks += fmt::format(
            R"(<path d="M{0:.1f} {1:.1f}V{2:.1f}M{3:.1f} {1:.1f}h6M{3:.1f} {2:.1f}h6" stroke="{4}" opacity="0.6"/>)",
            x, y_of(std::max(0.0, point->low)), y_of(point->high), x - 3, colour);
      }
      marks += marker(i, x, y_of(point->value), colour);
    }
    const double y = kTop + 12 + 20 * static_cast<double>(i), x = kWidth - kRight + 16;
    svg += fmt::format(R"(<path d="{}" fill="none" stroke="{}" stroke-width="1.5"{}/>{})", path, colour, dash,
                       marks);
    svg +=
        fmt::format(R"(<path d="M{} {}h24" stroke="{}" stroke-width="1.5"{}/>)", x - 4, y - 4, colour, dash);
    svg += marker(i, x + 8, y - 4, colour) +
           fmt::format(R"(<text x="{}" y="{}">{}</text>)", x + 26, y, escape_xml(chart.lines[i].name));
  }
  return svg + "</svg>\n";
}

}  // namespace heed::apps
