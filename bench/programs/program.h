// Training steps of whole programs. A program is written once, as a template over a side: a struct with the
// names that heed and PyTorch do not share (bench/heed_programs.cpp, bench/compare_torch/torch_programs.cpp).
// Methods and functions of a tensor that have one name in both libraries are used as they are. Includes
// neither library.
#pragma once

#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/workload.h"

namespace workload {

constexpr const char* kPrograms = "programs/";

/// The loss of a program as a function of its parameters: one gradient and one step of Adam, `times` times.
/// A program of several updates, such as a GAN, makes them in their order.
template <class Tensor>
struct Update {
  std::vector<Tensor> parameters;
  std::function<Tensor()> loss;
  int times = 1;
};
template <class Side>
using Program = std::vector<Update<typename Side::Tensor>>;

/// Initial values of a parameter, the number-th of its network: uniform, of variance 1 / fan_in for weights;
/// near 1 for gains, which a layer makes as ones, and near 0 for other vectors.
inline std::vector<float> initial_values(const std::vector<int64_t>& shape, bool ones, uint64_t number) {
  int64_t numel = 1;
  for (const int64_t extent : shape) numel *= extent;
  const double fan_in = static_cast<double>(numel) / static_cast<double>(shape[0]);
  std::vector<float> v = values(numel, number + 1000, shape.size() > 1 ? std::sqrt(3 / fan_in) : 0.1);
  if (ones)
    for (float& x : v) x += 1;
  return v;
}

/// Times whole training steps. Checked are the sum of the losses of the first step, the norm of its
/// gradients, and the sum of the losses three steps later, which the optimizer has a part in.
template <class Side>
Case program_case(const Program<Side>& updates) {
  struct Part {
    Update<typename Side::Tensor> update;
    typename Side::Optimizer optimizer;
  };
  auto parts = std::make_shared<std::vector<Part>>();
  for (const auto& u : updates) parts->push_back({u, Side::optimizer(u.parameters)});
  const auto each = [parts](const auto& look) {
    for (Part& part : *parts) {
      for (int i = 0; i < part.update.times; ++i) {
        Side::forget_gradients(part.update.parameters);
        const auto loss = part.update.loss();
        loss.backward();
        look(part.update, loss);
        Side::step(part.optimizer);
      }
    }
  };
  Case result;
  result.run = [each] { each([](const auto&, const auto&) {}); };
  result.check = [each, run = result.run] {
    double first = 0, squares = 0, later = 0;
    each([&](const auto& update, const auto& loss) {
      first += Side::number(loss);
      for (const auto& p : update.parameters) squares += Side::number(p.grad().square().sum());
    });
    run(), run();
    each([&](const auto&, const auto& loss) { later += Side::number(loss); });
    return Figures{first, std::sqrt(squares), later};
  };
  return result;
}

}  // namespace workload
