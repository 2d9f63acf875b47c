// The recorded graph as text for Graphviz.
#pragma once

#include <span>
#include <string>
#include <utility>

#include "framework/core/tensor.h"

namespace heed {

/// The graph that `y` came from, in DOT: `dot -Tsvg` draws it. A box for each op with its name and the dtypes and shapes that it keeps for
/// backward, an ellipse for each leaf that wants a gradient, named from `leaves` (a NamedTensors: parameters by name), an arrow for each
/// edge in the direction of forward. Ops are numbered in the order in which backward runs them, so equal graphs give equal text. Iterative:
/// any depth.
/// @param y any recorded tensor
/// @param leaves names for leaves
/// @return DOT
/// @throws GradError when y wants no gradient
std::string graph_dot(const Tensor& y, std::span<const std::pair<std::string, Tensor>> leaves = {});

}  // namespace heed
