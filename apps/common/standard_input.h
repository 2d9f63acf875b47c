// Standard input that tells an error from the end.
#pragma once

#include <istream>

namespace heed::apps {

/// In the place of std::cin, which takes a read error (a directory, a failing disk, a closed stream) for the end of the input.
/// Reading throws IoError with the system's reason.
std::istream& standard_input();

}  // namespace heed::apps
