// A layer's class in messages and tables.
#pragma once

#include <string>

namespace heed::nn {

class Module;

/// @param module any layer
/// @return its class without namespaces and arguments: "Linear"; an activation by its function: "relu"
std::string kind_of(const Module& module);

}  // namespace heed::nn
