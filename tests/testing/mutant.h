// Changes a file at random, for tests of what reads it.
#pragma once

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace heed {

/// One small change, or a few, of bytes or of what stands in texts of this kind.
inline std::string mutant_of(const std::string& original, std::mt19937& random) {
  static const std::vector<std::string> kWords = {"9223372036854775807",
                                                  "-1",
                                                  "1e999",
                                                  "null",
                                                  "[]",
                                                  "{}",
                                                  "\"\"",
                                                  "0",
                                                  "nan",
                                                  "\n",
                                                  "\r\n",
                                                  "\t",
                                                  "[[[[[[[[",
                                                  std::string(1, '\0'),
                                                  "\xff",
                                                  "\xe2\x96\x81",
                                                  "'",
                                                  "true",
                                                  "</s>",
                                                  "a.b.c.d.e",
                                                  "9999999"};
  const auto below = [&](size_t n) { return static_cast<size_t>(random()) % std::max<size_t>(n, 1); };
  std::string text = original;
  for (size_t changes = 1 + below(3); changes > 0 && !text.empty(); --changes) {
    // Headers and the first lines say what follows: half of the changes go there.
    const size_t at = below(below(2) == 0 ? std::min<size_t>(text.size(), 400) : text.size()),
                 length = std::min(text.size() - at, 1 + below(40));
    switch (below(7)) {
      case 0:
        text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
        break;
      case 1:
        text[at] = static_cast<char>(random());
        break;
      case 2:
        text.resize(at);
        break;
      case 3:
        text.erase(at, length);
        break;
      case 4:
        text.insert(at, text.substr(at, length));
        break;
      case 5:
        text.insert(at, kWords[below(kWords.size())]);
        break;
      default:
        text.replace(at, std::min(length, 1 + below(6)), kWords[below(kWords.size())]);
    }
  }
  return text;
}

}  // namespace heed
