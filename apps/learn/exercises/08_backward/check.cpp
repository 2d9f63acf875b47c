#include "08_backward/exercise.h"

namespace {

// How the loss, the sum of G times the contexts, grows with each element of x[which], by finite differences.
Tensor numeric(std::vector<Tensor> x, size_t which, const Tensor& G) {
  constexpr double kStep = 1e-5;
  const auto loss = [&] {
    const double s = 1 / std::sqrt(static_cast<double>(x[0].size(-1)));
    return sum(G * matmul(softmax(matmul(x[0], transpose(x[1])) * s), x[2])).item();
  };
  x[which] = x[which].clone();
  const Tensor gradient = zeros(x[which].shape(), DType::f64);
  double* const element = x[which].data<double>();
  for (int64_t i = 0; i < x[which].numel(); ++i) {
    const double kept = element[i];
    element[i] = kept + kStep;
    const double more = loss();
    element[i] = kept - kStep;
    gradient.data<double>()[i] = (more - loss()) / (2 * kStep);
    element[i] = kept;
  }
  return gradient;
}

}  // namespace

void check(Check& c, const Answer& a) {
  const auto compare = [&](int64_t T, int64_t S, int64_t d, int64_t E) {
    const std::string sizes = fmt::format(", T {} S {} d {} E {}", T, S, d, E);
    const std::vector<Tensor> x = {randn({T, d}, DType::f64), randn({S, d}, DType::f64),
                                   randn({S, E}, DType::f64)};
    const Tensor G = randn({T, E}, DType::f64);
    const Gradients g = a.attention_backward(x[0], x[1], x[2], G);
    c.equal("gradient of the values" + sizes, g.values, numeric(x, 2, G), 1e-6);
    c.equal("gradient of the queries" + sizes, g.queries, numeric(x, 0, G), 1e-6);
    c.equal("gradient of the keys" + sizes, g.keys, numeric(x, 1, G), 1e-6);
  };
  compare(3, 3, 3, 3);  // a turned matrix gives numbers here
  compare(2, 4, 3, 5);
}
