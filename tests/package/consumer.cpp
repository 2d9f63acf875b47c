// A user's program: an op of its own, written with heed's public headers, checked against finite differences
// and trained through. Headers of its own bear the names of heed's: src/ is the first folder on the include
// path.
#include <heed/format.h>
#include <heed/framework/framework.h>
#include <heed/models/models.h>
#include <heed/nn/nn.h>

#include <cstdio>

#include "framework/core/tensor.h"
#include "framework/framework.h"
#include "models/models.h"
#include "nn/module.h"
#include "nn/nn.h"

namespace {

struct Cube {  // y = x^3
  static constexpr const char* kName = "cube";
  heed::Tensor forward(const heed::Tensor& x, heed::Saved& saved) const {
    saved.input(x);
    return x * x * x;
  }
  void vjp(heed::Grads& d, const heed::Tensor& g, const heed::Saved& saved) const {
    d.add(0, g * 3.0 * saved[0] * saved[0]);
  }
};

heed::Tensor cube(const heed::Tensor& x) { return heed::apply(Cube{}, x); }

}  // namespace

int main() {
  using namespace heed;
  static_assert(user::module_of_nn + user::nn_of_nn + user::framework_of_framework + user::models_of_models +
                    user::tensor_of_framework_core ==
                5);
  if (fmt::format("{} {:>8}", zeros({3}), Shape{2, 3}) != "[0., 0., 0.]  f32[3]   [2, 3]") return 1;
  const auto f = [](const std::vector<Tensor>& x) { return std::vector{cube(x[0])}; };
  const nn::Linear layer(2, 3);
  // the layers above link as well
  if (layer.parameter_count() != 9 || models::tokenize("A dog runs.", {}).size() != 4) return 1;
  const GradcheckResult result = gradcheck(f, {randn({3, 4}, DType::f64)}, {.order = 2});
  if (!result) {
    std::fprintf(stderr, "%s\n", result.message.c_str());
    return 1;
  }
  const Tensor x = full({1}, 3.0).set_requires_grad(true);
  for (int step = 0; step < 100; ++step) {  // x^3 -> 8
    square(cube(x) - 8.0).backward();
    const NoGradGuard no_grad;
    x.copy_(x - x.grad() * 1e-3);
    x.zero_grad();
  }
  std::printf("gradcheck of a user's op passed; the cube root of 8 is %.3f\n", x.item());
  return x.item() > 1.99 && x.item() < 2.01 ? 0 : 1;
}
