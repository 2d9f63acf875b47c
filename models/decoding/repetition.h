// Whether a model does nothing but repeat itself.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

namespace heed::models {

/// Whether a model says nothing but one word. Some published conversions do, and so do models that were never
/// trained.
/// @param outputs words or ids of some outputs
/// @return whether each output that is not empty holds nothing but one word, or one word 20 times in a row,
/// and one
///   of them does the latter
template <class Word>
bool repeat_one_word(std::span<const std::vector<Word>> outputs) {
  constexpr size_t kTimes = 20;
  bool often = false;
  for (const std::vector<Word>& words : outputs) {
    size_t times = 0, most = 0;
    for (size_t i = 0; i < words.size(); ++i) {
      times = i > 0 && words[i] == words[i - 1] ? times + 1 : 1;
      most = std::max(most, times);
    }
    if (most < kTimes && most < words.size()) return false;
    often = often || most >= kTimes;
  }
  return often;
}

}  // namespace heed::models
