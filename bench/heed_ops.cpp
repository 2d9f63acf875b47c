// heed's side of op_cases.def.
#include <array>
#include <cmath>
#include <map>
#include <stdexcept>

#include "bench/heed_cases.h"

namespace heed::bench {
namespace {

using workload::OpCase;
using workload::OpInput;

using Call = Tensor (*)(const Tensor&, const Tensor&, const Tensor&);

const std::map<std::string, Call>& calls() {
#define OP_CASE(name, shape, passes, inputs, ours, theirs)                                             \
  {#name,                                                                                              \
   [](const Tensor& a, [[maybe_unused]] const Tensor& b, [[maybe_unused]] const Tensor& c) -> Tensor { \
     (void)a;                                                                                          \
     return ours;                                                                                      \
   }},
  static const std::map<std::string, Call> table = {
#include "bench/op_cases.def"
  };
#undef OP_CASE
  return table;
}

Tensor make(const OpInput& input, uint64_t seed) {
  const Shape shape(input.shape);
  if (input.is_whole()) {
    const Tensor x = from_vector(input.integers(seed), shape);
    return input.kind == OpInput::Kind::mask ? x.to(DType::boolean) : x;
  }
  const Tensor x = from_vector(input.floats(seed), shape);
  if (input.has_gradient()) x.set_requires_grad(true);
  return x;
}

double size_of_values(const Tensor& x) {
  double total = 0;
  for (const double v : x.detach().to(DType::f64).to_vector<double>()) total += std::abs(v);
  return total;
}

}  // namespace

workload::Case make_op_case(const OpCase& op, bool backward) {
  std::array<Tensor, 3> x;
  for (size_t i = 0; i < op.inputs.size(); ++i) x[i] = make(op.inputs[i], i + 1);
  const Call call = calls().at(op.name);
  workload::Case result;
  if (!backward) {
    const auto run = [=] {
      const NoGradGuard no_grad;
      return call(x[0], x[1], x[2]);
    };
    result.run = run;
    result.check = [=] { return size_of_values(run()); };
    return result;
  }
  const Tensor sample = call(x[0], x[1], x[2]);
  const Tensor g =
      sample.ndim() == 0 ? Tensor{} : from_vector(workload::values(sample.numel(), 9), sample.shape());
  const auto run = [=] {
    for (const Tensor& leaf : x) {
      if (leaf.requires_grad()) leaf.zero_grad();
    }
    const Tensor y = call(x[0], x[1], x[2]);
    y.backward(g);
    return y;
  };
  result.run = run;
  result.check = [=] {
    double total = size_of_values(run());
    for (const Tensor& leaf : x) {
      if (leaf.requires_grad()) total += size_of_values(leaf.grad());
    }
    return total;
  };
  return result;
}

}  // namespace heed::bench
