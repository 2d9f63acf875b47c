// Pango shapes the text: every script, with a font that has the glyphs.
#include "apps/heatmap/cairo/cairo.h"

#include <fmt/format.h>
#include <pango/pangocairo.h>

#include <cstdlib>
#include <numbers>

#include "apps/heatmap/colour.h"
#include "apps/heatmap/render.h"
#include "framework/core/error.h"

namespace heed::heatmap {
namespace {

struct ReleasePango {
  void operator()(PangoLayout* text) const { g_object_unref(text); }
  void operator()(PangoFontDescription* font) const { pango_font_description_free(font); }
};
template <class T>
using PangoHandle = std::unique_ptr<T, ReleasePango>;

PangoHandle<PangoLayout> make_text(cairo_t* cairo, std::string_view text, double font_size,
                                   const TextLook& look) {
  PangoHandle<PangoLayout> layout(pango_cairo_create_layout(cairo));
  const PangoHandle<PangoFontDescription> font(
      pango_font_description_from_string(std::string(kPangoFonts).c_str()));
  pango_font_description_set_absolute_size(font.get(), font_size * PANGO_SCALE);
  if (look.bold) pango_font_description_set_weight(font.get(), PANGO_WEIGHT_BOLD);
  if (look.italic) pango_font_description_set_style(font.get(), PANGO_STYLE_ITALIC);
  pango_layout_set_font_description(layout.get(), font.get());
  pango_layout_set_single_paragraph_mode(layout.get(), TRUE);
  pango_layout_set_text(layout.get(), text.data(), static_cast<int>(text.size()));
  return layout;
}

Size size_of(PangoLayout* text) {
  int width = 0, height = 0;
  pango_layout_get_size(text, &width, &height);
  return {static_cast<double>(width) / PANGO_SCALE, static_cast<double>(height) / PANGO_SCALE};
}

void set_colour(cairo_t* cairo, std::string_view hex_colour) {
  const auto value = std::strtoul(std::string(hex_colour.substr(1)).c_str(), nullptr, 16);
  cairo_set_source_rgb(cairo, static_cast<double>(value >> 16) / 255,
                       static_cast<double>((value >> 8) & 255) / 255, static_cast<double>(value & 255) / 255);
}

void outline(cairo_t* cairo, const Box& box) {
  set_colour(cairo, "#868e96");
  cairo_set_line_width(cairo, 1);
  cairo_rectangle(cairo, box.x, box.y, box.width, box.height);
  cairo_stroke(cairo);
}

int draw_text(cairo_t* cairo, const PlacedText& text) {
  const TextLook look = look_of(text.role);
  const auto layout = make_text(cairo, text.text, text.font_size, look);
  const Size size = size_of(layout.get());
  cairo_save(cairo);
  cairo_translate(cairo, text.x, text.y);
  cairo_rotate(cairo, text.angle * std::numbers::pi / 180);
  cairo_move_to(cairo,
                text.align == Align::start    ? 0
                : text.align == Align::middle ? -size.width / 2
                                              : -size.width,
                -size.height / 2);
  set_colour(cairo, look.colour);
  pango_cairo_update_layout(cairo, layout.get());
  pango_cairo_show_layout(cairo, layout.get());
  cairo_restore(cairo);
  return pango_layout_get_unknown_glyphs_count(layout.get());
}

// A cell that could not be attended to.
void draw_masked(cairo_t* cairo, const Box& cell) {
  set_colour(cairo, kMaskedPaper);
  cairo_rectangle(cairo, cell.x, cell.y, cell.width, cell.height);
  cairo_fill(cairo);
  cairo_set_antialias(cairo, CAIRO_ANTIALIAS_DEFAULT);
  set_colour(cairo, kMaskedLine);
  cairo_set_line_width(cairo, 1);
  cairo_move_to(cairo, cell.x, cell.y + cell.height);
  cairo_line_to(cairo, cell.x + cell.width, cell.y);
  cairo_stroke(cairo);
}

// One picture; returns how many characters no font has.
int draw_panel(cairo_t* cairo, const Picture& picture, const Layout& layout) {
  cairo_set_antialias(cairo, CAIRO_ANTIALIAS_NONE);  // cells without seams
  for (size_t t = 0; t < picture.rows.size(); ++t) {
    for (size_t s = 0; s < picture.columns.size(); ++s) {
      const Box cell = {layout.grid.x + static_cast<double>(s) * layout.cell,
                        layout.grid.y + static_cast<double>(t) * layout.cell, layout.cell, layout.cell};
      if (picture.is_masked(t, s)) {
        draw_masked(cairo, cell);
        cairo_set_antialias(cairo, CAIRO_ANTIALIAS_NONE);
        continue;
      }
      const Colour colour = colour_of(picture.weights[t][s] / picture.brightest, picture.palette);
      cairo_set_source_rgb(cairo, colour[0], colour[1], colour[2]);
      cairo_rectangle(cairo, cell.x, cell.y, cell.width, cell.height);
      cairo_fill(cairo);
    }
  }
  cairo_set_antialias(cairo, CAIRO_ANTIALIAS_DEFAULT);
  for (size_t s = 1; s < picture.columns.size(); ++s) {
    cairo_move_to(cairo, layout.grid.x + static_cast<double>(s) * layout.cell, layout.grid.y);
    cairo_rel_line_to(cairo, 0, layout.grid.height);
  }
  for (size_t t = 1; t < picture.rows.size(); ++t) {
    cairo_move_to(cairo, layout.grid.x, layout.grid.y + static_cast<double>(t) * layout.cell);
    cairo_rel_line_to(cairo, layout.grid.width, 0);
  }
  const Seam seam = seam_of(picture.palette);
  cairo_set_source_rgba(cairo, seam.grey, seam.grey, seam.grey, seam.opacity);
  cairo_set_line_width(cairo, 1);
  cairo_stroke(cairo);
  outline(cairo, layout.grid);

  const CairoHandle<cairo_pattern_t> gradient(
      cairo_pattern_create_linear(0, layout.bar.y + layout.bar.height, 0, layout.bar.y));
  constexpr int kStops = 32;
  for (int i = 0; i <= kStops; ++i) {
    const double part = static_cast<double>(i) / kStops;
    const Colour colour = colour_of(scale_value(part, picture.palette), picture.palette);
    cairo_pattern_add_color_stop_rgb(gradient.get(), part, colour[0], colour[1], colour[2]);
  }
  cairo_set_source(cairo, gradient.get());
  cairo_rectangle(cairo, layout.bar.x, layout.bar.y, layout.bar.width, layout.bar.height);
  cairo_fill(cairo);
  outline(cairo, layout.bar);

  int missing = 0;
  for (const auto& text : layout.texts) missing += draw_text(cairo, text);
  return missing;
}

}  // namespace

Size pango_size(std::string_view text, double font_size) {
  static const CairoHandle<cairo_surface_t> surface(cairo_image_surface_create(CAIRO_FORMAT_A8, 1, 1));
  static const CairoHandle<cairo_t> cairo(cairo_create(surface.get()));
  return size_of(make_text(cairo.get(), text, font_size, {}).get());
}

int draw_sheet(cairo_t* cairo, const Sheet& sheet) {
  cairo_set_source_rgb(cairo, 1, 1, 1);
  cairo_paint(cairo);
  int missing = 0;
  for (const PlacedText& text : sheet.texts) missing += draw_text(cairo, text);
  if (sheet.masked) draw_masked(cairo, *sheet.masked);
  for (const Panel& panel : sheet.panels) {
    cairo_save(cairo);
    cairo_translate(cairo, panel.x, panel.y);
    missing += draw_panel(cairo, panel.picture, panel.layout);
    cairo_restore(cairo);
  }
  return missing;
}

void require_drawn(cairo_t* cairo, const char* format) {
  if (const auto status = cairo_status(cairo); status != CAIRO_STATUS_SUCCESS) {
    throw Error(fmt::format("{}: {}", format, cairo_status_to_string(status)));
  }
}

}  // namespace heed::heatmap
