// PDF of one page, with the fonts that it uses.
#include <cairo-pdf.h>
#include <fmt/format.h>

#include "apps/heatmap/cairo/cairo.h"
#include "apps/heatmap/render.h"
#include "framework/core/error.h"

namespace heed::heatmap {
namespace {

constexpr double kPoints = 72.0 / 96;    // a px in points
constexpr double kLargestPage = 14'400;  // points; PDF 1.7, appendix C

cairo_status_t append(void* bytes, const unsigned char* data, unsigned length) {
  static_cast<std::string*>(bytes)->append(reinterpret_cast<const char*>(data), length);
  return CAIRO_STATUS_SUCCESS;
}

}  // namespace

Rendered cairo_pdf(const Sheet& sheet, const std::string& label, double /*dpi*/) {
  const double width = sheet.width * kPoints, height = sheet.height * kPoints;
  if (width > kLargestPage || height > kLargestPage) {
    throw ValueError(
        fmt::format("a page of {:.0f} x {:.0f} points is too large for PDF: draw a part (--source-words, "
                    "--target-words), or write SVG",
                    width, height));
  }
  Rendered pdf;
  const CairoHandle<cairo_surface_t> surface(
      cairo_pdf_surface_create_for_stream(append, &pdf.bytes, width, height));
  cairo_pdf_surface_set_metadata(surface.get(), CAIRO_PDF_METADATA_TITLE, label.c_str());
  // the same bytes each time
  cairo_pdf_surface_set_metadata(surface.get(), CAIRO_PDF_METADATA_CREATE_DATE, "2000-01-01T00:00:00Z");
  const CairoHandle<cairo_t> cairo(cairo_create(surface.get()));
  cairo_scale(cairo.get(), kPoints, kPoints);
  pdf.missing_glyphs = draw_sheet(cairo.get(), sheet);
  cairo_show_page(cairo.get());
  require_drawn(cairo.get(), "PDF");
  cairo_surface_finish(surface.get());
  return pdf;
}

}  // namespace heed::heatmap
