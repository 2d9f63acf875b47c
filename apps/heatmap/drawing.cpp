// Loads the library that draws, and passes on to it.
#include "apps/heatmap/drawing.h"

#include "apps/common/module.h"

namespace heed::heatmap {
namespace {

const Drawing& drawing() {
  static const Drawing& loaded =
      *static_cast<const Drawing*>(apps::load_module(kDrawingFile, kDrawingSymbol, "what draws pictures"));
  return loaded;
}

}  // namespace

void require_drawing() { drawing(); }

Size measure_text(std::string_view text, double font_size) { return drawing().measure(text, font_size); }

Rendered render_png(const Sheet& sheet, const std::string& label, double dpi) {
  return drawing().png(sheet, label, dpi);
}

Rendered render_pdf(const Sheet& sheet, const std::string& label, double dpi) {
  return drawing().pdf(sheet, label, dpi);
}

}  // namespace heed::heatmap

// Fontconfig and pango keep their caches until the process ends, which the leak checker of an asan build
// would report.
#if defined(__SANITIZE_ADDRESS__)
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_options();
extern "C" const char* __lsan_default_options() { return "print_suppressions=0"; }
extern "C" const char* __lsan_default_suppressions() { return "leak:libfontconfig\nleak:libpango\n"; }
#endif
