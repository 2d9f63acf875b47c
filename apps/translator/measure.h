// What a comparison measures of each model.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "apps/translator/comparison.h"

namespace heed::apps {

struct Candidate {
  std::string name;
  std::filesystem::path run;
};

/// Translates and scores the comparison's sentences with a run, and reads how it was trained. `gold` is empty where there is none. Throws
/// IoError and FormatError for a run that is missing or damaged.
ComparedModel measure(const Candidate& candidate, const Comparison& comparison, const std::vector<models::AlignedPair>& gold,
                      const models::TranslateOptions& options);

/// Fills in intervals, the comparison with the first model, the worst sentences.
void add_statistics(Comparison& comparison);

}  // namespace heed::apps
