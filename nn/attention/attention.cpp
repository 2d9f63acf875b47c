#include "nn/attention/attention.h"

#include <fmt/format.h>

#include <limits>

namespace heed::nn {

Attention::Output Attention::attend(const Tensor& query, const Memory& memory, const State& state) const {
  if (query.ndim() != 3 || memory.keys.ndim() != 3 || query.size(0) != memory.keys.size(0)) {
    throw ShapeError("attention", fmt::format("query {} does not fit keys {}", query.shape().str(),
                                              memory.keys.shape().str()));
  }
  if (state.coverage.defined() && state.coverage.shape() != Shape{memory.keys.size(0), memory.keys.size(1)}) {
    throw ShapeError("attention", fmt::format("coverage {} does not fit keys {}",
                                              state.coverage.shape().str(), memory.keys.shape().str()));
  }
  Output out = answer(query, memory, state);
  out.state.step = state.step + query.size(1);
  out.context = announce(std::move(out.context));
  return out;
}

Tensor weights_of(const Tensor& energies, const Attention::Memory& memory, const Tensor& lengths) {
  if (!memory.mask.defined()) return masked_softmax(energies, lengths);
  if (memory.mask.dtype() != DType::boolean)
    throw ValueError("attention", fmt::format("a mask of this kind is bool, got {}", memory.mask.describe()));
  const Tensor hidden = full({}, -std::numeric_limits<double>::infinity(), energies.dtype());
  return masked_softmax(where(memory.mask, energies, hidden), lengths);
}

}  // namespace heed::nn
