// The one thing that the library shows (kDrawingSymbol in drawing.h).
#include "apps/heatmap/cairo/cairo.h"

extern "C" [[gnu::visibility("default")]] const heed::heatmap::Drawing heed_drawing;
const heed::heatmap::Drawing heed_drawing{heed::heatmap::pango_size, heed::heatmap::cairo_png,
                                          heed::heatmap::cairo_pdf};
