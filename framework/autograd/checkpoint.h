// Gradient checkpointing (Chen et al. 2016, "Training deep nets with sublinear memory cost"): saves memory at
// the cost of time. The intermediate results of a function are not kept for backward; they are recomputed
// when backward needs them.
#pragma once

#include <functional>
#include <vector>

#include "framework/core/tensor.h"

namespace heed {

/// Computes f(inputs) and keeps only the inputs for backward. f first runs without being recorded; backward
/// runs it a second time with recording, and propagates gradients through that recording to the inputs and to
/// everything else that f reads (its parameters). For the second run the state of default_generator() and the
/// autocast setting are restored, so dropout draws the same mask. The gradients equal those of f itself bit
/// for bit. Gradients of gradients work too, but a graph recorded with create_graph is kept in full, so no
/// memory is saved there.
///
/// f must do the same both times. Between forward and backward, neither the values that it reads nor the
/// module's train() setting may change; a changed input is detected (GradError), other changes are not. Side
/// effects of f happen twice, such as the update of batch normalisation's running mean. Backward throws
/// GradError if f returns different shapes or a different number of tensors the second time.
/// @param f a function of tensors, called twice
/// @param inputs arguments of f; kept until backward
/// @return f's results, which may include undefined or non-floating tensors. While recording is on, every
///   floating result requires a gradient, because checkpoint cannot know which parameters f reads
std::vector<Tensor> checkpoint(std::function<std::vector<Tensor>(const std::vector<Tensor>&)> f,
                               std::vector<Tensor> inputs);

/// The same for a function with one input and one output.
/// @param f function of one tensor, called twice
/// @param x argument of f; kept until backward
/// @return f's result
Tensor checkpoint(std::function<Tensor(const Tensor&)> f, const Tensor& x);

}  // namespace heed
