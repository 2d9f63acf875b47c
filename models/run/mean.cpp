#include "models/run/mean.h"

#include <fmt/format.h>

#include "framework/framework.h"
#include "models/run/folder.h"
#include "models/run/weights.h"

namespace heed::models {

std::map<std::string, Tensor> mean_of_weights(std::span<const std::filesystem::path> files) {
  const NoGradGuard no_grad;
  std::map<std::string, Tensor> mean;
  for (const std::filesystem::path& file : files) {
    const std::string name = file.string();
    const std::map<std::string, Tensor> weights = map_weights(file).tensors;
    check_finite(weights, name);
    if (!mean.empty() && weights.size() != mean.size()) {
      throw FormatError(fmt::format("'{}' has {} tensors, '{}' has {}", name, weights.size(),
                                    files.front().string(), mean.size()));
    }
    const bool first = mean.empty();
    for (const auto& [key, value] : weights) {
      const Tensor share = value.to(DType::f64) / static_cast<double>(files.size());
      const auto found = mean.find(key);
      if (!first && (found == mean.end() || found->second.shape() != share.shape()))
        throw FormatError(
            fmt::format("'{}' of '{}' is not in '{}' with this shape", key, name, files.front().string()));
      if (first) {
        mean.emplace(key, share);
      } else {
        found->second = found->second + share;
      }
    }
  }
  for (auto& [key, value] : mean) value = value.to(DType::f32);
  return mean;
}

}  // namespace heed::models
