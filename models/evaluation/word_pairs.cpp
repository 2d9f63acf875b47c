#include "models/evaluation/word_pairs.h"

#include <algorithm>

namespace heed::models {

std::vector<std::pair<size_t, size_t>> word_pairs(const std::vector<std::string>& a,
                                                  const std::vector<std::string>& b) {
  const size_t m = a.size(), n = b.size();
  std::vector<std::vector<int>> cost(m + 1, std::vector<int>(n + 1));  // from a[i..] to b[j..]
  for (size_t i = m + 1; i-- > 0;) {
    for (size_t j = n + 1; j-- > 0;) {
      if (i == m || j == n) {
        cost[i][j] = static_cast<int>(m - i + n - j);
        continue;
      }
      cost[i][j] =
          std::min({cost[i + 1][j + 1] + (a[i] == b[j] ? 0 : 1), cost[i + 1][j] + 1, cost[i][j + 1] + 1});
    }
  }
  std::vector<std::pair<size_t, size_t>> pairs;
  for (size_t i = 0, j = 0; i < m && j < n;) {
    if (cost[i][j] == cost[i + 1][j + 1] + (a[i] == b[j] ? 0 : 1)) {
      pairs.emplace_back(i++, j++);
    } else if (cost[i][j] == cost[i + 1][j] + 1) {
      ++i;
    } else {
      ++j;
    }
  }
  return pairs;
}

}  // namespace heed::models
