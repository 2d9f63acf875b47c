// Layers in a Profiler's rows.
#pragma once

#include "framework/core/profiler.h"
#include "nn/module.h"

namespace heed::nn {

/// Has a Profiler name what it records by the layers of a network: an op that reads a parameter belongs to
/// the parameter's layer, any other one to the layer that ran it. A parameter that two layers share
/// names the first.
/// @param profiler that records
/// @param module the network; it must outlive the profiler
/// @param prefix in front of the names, where there are several networks
void name_layers(Profiler& profiler, const Module& module, const std::string& prefix = "");

}  // namespace heed::nn
