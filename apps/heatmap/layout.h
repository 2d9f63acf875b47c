// The geometry of a heatmap, the same for every output format: source words across, output words down (or one
// side across and down), brightness the weight.
//
//        title lines
//            source            <- axis title
//          l a b e l s         <- straight if they fit, else rotated; the picture grows with them
//   o  la  +---------+  1.0
//   u  be  | cells   |  bar
//   t  ls  +---------+  0.0
// All lengths in px (1/96 inch), y down.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/heatmap/picture.h"

namespace heed::heatmap {

struct Size {
  double width = 0, height = 0;
};
/// The extent of a line of text in the label font at `font_size` px.
using Measure = std::function<Size(std::string_view text, double font_size)>;

struct Box {
  double x = 0, y = 0, width = 0, height = 0;
};

enum class Align { start, middle, end };

/// A line of text, turned by `angle` degrees (clockwise) around its anchor, which lies at its vertical
/// middle.
struct PlacedText {
  std::string text;
  double x = 0, y = 0;
  double angle = 0;
  double font_size = 0;
  Align align = Align::start;
  enum class Role { title, caption, axis, label, unknown, end_of_sentence, tick } role = Role::label;
};

struct Layout {
  double width = 0, height = 0;
  double cell = 0;  // side of a cell
  Box grid, bar;    // bar: bright on top
  std::vector<PlacedText> texts;
};

Layout lay_out(const Picture& picture, const Measure& measure);

/// A picture and where its left upper corner lies.
struct Panel {
  Picture picture;
  Layout layout;
  double x = 0, y = 0;
};
/// Panels in rows of `columns`, each column as wide as its widest and each row as high as its highest; lines
/// of text above them, and below them what marks unknown words and masked cells where there are some.
struct Sheet {
  std::vector<Panel> panels;
  std::vector<PlacedText> texts;
  std::optional<Box> masked;  // the legend's masked cell
  double width = 0, height = 0;
};
/// `title` and `caption` stand above several panels; empty: nothing.
Sheet lay_out_sheet(std::vector<Picture> pictures, size_t columns, const Measure& measure,
                    const std::string& title = "", const std::string& caption = "");

}  // namespace heed::heatmap
