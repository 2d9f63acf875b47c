// Included first by every installed header (cmake/headers.cmake adds the include): a compiler that is not in
// C++20 mode reports one clear error instead of a page of errors about std::span and concepts. A missing
// include is the one error after which every compiler stops, so its name is the message.
#pragma once

#if __cplusplus < 202002L
#include "heed needs C++20: compile with -std=c++20"
#endif
