// The page and the description of the API, as the program has them inside.
#pragma once

#include <string>
#include <string_view>

#include "apps/serve/http.h"

namespace heed::serve {

/// The content of a file of page/, as the build puts it into the program (cmake/text_files.cmake); empty for
/// a name that is none.
std::string text_file(std::string_view name);

/// The page: nothing in it comes from elsewhere, and it may ask nobody but its own server.
HttpReply page_reply();
/// page/openapi.json with this program's version.
HttpReply openapi_reply();

}  // namespace heed::serve
