#include "nn/layers.h"

#include <fmt/format.h>

namespace heed::nn {

Dropout::Dropout(double probability, const Scope& scope) : Module(scope), p(probability) {
  if (!(p >= 0 && p < 1)) throw ValueError("dropout", fmt::format("p = {} is outside [0, 1)", p));
}

}  // namespace heed::nn
