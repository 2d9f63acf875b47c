// show(): a tensor as lines of numbers, a row a line, its first rows and columns when it is large.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "apps/learn/learn.h"

namespace heed::learn {

void show(const std::string& name, const Tensor& x) {
  constexpr int64_t kRows = 12, kColumns = 12;
  if (!x.defined()) {
    std::printf("  %s is an undefined tensor, Tensor{}\n", name.c_str());
    return;
  }
  std::string text = fmt::format("  {} {}\n", name, x.shape().str());
  const NoGradGuard no_grad;
  const std::vector<double> numbers = x.detach().to(DType::f64).to_vector<double>();
  const int64_t columns = x.ndim() == 0 ? 1 : x.size(-1), rows = columns == 0 ? 0 : x.numel() / columns;
  for (int64_t i = 0; i < std::min(rows, kRows); ++i) {
    text += "   ";
    for (int64_t j = 0; j < std::min(columns, kColumns); ++j)
      text += fmt::format(" {:>9.4g}", numbers[static_cast<size_t>(i * columns + j)]);
    text += columns > kColumns ? " ...\n" : "\n";
  }
  if (rows > kRows) text += fmt::format("    ... {} rows in all\n", rows);
  std::fputs(text.c_str(), stdout);
}

}  // namespace heed::learn
