// Files of sentence pairs, read with a look at what is likely to be a mistake.
#pragma once

#include <string>

#include "models/text/lines.h"

namespace heed::apps {

/// models::read_parallel, "-" for standard input. Warns of the same file on both sides and of what looks like a table.
/// @param source,target files whose lines belong together
/// @return the lines
/// @throws what models::read_parallel throws; ValueError for standard input on both sides
models::ParallelLines read_pairs(const std::string& source, const std::string& target);

}  // namespace heed::apps
