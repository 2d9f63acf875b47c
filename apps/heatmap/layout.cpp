#include "apps/heatmap/layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "models/text/unicode.h"

namespace heed::heatmap {
namespace {

constexpr double kMargin = 16, kGap = 8;
constexpr double kLargestCell = 44, kSmallestCell = 22;
// a grid grows beyond this only when its cells are as small as they may be
constexpr double kGridTarget = 760;
constexpr double kTitleFont = 15, kCaptionFont = 11.5, kAxisFont = 13, kTickFont = 10.5;
constexpr double kBarWidth = 14, kSmallestBar = 60, kLargestBar = 320;
// titles wrap here or at the width of the picture, whichever is wider
constexpr double kNarrowestTitle = 420;
constexpr double kSlack = 1.04;  // fonts of other machines may be a little wider than the one measured

// Words of `text` in lines of at most `width`; a longer word has a line of its own.
std::vector<std::string> wrapped(std::string_view text, double font_size, double width,
                                 const Measure& measure) {
  std::vector<std::string> lines;
  for (const auto word : models::split_whitespace(text)) {
    std::string longer = lines.empty() ? std::string() : lines.back() + " ";
    longer += word;
    if (!lines.empty() && measure(longer, font_size).width * kSlack <= width) {
      lines.back() = longer;
    } else {
      lines.emplace_back(word);
    }
  }
  return lines;
}

PlacedText::Role role_of(LabelStyle style) {
  if (style == LabelStyle::end_of_sentence) return PlacedText::Role::end_of_sentence;
  return style == LabelStyle::unknown ? PlacedText::Role::unknown : PlacedText::Role::label;
}

// The value at a part of the scale; a difference has a sign.
std::string tick_text(const Picture& picture, double part) {
  const double value = scale_value(part, picture.palette) * picture.brightest;
  const int digits = picture.brightest < 0.2 ? 3 : 2;
  return picture.palette.difference && value != 0 ? fmt::format("{:+.{}f}", value, digits)
                                                  : fmt::format("{:.{}f}", value, digits);
}

struct Extent {
  double width = 0, height = 0;  // of the widest and of the tallest
};

Extent extent_of(const std::vector<Label>& labels, double font_size, const Measure& measure) {
  Extent extent;
  for (const auto& label : labels) {
    const Size size = measure(label.text, font_size);
    extent.width = std::max(extent.width, std::ceil(size.width * kSlack));
    extent.height = std::max(extent.height, std::ceil(size.height));
  }
  return extent;
}

}  // namespace

namespace {

bool has_unknown(const Picture& picture) {
  const auto unknown = [](const Label& label) { return label.style == LabelStyle::unknown; };
  return std::ranges::any_of(picture.columns, unknown) || std::ranges::any_of(picture.rows, unknown);
}

bool has_masked(const Picture& picture) {
  return std::ranges::any_of(
      picture.masked, [](const std::vector<bool>& row) { return std::ranges::find(row, true) != row.end(); });
}

// A line each for unknown words and for masked cells, below the panels.
void add_legend(Sheet& sheet, const Measure& measure) {
  const auto any = [&](bool (*has)(const Picture&)) {
    return std::ranges::any_of(sheet.panels, [&](const Panel& panel) { return has(panel.picture); });
  };
  const double line = std::ceil(measure("Ag", kCaptionFont).height) + 2;
  const auto add = [&](double marked, const char* meaning) {
    const double x = kMargin + marked + kGap / 2, y = sheet.height - kMargin + line / 2;
    sheet.texts.push_back({meaning, x, y, 0, kCaptionFont, Align::start, PlacedText::Role::caption});
    sheet.width =
        std::max(sheet.width, std::ceil(x + measure(meaning, kCaptionFont).width * kSlack + kMargin));
    sheet.height += line;
    return y;
  };
  if (any(has_unknown) || any(has_masked)) sheet.height += kGap / 2;
  if (any(has_unknown)) {
    const char* const example = "word";
    const double y = add(std::ceil(measure(example, kCaptionFont).width * 1.12), "is outside the vocabulary");
    sheet.texts.push_back({example, kMargin, y, 0, kCaptionFont, Align::start, PlacedText::Role::unknown});
  }
  if (any(has_masked)) {
    const double y = add(kCaptionFont, "masked: not written yet");
    sheet.masked = Box{kMargin, y - kCaptionFont / 2, kCaptionFont, kCaptionFont};
  }
}

}  // namespace

Sheet lay_out_sheet(std::vector<Picture> pictures, size_t columns, const Measure& measure,
                    const std::string& title, const std::string& caption) {
  Sheet sheet;
  std::vector<double> widths(columns, 0), heights((pictures.size() + columns - 1) / columns, 0);
  for (size_t i = 0; i < pictures.size(); ++i) {
    Layout layout = lay_out(pictures[i], measure);
    widths[i % columns] = std::max(widths[i % columns], layout.width);
    heights[i / columns] = std::max(heights[i / columns], layout.height);
    sheet.panels.push_back({std::move(pictures[i]), std::move(layout)});
  }
  for (size_t i = 0; i < sheet.panels.size(); ++i) {
    for (size_t c = 0; c < i % columns; ++c) sheet.panels[i].x += widths[c];
    for (size_t r = 0; r < i / columns; ++r) sheet.panels[i].y += heights[r];
  }
  for (const double width : widths) sheet.width += width;
  for (const double height : heights) sheet.height += height;
  double top = kMargin;
  const auto above = [&](const std::string& text, double size, PlacedText::Role role) {
    for (const std::string& line :
         wrapped(text, size, std::max(kNarrowestTitle, sheet.width - 2 * kMargin), measure)) {
      const Size extent = measure(line, size);
      sheet.texts.push_back({line, kMargin, top + extent.height / 2, 0, size, Align::start, role});
      sheet.width = std::max(sheet.width, std::ceil(2 * kMargin + extent.width * 1.12));  // bold
      top += std::ceil(extent.height) + 2;
    }
  };
  above(title, kTitleFont, PlacedText::Role::title);
  above(caption, kCaptionFont, PlacedText::Role::caption);
  if (!sheet.texts.empty()) {
    for (Panel& panel : sheet.panels) panel.y += top;
    sheet.height += top;
  }
  add_legend(sheet, measure);
  return sheet;
}

Layout lay_out(const Picture& picture, const Measure& measure) {
  using Role = PlacedText::Role;
  const auto columns = static_cast<double>(picture.columns.size()),
             rows = static_cast<double>(picture.rows.size());
  Layout layout;

  // A cell is never lower than the words beside it, so that labels cannot overlap.
  const double fitting = std::clamp(kGridTarget / std::max(columns, rows), kSmallestCell, kLargestCell);
  const double font = std::clamp(fitting * 0.45, 11.0, 14.0);
  const Extent down = extent_of(picture.rows, font, measure),
               across = extent_of(picture.columns, font, measure);
  const double cell = layout.cell = std::floor(std::max({fitting, down.height + 2, across.height + 2}));

  // Column labels: straight where each fits over its cell, else leaning at 45 degrees, else (tall scripts)
  // upright.
  const double lean = std::numbers::pi / 4;
  const bool straight = across.width + 4 <= cell;
  const bool leaning = !straight && across.height + 1 <= cell * std::sin(lean);
  const double angle = straight ? 0 : leaning ? -45 : -90;
  double labels_height = across.height,
         overhang = 0;  // overhang: how far labels reach beyond the right edge of the grid
  if (leaning) {
    labels_height = (across.width + across.height) * std::sin(lean);
    for (size_t i = 0; i < picture.columns.size(); ++i) {
      const double reach =
          (measure(picture.columns[i].text, font).width * kSlack + across.height) * std::cos(lean);
      overhang = std::max(overhang, reach - (columns - static_cast<double>(i) - 0.5) * cell);
    }
  } else if (!straight) {
    labels_height = across.width;
  }

  // Left to right.
  const double axis_height = std::ceil(measure(picture.rows_name, kAxisFont).height);
  const double grid_x = kMargin + axis_height + kGap + down.width + kGap;
  const double grid_width = columns * cell, grid_height = rows * cell;
  const double columns_name_width = std::ceil(measure(picture.columns_name, kAxisFont).width * kSlack);
  const double tick_width = std::ceil(measure(tick_text(picture, 1), kTickFont).width * kSlack);
  const double bar_x = grid_x + grid_width + 2 * kGap;
  const double right = std::max({bar_x + kBarWidth + kGap / 2 + tick_width, grid_x + grid_width + overhang,
                                 grid_x + columns_name_width});
  const auto titles = wrapped(picture.title, kTitleFont, std::max(kNarrowestTitle, right - kMargin), measure);
  const auto captions =
      wrapped(picture.caption, kCaptionFont, std::max(kNarrowestTitle, right - kMargin), measure);
  double text_width = right - kMargin;
  // bold
  for (const auto& line : titles) text_width = std::max(text_width, measure(line, kTitleFont).width * 1.12);
  for (const auto& line : captions)
    text_width = std::max(text_width, measure(line, kCaptionFont).width * kSlack);
  layout.width = std::ceil(kMargin + text_width + kMargin);

  // Top to bottom.
  double y = kMargin;
  const auto stack = [&](const std::vector<std::string>& lines, double size, Role role) {
    for (const auto& line : lines) {
      const double height = std::ceil(measure(line, size).height);
      layout.texts.push_back({line, kMargin, y + height / 2, 0, size, Align::start, role});
      y += height + 2;
    }
  };
  stack(titles, kTitleFont, Role::title);
  stack(captions, kCaptionFont, Role::caption);
  y += kGap;
  layout.texts.push_back({picture.columns_name, grid_x + std::max(grid_width, columns_name_width) / 2,
                          y + axis_height / 2, 0, kAxisFont, Align::middle, Role::axis});
  y += axis_height + kGap / 2;
  const double grid_y = std::ceil(y + labels_height + kGap / 2);
  layout.grid = {grid_x, grid_y, grid_width, grid_height};
  const double axis_length = measure(picture.rows_name, kAxisFont).width * kSlack;
  const double bar_height = std::clamp(grid_height, kSmallestBar, kLargestBar);
  const double bottom = grid_y + std::max({grid_height, bar_height, axis_length});
  layout.height = std::ceil(bottom + kMargin);
  layout.texts.push_back({picture.rows_name, kMargin + axis_height / 2,
                          grid_y + std::max(grid_height, axis_length) / 2, -90, kAxisFont, Align::middle,
                          Role::axis});

  for (size_t i = 0; i < picture.columns.size(); ++i) {
    const double middle = grid_x + (static_cast<double>(i) + 0.5) * cell;
    const double foot = grid_y - kGap / 2 -
                        (straight  ? across.height / 2
                         : leaning ? across.height * 0.35
                                   : 0);
    layout.texts.push_back({picture.columns[i].text, middle, foot, angle, font,
                            straight ? Align::middle : Align::start, role_of(picture.columns[i].style)});
  }
  for (size_t i = 0; i < picture.rows.size(); ++i) {
    layout.texts.push_back({picture.rows[i].text, grid_x - kGap,
                            grid_y + (static_cast<double>(i) + 0.5) * cell, 0, font, Align::end,
                            role_of(picture.rows[i].style)});
  }

  layout.bar = {bar_x, grid_y, kBarWidth, bar_height};
  for (int tick = 0; tick <= 4; ++tick) {
    const double part = tick / 4.0, inset = kTickFont * 0.4;  // the end ticks stay level with the bar
    layout.texts.push_back({tick_text(picture, part), bar_x + kBarWidth + kGap / 2,
                            grid_y + inset + (1 - part) * (bar_height - 2 * inset), 0, kTickFont,
                            Align::start, Role::tick});
  }
  return layout;
}

}  // namespace heed::heatmap
