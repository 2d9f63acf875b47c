// What a network is made of, as a table.
#pragma once

#include <functional>
#include <string>

#include "nn/module.h"

namespace heed::nn {

/// A row for each layer that has parameters or was called: its kind, the parameters at and below it, their bytes and its buffers', and,
/// when a run is given, the shape of its last output and the operations of its own products and convolutions (FlopCounter). Products in
/// which a layer's own weights take no part, such as an attention's energies, count for the layer around it.
///   std::cout << summary(net, [&] { net(x); });
/// @param module whose output hook is replaced, and empty afterwards
/// What a run does to the module it does here too: a BatchNorm in training mode learns from it.
/// @param run calls the module once; empty: no outputs and operations
/// @return lines of text, the totals at the end
std::string summary(Module& module, const std::function<void()>& run = {});

}  // namespace heed::nn
