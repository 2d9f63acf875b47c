// Gold alignments of a test set.
#pragma once

#include <string>
#include <vector>

#include "models/text/lines.h"
#include "models/training/evaluation.h"

namespace heed::apps {

/// The test set as the run tokenises it, with the links of `gold_file`. Throws ValueError for another number of lines, FormatError with
/// file and line for a link that is none or lies outside its sentence.
std::vector<models::AlignedPair> aligned_pairs(const models::Translator& translator, const models::ParallelLines& lines,
                                               const std::string& gold_file);

}  // namespace heed::apps
