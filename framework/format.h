// {fmt} for who uses it: fmt::print("{}\n", x), fmt::format("{}", x.shape()). heed's other headers do without {fmt}.
#pragma once

#include <fmt/format.h>

#include <string>

#include "framework/core/tensor.h"

/// A shape: "[3, 4]". Takes the options of a string ("{:>12}").
template <>
struct fmt::formatter<heed::Shape> : fmt::formatter<std::string> {
  auto format(const heed::Shape& shape, format_context& context) const { return formatter<std::string>::format(shape.str(), context); }
};
/// An element type: "f32".
template <>
struct fmt::formatter<heed::DType> : fmt::formatter<std::string> {
  auto format(heed::DType dtype, format_context& context) const { return formatter<std::string>::format(heed::name_of(dtype), context); }
};
/// A tensor: its type and shape, "f32[3, 4]", or "undefined".
template <>
struct fmt::formatter<heed::Tensor> : fmt::formatter<std::string> {
  auto format(const heed::Tensor& x, format_context& context) const {
    return formatter<std::string>::format(x.defined() ? x.describe() : "undefined", context);
  }
};
