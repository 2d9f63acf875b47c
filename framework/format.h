// Formatters for users of {fmt}: fmt::print("{}\n", x), fmt::format("{}", x.shape()). No other header of heed
// requires {fmt}.
#pragma once

#include <fmt/format.h>

#include <concepts>
#include <string>

#include "framework/core/tensor.h"

/// Formats a shape as "[3, 4]". Accepts the format options of a string ("{:>12}").
template <>
struct fmt::formatter<heed::Shape> : fmt::formatter<std::string> {
  auto format(const heed::Shape& shape, format_context& context) const {
    return formatter<std::string>::format(shape.str(), context);
  }
};
/// Formats an element type as "f32".
template <>
struct fmt::formatter<heed::DType> : fmt::formatter<std::string> {
  auto format(heed::DType dtype, format_context& context) const {
    return formatter<std::string>::format(heed::name_of(dtype), context);
  }
};
/// Formats a tensor's values, dtype and shape (Tensor::str()); x.describe() is dtype and shape alone.
template <std::derived_from<heed::Tensor> T>
struct fmt::formatter<T> : fmt::formatter<std::string> {
  auto format(const heed::Tensor& x, format_context& context) const {
    return formatter<std::string>::format(x.str(), context);
  }
};
