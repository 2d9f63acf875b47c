// Line charts as SVG, for reports: a line a model over named columns or numbers, with intervals; one chart,
// or several side by side.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace heed::apps {

struct ChartPoint {
  double value = 0, low = 0, high = 0;  // low = high = value: no interval
  double at = 0;                        // its place, on an axis of numbers
};
struct ChartLine {
  std::string name;
  /// On named columns one a column, nothing where there is no value; on an axis of numbers from left to
  /// right.
  std::vector<std::optional<ChartPoint>> points;
  std::optional<size_t> ringed = {};  // a point that stands out
};
struct Chart {
  std::string title, x_label, y_label;
  std::vector<std::string> columns = {};  // named, at equal distances; none: an axis of numbers from 0
  std::vector<ChartLine> lines = {};
  bool from_zero = true;  // whether the axis of values begins at 0, or near the least
  double x_end = 0;       // what the axis of numbers reaches at least
};

/// A whole <svg> element that needs nothing else; colours are told apart by the colour-blind (Okabe & Ito),
/// and every line has its marker, which long lines do without.
std::string chart_svg(const Chart& chart);

/// Charts of the same lines (by name and order) side by side, three a row, as one <svg> element with one
/// legend.
/// @param charts one or more
/// @param ring what a ring around a point says, for the legend; empty: there is none
std::string charts_svg(const std::vector<Chart>& charts, const std::string& ring = "");

/// Text as XML and HTML want it.
std::string escape_xml(const std::string& text);

}  // namespace heed::apps
