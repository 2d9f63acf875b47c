// The pairs of a text, to be looked at and changed.
#pragma once

#include <span>
#include <string>

#include "models/corpus/pair_text.h"

namespace heed::models {

/// All pairs of a text.
inline TokenisedCorpus tokens_of(const PairText& text) {
  TokenisedCorpus corpus;
  text.visit([&](std::span<const std::string> source, std::span<const std::string> target) {
    corpus.source.emplace_back(source.begin(), source.end());
    corpus.target.emplace_back(target.begin(), target.end());
    return true;
  });
  return corpus;
}

}  // namespace heed::models
