// PNG: cairo draws, libpng packs.
#include <fmt/format.h>
#include <png.h>

#include <bit>
#include <cmath>
#include <csetjmp>

#include "apps/heatmap/cairo/cairo.h"
#include "apps/heatmap/render.h"
#include "framework/core/error.h"

namespace heed::heatmap {
namespace {

constexpr double kLargestSide = 32767;        // of a cairo image
constexpr double kLargestArea = 256'000'000;  // 1 GB of pixels

void append(png_structp png, png_bytep data, size_t length) {
  static_cast<std::string*>(png_get_io_ptr(png))->append(reinterpret_cast<const char*>(data), length);
}

// The pixels as PNG; false when libpng fails. Rows are written as differences from the row above: of cells
// they are zeros, which the lowest compression packs well, five times as fast as cairo's own writer. No
// object here has a destructor that setjmp could jump over.
bool encode(const unsigned char* pixels, int width, int height, int stride, std::string* bytes) {
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  if (!png) return false;
  png_infop info = png_create_info_struct(png);
  if (!info || setjmp(png_jmpbuf(png)) != 0) {
    png_destroy_write_struct(&png, &info);
    return false;
  }
  png_set_write_fn(png, bytes, append, [](png_structp) {});
  png_set_IHDR(png, info, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height), 8,
               PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_UP);
  png_set_compression_level(png, 1);
  png_write_info(png, info);
  // cairo's pixel is 0x00RRGGBB in the machine's order
  if constexpr (std::endian::native == std::endian::little) {
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

Rendered cairo_png(const Sheet& sheet, const std::string& /*label*/, double dpi) {
  const double scale = dpi / 96;
  const double width = std::ceil(sheet.width * scale), height = std::ceil(sheet.height * scale);
  if (width > kLargestSide || height > kLargestSide || width * height > kLargestArea) {
    throw ValueError(
        fmt::format("a picture of {:.0f} x {:.0f} pixels is too large for PNG: lower --dpi, draw a part "
                    "(--source-words, --target-words), or write SVG or PDF",
                    width, height));
  }
  const CairoHandle<cairo_surface_t> surface(
      cairo_image_surface_create(CAIRO_FORMAT_RGB24, static_cast<int>(width), static_cast<int>(height)));
  const CairoHandle<cairo_t> cairo(cairo_create(surface.get()));
  cairo_scale(cairo.get(), scale, scale);
  Rendered png;
  png.missing_glyphs = draw_sheet(cairo.get(), sheet);
  cairo_surface_flush(surface.get());
  require_drawn(cairo.get(), "PNG");
  if (!encode(cairo_image_surface_get_data(surface.get()), static_cast<int>(width), static_cast<int>(height),
              cairo_image_surface_get_stride(surface.get()), &png.bytes)) {
    throw Error("PNG: the picture cannot be encoded");
  }
  return png;
}

}  // namespace heed::heatmap
