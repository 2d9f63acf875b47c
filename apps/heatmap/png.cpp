// PNG through cairo, with pango for the text: it shapes every script and looks for a font that has the glyphs.
#include <cairo.h>
#include <fmt/format.h>
#include <pango/pangocairo.h>
#include <png.h>

#include <bit>
#include <cmath>
#include <csetjmp>
#include <cstdlib>
#include <memory>
#include <numbers>

#include "apps/heatmap/colour.h"
#include "apps/heatmap/render.h"
#include "framework/core/error.h"

namespace heed::heatmap {
namespace {

struct Release {
  void operator()(cairo_surface_t* surface) const { cairo_surface_destroy(surface); }
  void operator()(cairo_t* cairo) const { cairo_destroy(cairo); }
  void operator()(cairo_pattern_t* pattern) const { cairo_pattern_destroy(pattern); }
  void operator()(PangoLayout* text) const { g_object_unref(text); }
  void operator()(PangoFontDescription* font) const { pango_font_description_free(font); }
};
template <class T>
using Handle = std::unique_ptr<T, Release>;

constexpr double kLargestSide = 32767;        // of a cairo image
constexpr double kLargestArea = 256'000'000;  // 1 GB of pixels

Handle<PangoLayout> make_text(cairo_t* cairo, std::string_view text, double font_size, const TextLook& look) {
  Handle<PangoLayout> layout(pango_cairo_create_layout(cairo));
  const Handle<PangoFontDescription> font(pango_font_description_from_string(std::string(kPangoFonts).c_str()));
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
  cairo_set_source_rgb(cairo, static_cast<double>(value >> 16) / 255, static_cast<double>((value >> 8) & 255) / 255,
                       static_cast<double>(value & 255) / 255);
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
  cairo_move_to(cairo, text.align == Align::start ? 0 : text.align == Align::middle ? -size.width / 2 : -size.width, -size.height / 2);
  set_colour(cairo, look.colour);
  pango_cairo_update_layout(cairo, layout.get());
  pango_cairo_show_layout(cairo, layout.get());
  cairo_restore(cairo);
  return pango_layout_get_unknown_glyphs_count(layout.get());
}

void append(png_structp png, png_bytep data, size_t length) {
  static_cast<std::string*>(png_get_io_ptr(png))->append(reinterpret_cast<const char*>(data), length);
}

// The pixels as PNG; false when libpng fails. Rows are written as differences from the row above: of cells they are zeros, which the lowest
// compression packs well, five times as fast as cairo's own writer. No object here has a destructor that setjmp could jump over.
bool encode(const unsigned char* pixels, int width, int height, int stride, std::string* bytes) {
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  if (!png) return false;
  png_infop info = png_create_info_struct(png);
  if (!info || setjmp(png_jmpbuf(png)) != 0) {
    png_destroy_write_struct(&png, &info);
    return false;
  }
  png_set_write_fn(png, bytes, append, [](png_structp) {});
  png_set_IHDR(png, info, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height), 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_UP);
  png_set_compression_level(png, 1);
  png_write_info(png, info);
  if constexpr (std::endian::native == std::endian::little) {  // cairo's pixel is 0x00RRGGBB in the machine's order
    png_set_bgr(png);
    png_set_filler(png, 0, PNG_FILLER_AFTER);
  } else {
    png_set_filler(png, 0, PNG_FILLER_BEFORE);
  }
  for (int y = 0; y < height; ++y) png_write_row(png, pixels + static_cast<ptrdiff_t>(y) * stride);
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return true;
}

}  // namespace

TextLook look_of(PlacedText::Role role) {
  switch (role) {
    case PlacedText::Role::title:
      return {"#212529", true};
    case PlacedText::Role::caption:
      return {"#495057"};
    case PlacedText::Role::axis:
      return {"#495057", false, true};
    case PlacedText::Role::unknown:
      return {"#c2410c", false, true};
    case PlacedText::Role::end_of_sentence:
      return {"#8a929a"};
    case PlacedText::Role::tick:
      return {"#495057"};
    case PlacedText::Role::label:
      break;
  }
  return {"#212529"};
}

