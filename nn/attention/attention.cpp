#include "nn/attention/attention.h"

#include <fmt/format.h>

#include "nn/kind.h"

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
  if (memory.mask.defined() && !takes_mask())
    throw ValueError("attention", fmt::format("{} takes no mask", kind_of(*this)));
  Output out = answer(query, memory, state);
  out.state.step = state.step + query.size(1);
  out.context = announce(std::move(out.context));
  return out;
}

}  // namespace heed::nn
