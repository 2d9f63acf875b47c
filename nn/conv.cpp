#include "nn/conv.h"

#include <fmt/format.h>

namespace heed::nn::detail {
namespace {

void check_both(const char* layer, const char* option, Extent2d value, int64_t least) {
  check_at_least(layer, option, value.height, least);
  check_at_least(layer, option, value.width, least);
}

}  // namespace

void check_convolution(const char* layer, int64_t in, int64_t out, Extent2d kernel,
                       const Conv2dOptions& options) {
  check_at_least(layer, "in", in, 1);
  check_at_least(layer, "out", out, 1);
  check_both(layer, "kernel", kernel, 1);
  check_both(layer, "stride", options.stride, 1);
  check_both(layer, "padding", options.padding, 0);
  check_both(layer, "dilation", options.dilation, 1);
  check_at_least(layer, "groups", options.groups, 1);
  if (in % options.groups != 0 || out % options.groups != 0) {
    throw ValueError(layer,
                     fmt::format("{} groups do not divide {} and {} channels", options.groups, in, out));
  }
}

void check_pooling(const char* layer, Extent2d window, const Pool2dOptions& options) {
  check_both(layer, "window", window, 1);
  check_both(layer, "stride", options.stride, 0);
  check_both(layer, "padding", options.padding, 0);
  if (2 * options.padding.height > window.height || 2 * options.padding.width > window.width) {
    throw ValueError(
        layer, fmt::format("padding {}, {} is more than half of the window {}, {}", options.padding.height,
                           options.padding.width, window.height, window.width));
  }
}

}  // namespace heed::nn::detail