Size measure_text(std::string_view text, double font_size) {
  static const Handle<cairo_surface_t> surface(cairo_image_surface_create(CAIRO_FORMAT_A8, 1, 1));
  static const Handle<cairo_t> cairo(cairo_create(surface.get()));
  return size_of(make_text(cairo.get(), text, font_size, {}).get());
}

namespace {

// One picture; returns how many characters no font has.
int draw_panel(cairo_t* cairo, const Picture& picture, const Layout& layout) {
  cairo_set_antialias(cairo, CAIRO_ANTIALIAS_NONE);  // cells without seams
  for (size_t t = 0; t < picture.rows.size(); ++t) {
    for (size_t s = 0; s < picture.columns.size(); ++s) {
      const Colour colour = colour_of(picture.weights[t][s] / picture.brightest);
      cairo_set_source_rgb(cairo, colour[0], colour[1], colour[2]);
      cairo_rectangle(cairo, layout.grid.x + static_cast<double>(s) * layout.cell, layout.grid.y + static_cast<double>(t) * layout.cell,
                      layout.cell, layout.cell);
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
  cairo_set_source_rgba(cairo, 1, 1, 1, kSeamOpacity);
  cairo_set_line_width(cairo, 1);
  cairo_stroke(cairo);
  outline(cairo, layout.grid);

  const Handle<cairo_pattern_t> gradient(cairo_pattern_create_linear(0, layout.bar.y + layout.bar.height, 0, layout.bar.y));
  constexpr int kStops = 32;
  for (int i = 0; i <= kStops; ++i) {
    const double value = static_cast<double>(i) / kStops;
    const Colour colour = colour_of(value);
    cairo_pattern_add_color_stop_rgb(gradient.get(), value, colour[0], colour[1], colour[2]);
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

Png render_png(const Sheet& sheet, double dpi) {
  const double scale = dpi / 96;
  const double width = std::ceil(sheet.width * scale), height = std::ceil(sheet.height * scale);
  if (width > kLargestSide || height > kLargestSide || width * height > kLargestArea) {
    throw ValueError(
        fmt::format("a picture of {:.0f} x {:.0f} pixels is too large for PNG: lower --dpi or --max-tokens, or write SVG", width, height));
  }
  const Handle<cairo_surface_t> surface(cairo_image_surface_create(CAIRO_FORMAT_RGB24, static_cast<int>(width), static_cast<int>(height)));
  const Handle<cairo_t> owner(cairo_create(surface.get()));
  cairo_t* cairo = owner.get();
  cairo_set_source_rgb(cairo, 1, 1, 1);
  cairo_paint(cairo);
  cairo_scale(cairo, scale, scale);

  Png png;
  for (const PlacedText& text : sheet.texts) png.missing_glyphs += draw_text(cairo, text);
  for (const Panel& panel : sheet.panels) {
    cairo_save(cairo);
    cairo_translate(cairo, panel.x, panel.y);
    png.missing_glyphs += draw_panel(cairo, panel.picture, panel.layout);
    cairo_restore(cairo);
  }
  cairo_surface_flush(surface.get());
  if (const auto status = cairo_status(cairo); status != CAIRO_STATUS_SUCCESS)
    throw Error(fmt::format("PNG: {}", cairo_status_to_string(status)));
  if (!encode(cairo_image_surface_get_data(surface.get()), static_cast<int>(width), static_cast<int>(height),
              cairo_image_surface_get_stride(surface.get()), &png.bytes)) {
    throw Error("PNG: the picture cannot be encoded");
  }
  return png;
}

}  // namespace heed::heatmap

// Fontconfig and pango keep their caches until the process ends, which the leak checker of an asan build would
// report.
#if defined(__SANITIZE_ADDRESS__)
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_options();
extern "C" const char* __lsan_default_options() { return "print_suppressions=0"; }
extern "C" const char* __lsan_default_suppressions() { return "leak:libfontconfig\nleak:libpango\n"; }
#endif
