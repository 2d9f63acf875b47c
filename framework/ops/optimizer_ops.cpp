// What optimisers need in one pass over flat memory; no gradients.
#include "framework/autograd/grad_mode.h"
#include "framework/core/profiled.h"
#include "framework/kernels/kernels.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"

namespace heed {

double sum_of_squares(const Tensor& x) {
  detail::require_defined("sum_of_squares", x);
  const detail::ProfiledFunction profiled("sum_of_squares", x);
  const Tensor dense = x.contiguous();
  return dispatch_floating("sum_of_squares", x.dtype(), [&](auto t) {
    using T = decltype(t);
    return kernels::sum_of_squares<T>(dense.numel(), dense.data<T>());
  });
}

void adam_(const Tensor& parameter, const Tensor& gradient, const Tensor& first, const Tensor& second,
           const AdamUpdate& u) {
  detail::require_defined("adam", parameter, gradient, first, second);
  detail::ProfiledFunction profiled("adam", parameter, gradient, first, second);
  profiled.moved(3 * parameter.numel() * static_cast<int64_t>(size_of(parameter.dtype())));  // written
  if (gradient.shape() != parameter.shape() || first.shape() != parameter.shape() ||
      second.shape() != parameter.shape()) {
    throw ShapeError(
        "adam", "parameter " + parameter.describe() + " and gradient " + gradient.describe() + " do not fit");
  }
  if (GradMode::enabled() && parameter.requires_grad())
    throw GradError("adam", "update in place under NoGradGuard only");
  const Tensor g = gradient.contiguous();
  // the kernel takes flat memory
  if (!parameter.is_contiguous() || !first.is_contiguous() || !second.is_contiguous()) {
    const Tensor p = parameter.detach().clone(), m = first.clone(), v = second.clone();
    adam_(p, g, m, v, u);
    parameter.copy_(p);
    first.copy_(m);
    second.copy_(v);
    return;
  }
  ++parameter.body()->storage->version;
  const kernels::AdamStep step{u.lr, u.beta1, u.beta2, u.eps, u.weight_decay, u.bias1, u.bias2, u.grad_scale};
  dispatch_floating("adam", parameter.dtype(), [&](auto t) {
    using T = decltype(t);
    kernels::adam<T>(g.numel(), step, g.data<T>(), parameter.data<T>(), first.data<T>(), second.data<T>());
  });
}

}  // namespace heed
