// PyTorch's side of op_cases.def.
#include <torch/torch.h>

#include <array>
#include <map>
#include <string>

#include "bench/compare_torch/torch_cases.h"

namespace torch_side {
namespace {

using torch::Tensor;
using workload::OpCase;
using workload::OpInput;
using Sizes = std::vector<int64_t>;

using Call = Tensor (*)(const Tensor&, const Tensor&, const Tensor&);

const std::map<std::string, Call>& calls() {
#define OP_CASE(name, shape, passes, inputs, ours, theirs) \
  {#name, [](const Tensor& a, const Tensor& b, const Tensor& c) -> Tensor { return theirs; }},
  static const std::map<std::string, Call> table = {
#include "bench/op_cases.def"
  };
#undef OP_CASE
  return table;
}

Tensor make(const OpInput& input, uint64_t seed) {
  if (input.is_whole()) {
    const Tensor x = torch::tensor(input.integers(seed), torch::kLong).reshape(input.shape).clone();
    return input.kind == OpInput::Kind::mask ? x.to(torch::kBool) : x;
  }
  const Tensor x = torch::tensor(input.floats(seed)).reshape(input.shape).clone();
  return input.has_gradient() ? x.set_requires_grad(true) : x;
}

double size_of_values(const Tensor& x) { return x.detach().to(torch::kDouble).abs().sum().item<double>(); }

}  // namespace

workload::Case make_op_case(const OpCase& op, bool backward) {
  std::array<Tensor, 3> x;
  for (size_t i = 0; i < op.inputs.size(); ++i) x[i] = make(op.inputs[i], i + 1);
  const Call call = calls().at(op.name);
  workload::Case result;
  if (!backward) {
    const auto run = [=] {
      torch::NoGradGuard no_grad;
      return call(x[0], x[1], x[2]);
    };
    result.run = [=] { run(); };
    result.check = [=] { return size_of_values(run()); };
    return result;
  }
  const Tensor y = call(x[0], x[1], x[2]);
  const Tensor g =
      y.dim() == 0 ? Tensor() : torch::tensor(workload::values(y.numel(), 9)).reshape(y.sizes()).clone();
  const auto run = [=] {
    for (const Tensor& leaf : x) {
      if (leaf.defined() && leaf.requires_grad()) leaf.mutable_grad() = Tensor();
    }
    const Tensor y = call(x[0], x[1], x[2]);
    y.backward(g);
    return y;
  };
  result.run = [=] { run(); };
  result.check = [=] {
    double total = size_of_values(run());
    for (const Tensor& leaf : x) {
      if (leaf.defined() && leaf.requires_grad()) total += size_of_values(leaf.grad());
    }
    return total;
  };
  return result;
}

}  // namespace torch_side
