// Parts of the programs that bring many libraries with them lie in files of their own, loaded when they are
// first needed: most commands draw nothing and serve nobody, and start without them.
#pragma once

#include <string>

namespace heed::apps {

/// Loads a file beside the folder of the program and finds what it exports; it stays until the program ends.
/// @param file such as "lib/heed/heed_drawing.so"
/// @param symbol what it exports
/// @param what it does, for the message: "what draws pictures"
/// @return the symbol's address
/// @throws Error naming the file
const void* load_module(const std::string& file, const char* symbol, const char* what);

}  // namespace heed::apps
