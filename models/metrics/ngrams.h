// Counting n-grams: a trie whose nodes are the n-grams, so that an n-gram is one number and no copy of its symbols.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace heed::models {

/// Numbers the n-grams of 1 to `order` symbols as they turn up. Equal n-grams of all sequences that one NgramCounter
/// sees have equal numbers.
class NgramCounter {
 public:
  /// @param order the longest n-grams
  explicit NgramCounter(int order) : order_(order) {}

  /// @param symbols a sequence
  /// @return how often each n-gram is in it, by number; n-grams seen only later are past the end, with count 0
  std::vector<int64_t> count(std::span<const uint32_t> symbols) {
    std::vector<int64_t> counts(lengths_.size());
    for (size_t begin = 0; begin < symbols.size(); ++begin) {
      uint64_t node = 0;  // the root; n-gram i is node i + 1
      for (size_t n = 1; n <= static_cast<size_t>(order_) && begin + n <= symbols.size(); ++n) {
        const auto [it, added] = children_.try_emplace(node << 32 | symbols[begin + n - 1], static_cast<uint32_t>(lengths_.size() + 1));
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

  /// @param number of an n-gram
  /// @return how many symbols it has
  int length(size_t number) const { return lengths_[number]; }

 private:
  int order_;
  std::vector<int> lengths_;
  std::unordered_map<uint64_t, uint32_t> children_;  // (node, symbol) -> node
};

}  // namespace heed::models
