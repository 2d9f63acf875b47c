// A table of a network's layers.
#pragma once

#include <functional>
#include <string>

#include "nn/module.h"

namespace heed::nn {

/// Lists each layer that has parameters or was called: its class, the number of parameters in it and below
/// it, the bytes of its parameters and buffers, and, if a run is given, the shape of its last output and the
/// operations of its own matrix products and convolutions (FlopCounter). Products that do not involve a
/// layer's own weights, such as an attention's energies, are counted for the enclosing layer.
/// @param module the network. Its output hook is replaced and empty afterwards; the run has its usual effects
///   on it, such as a BatchNorm in training mode that updates its running averages
/// @param run function that calls the module once; if empty, outputs and operations are not listed
/// @return lines of text, with the totals at the end
std::string summary(Module& module, const std::function<void()>& run = {});

}  // namespace heed::nn
