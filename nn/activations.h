// Functions of each element, or along a dimension, as layers: for Sequential.
#pragma once

#include "nn/module.h"

namespace heed::nn {

/// A function of each element as a layer.
/// @tparam kFunction relu, tanh, ...
template <Tensor (*kFunction)(const Tensor&)>
class Activation : public Module {
 public:
  explicit Activation(const Scope& scope = {}) : Module(scope) {}
  /// @param x [*]
  /// @return the same shape
  Tensor operator()(const Tensor& x) const { return announce(kFunction(x)); }
};
using ReLU = Activation<relu>;          // max(x, 0)
using Tanh = Activation<tanh>;          // tanh x
using Sigmoid = Activation<sigmoid>;    // 1 / (1 + e^-x)
using SiLU = Activation<silu>;          // x sigmoid(x)
using Softplus = Activation<softplus>;  // log(1 + e^x)

/// gelu in either form.
class GELU : public Module {
 public:
  /// @param form exact, or the approximation by tanh
  explicit GELU(GeluForm form = GeluForm::exact, const Scope& scope = {}) : Module(scope), form_(form) {}
  /// @param x [*]
  /// @return the same shape
  Tensor operator()(const Tensor& x) const { return announce(gelu(x, form_)); }

 private:
  GeluForm form_;
};

/// x, times negative_slope where x <= 0.
class LeakyReLU : public Module {
 public:
  /// @param negative_slope a number
  explicit LeakyReLU(double negative_slope = 0.01, const Scope& scope = {}) : Module(scope), negative_slope_(negative_slope) {}
  /// @param x [*]
  /// @return the same shape
  Tensor operator()(const Tensor& x) const { return announce(leaky_relu(x, negative_slope_)); }

 private:
  double negative_slope_;
};

/// x where x > 0, else alpha (e^x - 1).
class ELU : public Module {
 public:
  /// @param alpha a number
  explicit ELU(double alpha = 1, const Scope& scope = {}) : Module(scope), alpha_(alpha) {}
  /// @param x [*]
  /// @return the same shape
  Tensor operator()(const Tensor& x) const { return announce(elu(x, alpha_)); }

 private:
  double alpha_;
};

/// Probabilities along a dimension.
class Softmax : public Module {
 public:
  /// @param dim along which; -1: the last
  explicit Softmax(int dim = -1, const Scope& scope = {}) : Module(scope), dim_(dim) {}
  /// @param x [*]
  /// @return the same shape
  Tensor operator()(const Tensor& x) const { return announce(softmax(x, dim_)); }

 private:
  int dim_;
};
/// Logarithms of probabilities along a dimension.
class LogSoftmax : public Module {
 public:
  /// @param dim along which; -1: the last
  explicit LogSoftmax(int dim = -1, const Scope& scope = {}) : Module(scope), dim_(dim) {}
  /// @param x [*]
  /// @return the same shape
  Tensor operator()(const Tensor& x) const { return announce(log_softmax(x, dim_)); }

 private:
  int dim_;
};

/// All dimensions but the first in one.
class Flatten : public Module {
 public:
  explicit Flatten(const Scope& scope = {}) : Module(scope) {}
  /// @param x [B, ...]
  /// @return [B, all the rest]
  Tensor operator()(const Tensor& x) const { return announce(reshape(x, {x.size(0), x.numel() / std::max<int64_t>(x.size(0), 1)})); }
};

}  // namespace heed::nn
