// What a module's output hook is; Module::on_output sets it (module.h).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "framework/core/tensor.h"

namespace heed::nn {

/// f(path, output): path is the layer's dotted name from where the hook was set, as in named_parameters() ("" for that module itself).
using OutputHook = std::function<void(const std::string& path, const Tensor& output)>;

/// A module's share of a hook that was set on it or above.
struct PlacedHook {
  std::string path;                     // of the layer
  std::shared_ptr<const OutputHook> f;  // shared by all layers below
};

}  // namespace heed::nn
