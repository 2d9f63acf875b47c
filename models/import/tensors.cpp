#include "models/import/tensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "models/run/folder.h"

namespace heed::models {

FormatError import_error(const std::string& file, const std::string& what) {
  return FormatError(fmt::format("import '{}': {}", file, what));
}

const Tensor& ForeignTensors::look(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) {
    throw import_error(file_, fmt::format("the tensor '{}' {}", name,
                                          taken_.contains(name) ? "is wanted twice" : "is missing"));
  }
  return found->second;
}

Tensor ForeignTensors::take(const std::string& name, const Shape& shape) {
  const Tensor x = look(name);
  if (x.shape() != shape) {
    throw import_error(
        file_, fmt::format("the tensor '{}' is {}, {} is wanted", name, x.shape().str(), shape.str()));
  }
  if (!all_finite(x)) throw import_error(file_, fmt::format("the tensor '{}' holds NaN or infinity", name));
  tensors_.erase(name);
  taken_.insert(name);
  return x;
}

void ForeignTensors::finish() const {
  if (tensors_.empty()) return;
  const std::string more =
      tensors_.size() == 1 ? "" : fmt::format(", nor are {} others", tensors_.size() - 1);
  throw import_error(file_,
                     fmt::format("the tensor '{}' is no part of the model{}", tensors_.begin()->first, more));
}

double largest_difference(const Tensor& a, const Tensor& b) {
  const std::vector<float> x = a.to_vector<float>(), y = b.to_vector<float>();
  double largest = 0;
  for (size_t i = 0; i < x.size(); ++i)
    largest = std::max(largest, std::abs(static_cast<double>(x[i]) - static_cast<double>(y[i])));
  return largest;
}

}  // namespace heed::models
