#include "apps/heatmap/terminal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "apps/common/print.h"
#include "apps/heatmap/picture.h"
#include "models/text/unicode.h"

namespace heed::heatmap {
namespace {

constexpr int kGapColumns = 1, kLongestLabel = 24;

// A label for a terminal, not longer than it may be.
std::string short_label(const Label& label) {
  const std::string text = apps::printable(label.text);
  if (models::terminal_columns(text) <= kLongestLabel) return text;
  std::string cut;
  for (const char32_t c : models::code_points(text)) {
    if (models::terminal_columns(cut) >= kLongestLabel - 2) break;
    models::append_utf8(cut, c);
  }
  return cut + "\xE2\x80\xA6";  // an ellipsis
}

std::string padded(const std::string& text, int columns) {
  return text + std::string(static_cast<size_t>(std::max(0, columns - models::terminal_columns(text))), ' ');
}

// One of five shades, for weights up to 0.05, 0.2, 0.45, 0.7 and 1.
const char* shade_of(float weight) {
  if (weight < 0.05F) return "\xC2\xB7";  // a dot
  if (weight < 0.2F) return "\xE2\x96\x91";
  if (weight < 0.45F) return "\xE2\x96\x92";
  return weight < 0.7F ? "\xE2\x96\x93" : "\xE2\x96\x88";
}

// A cell in its colour.
std::string coloured(float weight, int columns, const Palette& palette) {
  const auto byte = [](double part) { return std::lround(part * 255); };
  const Colour colour = colour_of(weight, palette);
  return fmt::format("\x1b[48;2;{};{};{}m{}\x1b[0m", byte(colour[0]), byte(colour[1]), byte(colour[2]),
                     std::string(static_cast<size_t>(columns), ' '));
}

std::string shaded(float weight, int columns) {
  std::string cell;
  for (int i = 0; i < columns; ++i) cell += shade_of(weight);
  return cell;
}

std::string as_list(const Picture& picture, const std::vector<std::string>& columns,
                    const std::vector<std::string>& rows, int widest) {
  constexpr size_t kShown = 3;
  constexpr float kLeast = 0.1F;
  std::string text;
  for (size_t r = 0; r < rows.size(); ++r) {
    const std::vector<float>& weights = picture.weights[r];
    std::vector<size_t> order(columns.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::stable_sort(order, [&](size_t a, size_t b) { return weights[a] > weights[b]; });
    text += padded(rows[r], widest);
    for (size_t i = 0; i < std::min(kShown, order.size()) && (i == 0 || weights[order[i]] >= kLeast); ++i)
      text += fmt::format("{}{} {:.2f}", i == 0 ? "  " : ", ", columns[order[i]], weights[order[i]]);
    text += '\n';
  }
  return text;
}

}  // namespace

std::string draw_text(const models::Translation& record, int columns, const std::optional<Palette>& palette) {
  const Picture picture = make_picture(record, {.mean = !record.usual_map});
  std::vector<std::string> across, down;
  for (const Label& label : picture.columns) across.push_back(short_label(label));
  for (const Label& label : picture.rows) down.push_back(short_label(label));
  int widest = 0;
  for (const std::string& row : down) widest = std::max(widest, models::terminal_columns(row));
  std::vector<int> widths;
  int width = widest;
  for (const std::string& column : across) {
    widths.push_back(std::max(2, models::terminal_columns(column)));
    width += kGapColumns + widths.back();
  }
  if (width > columns) return as_list(picture, across, down, widest);
  const std::string gap(kGapColumns, ' ');
  std::string text(static_cast<size_t>(widest), ' ');
  for (size_t c = 0; c < across.size(); ++c) text += gap + padded(across[c], widths[c]);
  text += '\n';
  for (size_t r = 0; r < down.size(); ++r) {
    text += padded(down[r], widest);
    for (size_t c = 0; c < across.size(); ++c) {
      text += gap;
      const float weight = picture.weights[r][c];
      text += palette ? coloured(weight, widths[c], *palette) : shaded(weight, widths[c]);
    }
    text += '\n';
  }
  return text;
}

}  // namespace heed::heatmap
