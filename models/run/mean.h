// The mean of the weights of several files.
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "framework/core/tensor.h"

namespace heed::models {

/// The element-wise mean, computed in f64.
/// @param files files of weights with the same tensors, at least one; however they are stored
/// @return f32, by name
/// @throws IoError and FormatError as map_weights(), and FormatError for NaN, infinity, and for a tensor
///   that a file lacks or has in another shape
std::map<std::string, Tensor> mean_of_weights(std::span<const std::filesystem::path> files);

}  // namespace heed::models
