// Gold alignments of a test set.
#pragma once

#include <string>
#include <vector>

#include "models/evaluation/evaluation.h"
#include "models/text/lines.h"

namespace heed::apps {

/// A test set as a run of this config tokenises it, with the links of `gold`, a line a sentence; `name` is
/// for messages. Throws ValueError for another number of lines, FormatError with name and line for a link
/// that is none or lies outside its sentence.
std::vector<models::AlignedPair> aligned_pairs(const models::RunConfig& config,
                                               const models::ParallelLines& lines,
                                               const std::vector<std::string>& gold, const std::string& name);

}  // namespace heed::apps
