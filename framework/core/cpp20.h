// The first thing that each header of heed asks for as a user sees it (cmake/headers.cmake): one line in place of a page of errors about
// std::span and concepts.
#pragma once

#if __cplusplus < 202002L
#error heed needs C++20: compile with -std=c++20
#include "compiling stops here: heed needs C++20"  // a file that is missing is the one error that no compiler goes on after
#endif
