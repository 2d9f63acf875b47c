// A corpus of tokenised sentence pairs.
#pragma once

#include <string>
#include <vector>

namespace heed::models {

/// Tokenised sentence pairs: sentence i of `source` is translated by sentence i of `target`.
struct TokenisedCorpus {
  std::vector<std::vector<std::string>> source, target;  // tokens of each sentence
};

}  // namespace heed::models
