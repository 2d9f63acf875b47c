// Changes to images that make of one sample many. All draw from default_generator(), which a DataLoader sets
// for each sample.
#pragma once

#include <vector>

#include "framework/core/tensor.h"

namespace heed::nn {

/// (x - mean) / stddev for each channel.
/// @param x [*, C, H, W]
/// @param mean,stddev one number for each channel; stddev is not 0
/// @return a tensor of x's shape; f32 for whole numbers
/// @throws ShapeError for other numbers of channels, ValueError for a stddev of 0
Tensor normalize(const Tensor& x, const std::vector<double>& mean, const std::vector<double>& stddev);
/// Mirrors the image left to right with probability p.
/// @param x [*, H, W]
/// @param p probability in [0, 1]
/// @return a tensor of x's shape
/// @throws ShapeError, ValueError for a p outside [0, 1]
Tensor random_flip(const Tensor& x, double p = 0.5);
/// A part of the image at a random place, after it was surrounded with zeros.
/// @param x [*, H, W]
/// @param height,width of the part
/// @param padding zeros on each side
/// @return [*, height, width]
/// @throws ShapeError for a part that is larger than the padded image, ValueError for a negative padding
Tensor random_crop(const Tensor& x, int64_t height, int64_t width, int64_t padding = 0);
/// The part in the middle.
/// @param x [*, H, W]
/// @param height,width of the part
/// @return [*, height, width]
/// @throws ShapeError for a part that is larger than the image
Tensor centre_crop(const Tensor& x, int64_t height, int64_t width);

}  // namespace heed::nn
