// Functions of each element, or along a dimension, as layers: for Sequential.
#pragma once

#include "nn/module.h"

namespace heed::nn {

/// A function of each element as a layer.
template <Tensor (*kFunction)(const Tensor&)>
class Activation : public Module {
 public:
  Tensor operator()(const Tensor& x) const { return announce(kFunction(x)); }
};
using ReLU = Activation<relu>;
using Tanh = Activation<tanh>;
using Sigmoid = Activation<sigmoid>;
using SiLU = Activation<silu>;
using Softplus = Activation<softplus>;

/// gelu in either form.
class GELU : public Module {
 public:
  explicit GELU(GeluForm form = GeluForm::exact) : form_(form) {}
  Tensor operator()(const Tensor& x) const { return announce(gelu(x, form_)); }

 private:
  GeluForm form_;
};

/// x, times negative_slope where x <= 0.
class LeakyReLU : public Module {
 public:
  explicit LeakyReLU(double negative_slope = 0.01) : negative_slope_(negative_slope) {}
  Tensor operator()(const Tensor& x) const { return announce(leaky_relu(x, negative_slope_)); }

 private:
  double negative_slope_;
};

/// x where x > 0, else alpha (e^x - 1).
class ELU : public Module {
 public:
  explicit ELU(double alpha = 1) : alpha_(alpha) {}
  Tensor operator()(const Tensor& x) const { return announce(elu(x, alpha_)); }

 private:
  double alpha_;
};

/// Probabilities along a dimension, and their logarithms.
class Softmax : public Module {
 public:
  explicit Softmax(int dim = -1) : dim_(dim) {}
  Tensor operator()(const Tensor& x) const { return announce(softmax(x, dim_)); }

 private:
  int dim_;
};
class LogSoftmax : public Module {
 public:
  explicit LogSoftmax(int dim = -1) : dim_(dim) {}
  Tensor operator()(const Tensor& x) const { return announce(log_softmax(x, dim_)); }

 private:
  int dim_;
};

/// [B, ...] -> [B, all the rest].
class Flatten : public Module {
 public:
  Tensor operator()(const Tensor& x) const { return announce(reshape(x, {x.size(0), x.numel() / std::max<int64_t>(x.size(0), 1)})); }
};

}  // namespace heed::nn
