// Sentence pairs as tokens.
#pragma once

#include <string>
#include <vector>

namespace heed::models {

/// Tokenised sentence pairs.
struct TokenisedCorpus {
  std::vector<std::vector<std::string>> source, target;  // equally many
};

}  // namespace heed::models
