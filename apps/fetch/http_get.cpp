#include "apps/fetch/http_get.h"

#include "apps/common/module.h"

namespace heed::fetch {

const FetchModule& fetch_module() {
  static const auto& library = *static_cast<const FetchModule*>(
      apps::load_module(kFetchFile, kFetchSymbol, "what fetches files (libcurl)"));
  return library;
}

}  // namespace heed::fetch
