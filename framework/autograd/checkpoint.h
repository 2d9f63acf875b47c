// Gradient checkpointing (Chen et al. 2016, "Training deep nets with sublinear memory cost"): memory for time. What lies between the inputs
// and the results of a function is not kept for backward but computed again when backward gets there.
#pragma once

#include <functional>
#include <vector>

#include "framework/core/tensor.h"

namespace heed {

/// f(inputs), of which only the inputs are kept: f runs without recording, and in backward once more with it, from where the gradients go
/// on to the inputs and to all that f reads besides (its parameters). The random numbers of default_generator() and the precision of
/// products are set back for the second run, so that dropout draws the same mask; the gradients are those of f itself bit for bit, and
/// gradients of gradients work as well (a graph of create_graph is kept whole: it saves nothing there).
///
/// f has to do the same twice: between forward and backward neither the values that it reads may change (inputs are checked, GradError; the
/// rest is not) nor a train() switch, and what f changes it changes twice (batch norm's running mean). In backward GradError is thrown when
/// f gives other shapes or another number of tensors than before.
/// @param f a function of tensors, called twice
/// @param inputs are kept
/// @return f's results, which may be undefined or not floating; floating ones want a gradient always while recording is on, since nobody
///   knows what f reads
std::vector<Tensor> checkpoint(std::function<std::vector<Tensor>(const std::vector<Tensor>&)> f, std::vector<Tensor> inputs);

/// The same for one input and one output.
/// @param f a function of a tensor, called twice
/// @param x is kept
/// @return f's result
Tensor checkpoint(std::function<Tensor(const Tensor&)> f, const Tensor& x);

}  // namespace heed
