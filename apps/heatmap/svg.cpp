// SVG by hand: cairo's SVG output would turn text into outlines and has no tooltips.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <vector>

#include "apps/heatmap/colour.h"
#include "apps/heatmap/render.h"
#include "models/text/unicode.h"

namespace heed::heatmap {
namespace {

// Text for XML 1.0, which cannot hold most control characters and two others at all.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char32_t c : models::code_points(text)) {
    switch (c) {
      case U'&':
        out += "&amp;";
        break;
      case U'<':
        out += "&lt;";
        break;
      case U'>':
        out += "&gt;";
        break;
      case U'"':
        out += "&quot;";
        break;
      case U'\'':
        out += "&#39;";
        break;
      default:
        models::append_utf8(
            out, (c < 0x20 && c != U'\t' && c != U'\n') || c == 0xFFFE || c == 0xFFFF ? U'\uFFFD' : c);
    }
  }
  return out;
}

// Above so many cells only those of some weight have a rectangle with their words; the others of one value,
// to a thousandth of the scale, are one path. A row sums to one, so no more than 20 of its cells are above
// the bound.
constexpr size_t kManyCells = 20'000;
constexpr double kWithWords = 0.05;
constexpr double kShades = 1000;

std::string_view class_of(PlacedText::Role role) {
  switch (role) {
    case PlacedText::Role::title:
      return "title";
    case PlacedText::Role::caption:
      return "caption";
    case PlacedText::Role::axis:
      return "axis";
    case PlacedText::Role::unknown:
      return "unk";
    case PlacedText::Role::end_of_sentence:
      return "eos";
    case PlacedText::Role::tick:
      return "tick";
    case PlacedText::Role::label:
      break;
  }
  return "label";
}

