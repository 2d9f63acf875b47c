#include "apps/serve/page.h"

#include "apps/heatmap/viewer_files.h"
#include "apps/heatmap/viewer_page.h"
#include "framework/build_info.h"

namespace heed::serve {

HttpReply page_reply() {
  static const std::string page = heatmap::filled_page(text_file("index.html"), [](std::string_view part) {
    return part == "style"        ? heatmap::text_file("style.css")
           : part == "live-style" ? text_file("live.css")
           : part == "sections"   ? heatmap::text_file("sections.html")
                                  : heatmap::viewer_script(text_file("live.js"));
  });
  return {.content_type = "text/html; charset=utf-8",
          .body = page,
          .headers = {
              {"Content-Security-Policy",
               "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: "
               "blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"}}};
}

HttpReply openapi_reply() {
  static const std::string text =
      heatmap::filled_page(text_file("openapi.json"), [](std::string_view) { return build_info().version; });
  return {.body = text};
}

}  // namespace heed::serve
