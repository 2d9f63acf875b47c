// Line charts as SVG, for reports: a line a model over named columns or numbers, with intervals.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace heed::apps {

struct ChartPoint {
  double value = 0, low = 0, high = 0;  // low = high = value: no interval
};
struct ChartLine {
  std::string name;
  std::vector<std::optional<ChartPoint>> points;  // one a column or position; nothing where there is no value
};
struct Chart {
  std::string title, x_label, y_label;
  std::vector<std::string> columns;    // named, at equal distances; or
  std::vector<double> positions = {};  // numbers, at their places on an axis from 0
  std::vector<ChartLine> lines;
};

/// A whole <svg> element that needs nothing else; colours are told apart by the colour-blind (Okabe & Ito),
/// and every line has its marker.
std::string chart_svg(const Chart& chart);

/// Text as XML and HTML want it.
std::string escape_xml(const std::string& text);

}  // namespace heed::apps