// Lengths with at most two digits after the point.
std::string px(double value) {
  std::string text = fmt::format("{:.2f}", value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

// A sheet has one palette of weights and one of differences.
std::string_view scale_id(const Palette& palette) { return palette.difference ? "difference" : "scale"; }

std::string texts_svg(const std::vector<PlacedText>& texts) {
  std::string svg;
  for (const PlacedText& text : texts) {
    const auto anchor = text.align == Align::start ? "start" : text.align == Align::middle ? "middle" : "end";
    const std::string turn = text.angle == 0 ? ""
                                             : fmt::format(" transform=\"rotate({} {} {})\"", px(text.angle),
                                                           px(text.x), px(text.y));
    // dy lowers the baseline so that the anchor is at the middle of the letters.
    fmt::format_to(std::back_inserter(svg),
                   "<text class=\"{}\" x=\"{}\" y=\"{}\" dy=\"0.35em\" font-size=\"{}\" "
                   "text-anchor=\"{}\"{}>{}</text>\n",
                   class_of(text.role), px(text.x), px(text.y), px(text.font_size), anchor, turn,
                   escaped(text.text));
  }
  return svg;
}

// Cells that could not be attended to, of their outlines and their diagonals.
std::string masked_svg(const std::string& outlines, const std::string& diagonals) {
  return fmt::format(
      "<path class=\"masked\" d=\"{}\" fill=\"{}\"><title>masked</title></path><path d=\"{}\" "
      "fill=\"none\" stroke=\"{}\" pointer-events=\"none\"/>",
      outlines, kMaskedPaper, diagonals, kMaskedLine);
}

// Cells, seams, frame, scale and texts of one picture.
std::string panel_svg(const Panel& panel, size_t many_cells) {
  std::string svg;
  const auto line = [&]<class... Args>(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(svg), format, std::forward<Args>(args)...);
    svg += '\n';
  };
  const std::string side = px(panel.layout.cell);
  const bool difference = panel.picture.palette.difference;
  const auto number = [&](double weight) {
    return difference ? fmt::format("{:+.3f}", weight) : fmt::format("{:.3f}", weight);
  };
  line("<g class=\"cells\">");
  const bool many = panel.picture.rows.size() * panel.picture.columns.size() > many_cells;
  std::string masked, crossed;       // outlines and diagonals of masked cells
  std::map<long, std::string> pale;  // thousandths of the scale to their cells, a cell being 1 by 1
  for (size_t t = 0; t < panel.picture.rows.size(); ++t) {
    for (size_t s = 0; s < panel.picture.columns.size(); ++s) {
      const float weight = panel.picture.weights[t][s];
      const double x = panel.layout.grid.x + static_cast<double>(s) * panel.layout.cell,
                   y = panel.layout.grid.y + static_cast<double>(t) * panel.layout.cell;
      if (panel.picture.is_masked(t, s)) {
        fmt::format_to(std::back_inserter(masked), "M{} {}h{}v{}h-{}z", px(x), px(y), side, side, side);
        fmt::format_to(std::back_inserter(crossed), "M{} {}l{} -{}", px(x), px(y + panel.layout.cell), side,
                       side);
        continue;
      }
      if (many && std::abs(weight) < kWithWords) {
        fmt::format_to(std::back_inserter(pale[std::lround(weight / panel.picture.brightest * kShades)]),
                       "M{} {}h1v1h-1z", s, t);
        continue;
      }
      line(
          "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\"><title>{} \xE2\x86\x92 {}: "
          "{}</title></rect>",
          px(x), px(y), side, side, hex(colour_of(weight / panel.picture.brightest, panel.picture.palette)),
          escaped(panel.picture.columns[s].text), escaped(panel.picture.rows[t].text), number(weight));
    }
  }
  if (!masked.empty()) line("{}", masked_svg(masked, crossed));
  if (!pale.empty())
    line("<g transform=\"translate({} {}) scale({})\">", px(panel.layout.grid.x), px(panel.layout.grid.y),
         side);
  for (const auto& [thousandths, cells] : pale) {
    const double part = static_cast<double>(thousandths) / kShades;
    line("<path fill=\"{}\" d=\"{}\"><title>{}</title></path>", hex(colour_of(part, panel.picture.palette)),
         cells, number(part * panel.picture.brightest));
  }
  if (!pale.empty()) line("</g>");
  line("</g>");
  std::string seams;  // hairlines lead the eye from a label to its cells
  for (size_t s = 1; s < panel.picture.columns.size(); ++s) {
    fmt::format_to(std::back_inserter(seams), "M{} {}v{}",
                   px(panel.layout.grid.x + static_cast<double>(s) * panel.layout.cell),
                   px(panel.layout.grid.y), px(panel.layout.grid.height));
  }
  for (size_t t = 1; t < panel.picture.rows.size(); ++t) {
    fmt::format_to(std::back_inserter(seams), "M{} {}h{}", px(panel.layout.grid.x),
                   px(panel.layout.grid.y + static_cast<double>(t) * panel.layout.cell),
                   px(panel.layout.grid.width));
  }
  if (!seams.empty()) {
    const Seam seam = seam_of(panel.picture.palette);
    line("<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-opacity=\"{}\" pointer-events=\"none\"/>", seams,
         hex({seam.grey, seam.grey, seam.grey}), seam.opacity);
  }
  line("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"none\" stroke=\"#868e96\"/>",
       px(panel.layout.grid.x), px(panel.layout.grid.y), px(panel.layout.grid.width),
       px(panel.layout.grid.height));

  line(
      "<rect class=\"bar\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"url(#{})\" "
      "stroke=\"#868e96\"><title>{} to {:g}</title></rect>",
      px(panel.layout.bar.x), px(panel.layout.bar.y), px(panel.layout.bar.width), px(panel.layout.bar.height),
      scale_id(panel.picture.palette),
      difference ? fmt::format("difference of attention weights, {:g}", -panel.picture.brightest)
                 : "attention weight, 0",
      panel.picture.brightest);
  return svg + texts_svg(panel.layout.texts);
}

// What all pictures share: the looks of text and cells, and the colours of the scale.
std::string style_svg() {
  std::string svg;
  const auto line = [&]<class... Args>(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(svg), format, std::forward<Args>(args)...);
    svg += '\n';
  };
  line("<style>");
  line("text {{ font-family: {}; unicode-bidi: isolate; }}", kSvgFonts);
  using Role = PlacedText::Role;
  for (const Role role : {Role::title, Role::caption, Role::axis, Role::label, Role::unknown,
                          Role::end_of_sentence, Role::tick}) {
    const TextLook look = look_of(role);
    line(".{} {{ fill: {};{}{} }}", class_of(role), look.colour, look.bold ? " font-weight: bold;" : "",
         look.italic ? " font-style: italic;" : "");
  }
  line(".cells rect, .cells path {{ shape-rendering: crispEdges; }}");
  line(".cells rect:hover {{ stroke: #e8590c; stroke-width: 3; }}");
  line("</style>");
  return svg;
}

std::string scale_svg(const Palette& palette) {
  std::string svg;
  const auto line = [&]<class... Args>(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(svg), format, std::forward<Args>(args)...);
    svg += '\n';
  };
  line("<defs><linearGradient id=\"{}\" x1=\"0\" y1=\"1\" x2=\"0\" y2=\"0\">", scale_id(palette));
  constexpr int kStops = 32;
  for (int i = 0; i <= kStops; ++i) {
    const double part = static_cast<double>(i) / kStops;
    line("<stop offset=\"{:.5f}\" stop-color=\"{}\"/>", part,
         hex(colour_of(scale_value(part, palette), palette)));
  }
  line("</linearGradient></defs>");
  return svg;
}

