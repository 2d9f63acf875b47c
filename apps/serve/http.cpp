#include "apps/serve/http.h"

#include "apps/common/module.h"
#include "framework/core/error.h"

namespace heed::serve {

std::unique_ptr<HttpServer> listen(const HttpOptions& options, HttpHandler handler) {
  const auto& library =
      *static_cast<const HttpModule*>(apps::load_module(kHttpFile, kHttpSymbol, "what speaks HTTP"));
  std::string error;
  std::unique_ptr<HttpServer> server = library.listen(options, std::move(handler), error);
  if (!server) throw Error(error);
  return server;
}

}  // namespace heed::serve
