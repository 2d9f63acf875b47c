// Loads the library that draws, and passes on to it.
#include "apps/heatmap/drawing.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <filesystem>

#include "framework/core/error.h"

namespace heed::heatmap {
namespace {

const Drawing& drawing() {
  static const Drawing& loaded = []() -> const Drawing& {
    const auto program = std::filesystem::read_symlink("/proc/self/exe");
    const std::string path = (program.parent_path().parent_path() / kDrawingFile).string();
    void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);  // until the program ends
    const void* const symbol = library ? dlsym(library, kDrawingSymbol) : nullptr;
    if (!symbol) throw Error(fmt::format("cannot load what draws pictures: {}", dlerror()));
    return *static_cast<const Drawing*>(symbol);
  }();
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
