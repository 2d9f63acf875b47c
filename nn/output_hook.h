// Types of a module's output hook, which Module::on_output installs (module.h).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "framework/core/tensor.h"

namespace heed::nn {

/// A function f(path, output). The path is the dotted name of the layer relative to the module where the hook
/// was installed, as in named_parameters(); "" for that module itself.
using OutputHook = std::function<void(const std::string& path, const Tensor& output)>;

/// What each module stores of a hook that was installed on it or on a module above it.
struct PlacedHook {
  std::string path;                     // path of this module
  std::shared_ptr<const OutputHook> f;  // the hook, shared by all modules that it observes
};

}  // namespace heed::nn
