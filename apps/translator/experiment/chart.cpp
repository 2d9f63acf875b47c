#include "apps/translator/experiment/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "apps/heatmap/render.h"

namespace heed::apps {
namespace {

constexpr std::array<const char*, 8> kColours = {"#000000", "#d55e00", "#0072b2", "#009e73",
                                                 "#cc79a7", "#e69f00", "#56b4e9", "#8c6d31"};
constexpr size_t kMostMarkers = 30;  // points of a line that are marked one by one

// What is drawn on, without the texts around it.
struct Frame {
  double left, top, width, height;
  size_t most_lines;  // of each axis
};

// An axis from `low` to `high` with a line every `step`: 1, 2 or 5 times a power of ten.
struct Axis {
  double low = 0, high = 1, step = 1;
  std::vector<double> ticks() const {
    std::vector<double> all;
    const auto count = static_cast<int>((high - low) / step + 1e-6);
    for (int i = 0; i <= count; ++i) all.push_back((std::round(low / step) + i) * step);
    return all;
  }
  double part(double value) const { return (value - low) / (high - low); }
};

Axis axis(double least, double most, size_t lines) {
  if (most <= least) most = least + std::max(1.0, std::abs(least) / 10);  // all points are equal
  const double rough = std::max(most - least, 1e-9) / static_cast<double>(lines - 1),
               power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {5.0, 2.0, 1.0}) {
    if (factor * power >= rough) step = factor * power;
  }
  return {std::floor(least / step) * step, std::ceil(most / step) * step, step};
}

// "500", "20k", "1.5M": no long rows of zeros.
std::string tick_text(double value, const Axis& axis) {
  if (axis.high >= 1e6) return value == 0 ? "0" : fmt::format("{:g}M", value / 1e6);
  if (axis.high >= 1e4) return value == 0 ? "0" : fmt::format("{:g}k", value / 1e3);
  return fmt::format("{:g}", value);
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

// A colour and a dash for each line, and a marker by its number.
struct Pen {
  const char *colour, *dash;
};
Pen pen(size_t line) {
  return {kColours[line % kColours.size()], line >= kColours.size() ? R"( stroke-dasharray="5 3")" : ""};
}

std::string line_sample(size_t line, double x, double y) {
  return fmt::format(R"(<path d="M{} {}h24" stroke="{}" stroke-width="1.5"{}/>)", x, y, pen(line).colour,
                     pen(line).dash) +
         marker(line, x + 12, y, pen(line).colour);
}

std::string ring(double x, double y, const char* colour) {
  return fmt::format(
      R"(<circle cx="{:.1f}" cy="{:.1f}" r="7.5" fill="none" stroke="{}" stroke-width="1.5"/>)", x, y,
      colour);
}

// Grid, numbers, lines and the names of the axes.
std::string plot(const Chart& chart, const Frame& f) {
  double least = INFINITY, most = -INFINITY, last = chart.x_end;
  for (const ChartLine& line : chart.lines) {
    for (const auto& point : line.points) {
      if (!point) continue;
      least = std::min(least, point->low);
      most = std::max(most, point->high);
      last = std::max(last, point->at);
    }
  }
  if (chart.from_zero || least > most) least = 0;
  const Axis y_axis = axis(least, std::max(most, least), f.most_lines);
  Axis x_axis = axis(0, last, f.most_lines);
  if (last > 0) x_axis.high = last;  // the last number need not be a round one
  const auto columns = static_cast<double>(std::max<size_t>(chart.columns.size(), 1));
  // intervals side by side
  const auto x_of = [&, n = static_cast<double>(chart.lines.size())](size_t column, size_t line, double at) {
    if (chart.columns.empty()) return f.left + f.width * x_axis.part(at);
    return f.left + f.width * (static_cast<double>(column) + 0.5) / columns +
           (static_cast<double>(line) - (n - 1) / 2) * std::min(5.0, 30 / n);
  };
  const auto y_of = [&](double value) { return f.top + f.height * (1 - y_axis.part(value)); };
  const double below = f.top + f.height;
  std::string svg;
  for (const double value : y_axis.ticks()) {
    svg += fmt::format(
        R"(<path d="M{} {:.1f}h{}" stroke="#dddddd"/><text x="{}" y="{:.1f}" text-anchor="end">{}</text>)",
        f.left, y_of(value), f.width, f.left - 8, y_of(value) + 4, tick_text(value, y_axis));
  }
  for (size_t c = 0; c < chart.columns.size(); ++c) {
    svg += fmt::format(R"(<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>)",
                       f.left + f.width * (static_cast<double>(c) + 0.5) / columns, below + 20,
                       escape_xml(chart.columns[c]));
  }
  if (chart.columns.empty()) {
    for (const double number : x_axis.ticks()) {
      svg += fmt::format(
          R"(<path d="M{0:.1f} {1}v4" stroke="#999999"/><text x="{0:.1f}" y="{2}" text-anchor="middle">{3}</text>)",
          x_of(0, 0, number), below, below + 20, tick_text(number, x_axis));
    }
  }
  svg += fmt::format(R"(<text x="{}" y="{}" text-anchor="middle">{}</text>)", f.left + f.width / 2,
                     below + 44, escape_xml(chart.x_label));
  if (!chart.y_label.empty()) {
    svg +=
        fmt::format(R"svg(<text transform="translate({} {}) rotate(-90)" text-anchor="middle">{}</text>)svg",
                    f.left - 46, f.top + f.height / 2, escape_xml(chart.y_label));
  }
  for (size_t i = 0; i < chart.lines.size(); ++i) {
    const ChartLine& line = chart.lines[i];
    const auto [colour, dash] = pen(i);
    std::string path, marks;
    for (size_t c = 0; c < line.points.size(); ++c) {
      const auto& point = line.points[c];
      if (!point) continue;
      const double x = x_of(c, i, point->at), y = y_of(point->value);
      path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", x, y);
      if (point->high > point->low) {
        marks += fmt::format(
            R"(<path d="M{0:.1f} {1:.1f}V{2:.1f}M{3:.1f} {1:.1f}h6M{3:.1f} {2:.1f}h6" stroke="{4}" opacity="0.6"/>)",
            x, y_of(std::max(y_axis.low, point->low)), y_of(point->high), x - 3, colour);
      }
      const bool ringed = line.ringed == c;
      if (ringed) marks += ring(x, y, colour);
      if (ringed || line.points.size() <= kMostMarkers) marks += marker(i, x, y, colour);
    }
    svg += fmt::format(R"(<path d="{}" fill="none" stroke="{}" stroke-width="1.5"{}/>{})", path, colour, dash,
                       marks);
  }
  return svg;
}

std::string svg_head(double width, double height) {
  return fmt::format(
      R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0:g} {1:g}" width="{0:g}" height="{1:g}" font-family="sans-serif" font-size="13">)"
      R"(<rect width="{0:g}" height="{1:g}" fill="#ffffff"/>)",
      width, height);
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
  constexpr double kWidth = 760, kHeight = 420, kLegend = 200;
  const Frame frame{64, 44, kWidth - kLegend - 64, kHeight - 44 - 56, 6};
  std::string svg = svg_head(kWidth, kHeight) + fmt::format(R"(<text x="{}" y="24" font-size="16">{}</text>)",
                                                            frame.left, escape_xml(chart.title));
  svg += plot(chart, frame);
  for (size_t i = 0; i < chart.lines.size(); ++i) {
    const double y = frame.top + 12 + 20 * static_cast<double>(i), x = kWidth - kLegend + 12;
    svg += line_sample(i, x, y - 4) +
           fmt::format(R"(<text x="{}" y="{}">{}</text>)", x + 30, y, escape_xml(chart.lines[i].name));
  }
  return svg + "</svg>\n";
}

std::string charts_svg(const std::vector<Chart>& charts, const std::string& ring_text) {
  constexpr double kPanelWidth = 400, kPanelHeight = 300, kLine = 22, kMargin = 16, kFontSize = 13;
  const size_t across = std::min<size_t>(charts.size(), 3), down = (charts.size() + across - 1) / across;
  const double width = kPanelWidth * static_cast<double>(across);
  std::string legend;
  double x = kMargin, y = kMargin + 8;
  const auto entry = [&](const std::string& text, const auto& sample) {
    const double room = 34 + heatmap::measure_text(text, kFontSize).width + 24;
    if (x > kMargin && x + room > width) {
      x = kMargin;
      y += kLine;
    }
    legend += sample() + fmt::format(R"(<text x="{:.1f}" y="{}">{}</text>)", x + 32, y + 4, escape_xml(text));
    x += room;
  };
  const std::vector<ChartLine>& lines = charts.front().lines;
  for (size_t i = 0; i < lines.size(); ++i) entry(lines[i].name, [&] { return line_sample(i, x, y); });
  if (!ring_text.empty()) entry(ring_text, [&] { return ring(x + 12, y, "#666666"); });
  const double top = y + kLine;
  std::string svg = svg_head(width, top + kPanelHeight * static_cast<double>(down)) + legend;
  for (size_t i = 0; i < charts.size(); ++i) {
    const Frame frame{kPanelWidth * static_cast<double>(i % across) + 66,
                      top + kPanelHeight * static_cast<double>(i / across) + 36, kPanelWidth - 66 - 22,
                      kPanelHeight - 36 - 62, 5};
    svg += fmt::format(R"(<text x="{}" y="{}" font-size="15">{}</text>)", frame.left, frame.top - 14,
                       escape_xml(charts[i].title)) +
           plot(charts[i], frame);
  }
  return svg + "</svg>\n";
}

}  // namespace heed::apps
