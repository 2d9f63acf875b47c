// Counts n-grams with a trie whose nodes are the n-grams, so that an n-gram is identified by a number instead
// of a copy of its symbols.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace heed::models {

/// Numbers n-grams of 1 to `order` symbols in the order of their first occurrence. The same n-gram has the
/// same number in all sequences passed to one NgramCounter.
class NgramCounter {
 public:
  /// @param order the longest n-grams
  explicit NgramCounter(int order) : order_(order) {}

  /// @param symbols a sequence
  /// @return count of each n-gram in the sequence, by number; n-grams first seen in later calls are past the
  ///   end and have count 0
  std::vector<int64_t> count(std::span<const uint32_t> symbols) {
    std::vector<int64_t> counts(lengths_.size());
    for (size_t begin = 0; begin < symbols.size(); ++begin) {
      uint64_t node = 0;  // the root; n-gram i is node i + 1
      for (size_t n = 1; n <= static_cast<size_t>(order_) && begin + n <= symbols.size(); ++n) {
        const auto [it, added] = children_.try_emplace(node << 32 | symbols[begin + n - 1],
                                                       static_cast<uint32_t>(lengths_.size() + 1));
        if (added) {
          lengths_.push_back(static_cast<int>(n));
          counts.push_back(0);
        }
        node = it->second;
        ++counts[node - 1];
      }
    }
    return counts;
  }

  /// @param number number of an n-gram
  /// @return its number of symbols
  int length(size_t number) const { return lengths_[number]; }

 private:
  int order_;
  std::vector<int> lengths_;
  std::unordered_map<uint64_t, uint32_t> children_;  // (node, symbol) -> node
};

}  // namespace heed::models
