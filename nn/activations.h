// Activation functions, softmax and flatten as layers, for use in Sequential.
#pragma once

#include "nn/module.h"

namespace heed::nn {

/// A layer that applies an elementwise function.
/// @tparam kFunction the function: relu, tanh, ...
template <Tensor (*kFunction)(const Tensor&)>
class Activation : public Module {
 public:
  explicit Activation(const Scope& scope = {}) : Module(scope) {}
  /// @param x [*]
  /// @return a tensor of the same shape
  Tensor operator()(const Tensor& x) const { return announce(kFunction(x)); }
};
using ReLU = Activation<relu>;                // max(x, 0)
using Tanh = Activation<tanh>;                // tanh x
using Sigmoid = Activation<sigmoid>;          // 1 / (1 + e^-x)
using SiLU = Activation<silu>;                // x sigmoid(x)
using Softplus = Activation<softplus>;        // log(1 + e^x)
using ReLU6 = Activation<relu6>;              // min(max(x, 0), 6)
using Hardsigmoid = Activation<hardsigmoid>;  // min(max(x / 6 + 1/2, 0), 1)
using Hardswish = Activation<hardswish>;      // x times that
using SELU = Activation<selu>;                // 1.0507 elu(x), alpha 1.6733
using Mish = Activation<mish>;                // x tanh(softplus(x))
using Softsign = Activation<softsign>;        // x / (1 + |x|)
using LogSigmoid = Activation<logsigmoid>;    // log(1 / (1 + e^-x))

/// A layer that returns what it is given.
class Identity : public Module {
 public:
  explicit Identity(const Scope& scope = {}) : Module(scope) {}
  /// @param x [*]
  /// @return x
  Tensor operator()(const Tensor& x) const { return announce(x); }
};

/// A layer that applies gelu.
class GELU : public Module {
 public:
  /// @param form exact, or the approximation by tanh
  explicit GELU(GeluForm form = GeluForm::exact, const Scope& scope = {}) : Module(scope), form_(form) {}
  /// @param x [*]
  /// @return a tensor of the same shape
  Tensor operator()(const Tensor& x) const { return announce(gelu(x, form_)); }

 private:
  GeluForm form_;
};

/// x where x > 0, else negative_slope x.
class LeakyReLU : public Module {
 public:
  /// @param negative_slope factor for x <= 0
  explicit LeakyReLU(double negative_slope = 0.01, const Scope& scope = {})
      : Module(scope), negative_slope_(negative_slope) {}
  /// @param x [*]
  /// @return a tensor of the same shape
  Tensor operator()(const Tensor& x) const { return announce(leaky_relu(x, negative_slope_)); }

 private:
  double negative_slope_;
};

/// x where x > 0, else alpha (e^x - 1).
class ELU : public Module {
 public:
  /// @param alpha factor of e^x - 1
  explicit ELU(double alpha = 1, const Scope& scope = {}) : Module(scope), alpha_(alpha) {}
  /// @param x [*]
  /// @return a tensor of the same shape
  Tensor operator()(const Tensor& x) const { return announce(elu(x, alpha_)); }

 private:
  double alpha_;
};

/// Softmax along a dimension.
class Softmax : public Module {
 public:
  /// @param dim dimension along which values sum to 1; -1: the last
  explicit Softmax(int dim = -1, const Scope& scope = {}) : Module(scope), dim_(dim) {}
  /// @param x [*]
  /// @return a tensor of the same shape
  Tensor operator()(const Tensor& x) const { return announce(softmax(x, dim_)); }

 private:
  int dim_;
};
/// Logarithm of the softmax along a dimension.
class LogSoftmax : public Module {
 public:
  /// @param dim dimension along which values sum to 1; -1: the last
  explicit LogSoftmax(int dim = -1, const Scope& scope = {}) : Module(scope), dim_(dim) {}
  /// @param x [*]
  /// @return a tensor of the same shape
  Tensor operator()(const Tensor& x) const { return announce(log_softmax(x, dim_)); }

 private:
  int dim_;
};

/// Reshapes to two dimensions: the first stays, all others become one.
class Flatten : public Module {
 public:
  explicit Flatten(const Scope& scope = {}) : Module(scope) {}
  /// @param x [B, ...]
  /// @return [B, product of the other extents]
  Tensor operator()(const Tensor& x) const {
    return announce(reshape(x, {x.size(0), x.numel() / std::max<int64_t>(x.size(0), 1)}));
  }
};

}  // namespace heed::nn
