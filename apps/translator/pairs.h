// Files of sentence pairs, read with a look at what is likely to be a mistake.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "models/text/lines.h"

namespace heed::apps {

/// models::read_parallel, "-" for standard input, with the documents of a part of a corpus. Warns of the same
/// file on both sides and of what looks like a table.
/// @param source,target files whose lines belong together
/// @return the lines
/// @throws what models::read_parallel throws
models::ParallelLines read_pairs(const std::string& source, const std::string& target);

/// Warns where every line of a file looks like a row of a table.
/// @param name of the file
/// @param lines of it
void warn_of_table(const std::string& name, const std::vector<std::string>& lines);

/// Calls `work(sources, targets)` with one part of the lines after the other, so that no more than a part's
/// attention is held.
template <class Work>
void for_parts(std::span<const std::string> sources, std::span<const std::string> targets, const Work& work) {
  constexpr size_t kPart = 1024;  // enough for batches of even lengths
  for (size_t at = 0; at < sources.size(); at += kPart) {
    const size_t count = std::min(kPart, sources.size() - at);
    work(sources.subspan(at, count), targets.subspan(at, count));
  }
}

}  // namespace heed::apps