// The scales of a sheet, each once.
std::string scales_svg(const Sheet& sheet) {
  std::string svg;
  std::vector<std::string_view> drawn;
  for (const Panel& panel : sheet.panels) {
    const std::string_view id = scale_id(panel.picture.palette);
    if (std::ranges::find(drawn, id) != drawn.end()) continue;
    drawn.push_back(id);
    svg += scale_svg(panel.picture.palette);
  }
  return svg;
}

std::string element(const Sheet& sheet, const std::string& label, bool whole) {
  const std::string width = px(sheet.width), height = px(sheet.height);
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" viewBox=\"0 0 {} {}\" "
      "role=\"img\" aria-label=\"{}\">\n",
      width, height, width, height, escaped(label));
  if (whole) svg += style_svg();
  svg += "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n";
  if (whole) svg += scales_svg(sheet);
  svg += texts_svg(sheet.texts);
  for (const Panel& panel : sheet.panels) {
    const bool moved = panel.x != 0 || panel.y != 0;
    if (moved) svg += fmt::format("<g transform=\"translate({} {})\">\n", px(panel.x), px(panel.y));
    svg += panel_svg(panel, whole ? kManyCells : 0);
    if (moved) svg += "</g>\n";
  }
  if (const auto& key = sheet.masked) {
    const std::string side = px(key->width);
    svg += masked_svg(fmt::format("M{} {}h{}v{}h-{}z", px(key->x), px(key->y), side, side, side),
                      fmt::format("M{} {}l{} -{}", px(key->x), px(key->y + key->height), side, side)) +
           "\n";
  }
  return svg + "</svg>\n";
}

}  // namespace

Rendered render_svg(const Sheet& sheet, const std::string& label, double /*dpi*/) {
  return {"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + element(sheet, label, /*whole=*/true)};
}

std::string page_svg(const Sheet& sheet, const std::string& label) {
  return element(sheet, label, /*whole=*/false);
}

std::string page_svg_head() {
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"0\" height=\"0\" style=\"position:absolute\" "
         "aria-hidden=\"true\">\n" +
         style_svg() + scale_svg({}) + "</svg>\n";
}

}  // namespace heed::heatmap
