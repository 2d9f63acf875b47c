#include <nlohmann/json.hpp>

#include "apps/serve/http.h"

namespace heed::serve {

HttpReply http_error(int status, const std::string& message) {
  const nlohmann::json json{{"error", message}};
  return {.status = status, .body = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)};
}

}  // namespace heed::serve
