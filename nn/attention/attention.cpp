#include "nn/attention/attention.h"

#include <fmt/format.h>

namespace heed::nn {

Attention::Output Attention::attend(const Tensor& query, const Memory& memory, const State& state) const {
  if (query.ndim() != 3 || memory.keys.ndim() != 3 || query.size(0) != memory.keys.size(0)) {
    throw ShapeError(fmt::format("attention: query {} does not fit keys {}", query.shape().str(), memory.keys.shape().str()));
  }
  if (state.coverage.defined() && state.coverage.shape() != Shape{memory.keys.size(0), memory.keys.size(1)}) {
    throw ShapeError(fmt::format("attention: coverage {} does not fit keys {}", state.coverage.shape().str(), memory.keys.shape().str()));
  }
  Output out = answer(query, memory, state);
  out.state.step = state.step + query.size(1);
  out.context = announce(std::move(out.context));
  return out;
}

}  // namespace heed::nn
