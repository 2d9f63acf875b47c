// The recorded autograd graph as text for Graphviz.
#pragma once

#include <span>
#include <string>
#include <utility>

#include "framework/core/tensor.h"

namespace heed {

/// The graph that produced `y`, in the DOT language: `dot -Tsvg` draws it. Each op is a box with its name and
/// the dtypes and shapes of the tensors it keeps for backward; each leaf that requires a gradient is an
/// ellipse with its name from `leaves` (a NamedTensors, such as a module's parameters); arrows point in the
/// direction of forward. Ops are numbered in the order in which backward runs them, so equal graphs give
/// equal text. The walk is iterative, so a graph of any depth works.
/// @param y any recorded tensor
/// @param leaves names of leaves, with the tensors they belong to
/// @return the graph as DOT text
/// @throws GradError when y does not require a gradient
std::string graph_dot(const Tensor& y, std::span<const std::pair<std::string, Tensor>> leaves = {});

}  // namespace heed
