// The name of a layer's class, for messages and tables.
#pragma once

#include <string>

namespace heed::nn {

class Module;

/// @param module any layer
/// @return name of its class without namespaces and template arguments: "Linear"; for an Activation the name
///   of its function: "relu"
std::string kind_of(const Module& module);

}  // namespace heed::nn
