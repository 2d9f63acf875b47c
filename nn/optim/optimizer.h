// Optimisers, gradient clipping, and the exponential moving average of parameters.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "framework/framework.h"

namespace heed::nn {

/// The L2 norm of all gradients together.
/// @param parameters parameters without a gradient are ignored; one that is listed twice counts once
/// @return square root of the sum of all squares, computed in double; NaN or infinite if an element is
double gradient_norm(const std::vector<Tensor>& parameters);
/// The factor that scales gradients so that their norm is at most max_norm (Pascanu et al. 2013, algorithm
/// 1).
/// @param norm norm of all gradients, see gradient_norm()
/// @param max_norm 0 or less: no limit
/// @return in (0, 1]; 1 when the norm is small enough
/// @throws ValueError for a max_norm that is NaN, and for a norm that is NaN or infinite, because no factor
///   can repair such gradients. To skip such an update instead, test std::isfinite(gradient_norm(...)) first
double clip_factor(double norm, double max_norm);
/// Scales all gradients by one factor so that their norm is at most max_norm.
/// @param parameters parameters whose gradients are scaled
/// @param max_norm 0 or less: no limit
/// @return the norm before scaling
/// @throws ValueError for a max_norm that is NaN, and for gradients with NaN or infinity; the gradients are
///   then unchanged
double clip_gradient_norm(const std::vector<Tensor>& parameters, double max_norm);

/// Limits every element of the gradients to [-limit, limit].
/// @param parameters parameters whose gradients are limited; those without a gradient are ignored
/// @param limit above 0
/// @throws ValueError for a limit that is not above 0, and for gradients with NaN or infinity; the gradients
///   are then unchanged
void clip_gradient_value(const std::vector<Tensor>& parameters, double limit);

/// Parameters under the names "0", "1", ..., for optimisers whose state need not survive a change of the
/// model.
/// @param parameters as of Module::parameters()
/// @return the same with names
NamedTensors numbered(const std::vector<Tensor>& parameters);

/// Options that apply to a group of an optimiser's parameters instead of the optimiser's own.
struct GroupOptions {
  std::optional<double> lr_scale;      // factor for the learning rate of each step; at least 0
  std::optional<double> weight_decay;  // replaces the optimiser's own; at least 0
};

/// Base class of all optimisers.
class Optimizer {
 public:
  /// @param parameters the named_parameters() of a module; the names are used in the optimiser's state
  /// @param weight_decay weight decay of parameters whose group does not set another
  /// @throws ValueError for an empty list, for two parameters of one name, and for one tensor, or overlapping
  ///   parts of it, under two names
  Optimizer(NamedTensors parameters, double weight_decay);
  virtual ~Optimizer() = default;
  /// Sets options for some of the parameters. If an option is set twice for a parameter, the later call wins.
  ///   adam.group([](const std::string& name) { return name.ends_with("bias"); }, {.weight_decay = 0});
  /// @param belongs returns whether the parameter with this dotted name is in the group
  /// @param options options that replace the optimiser's
  /// @return the number of parameters in the group
  /// @throws ValueError for an option that is negative or not finite
  size_t group(const std::function<bool(const std::string& name)>& belongs, GroupOptions options);
  /// Clears all gradients; the next backward starts from zero.
  void zero_grad() const;
  /// Performs one update. Parameters without a gradient are not changed.
  /// @param lr learning rate, at least 0
  /// @param grad_scale factor for the gradients (see clip_factor); the stored gradients are not changed
  /// @throws ValueError for a negative learning rate or a number that is not finite; then nothing has changed
  virtual void step(double lr, double grad_scale = 1.0) = 0;
  /// The state to store in a checkpoint so that training can continue bit for bit. As in PyTorch they may be
  /// the optimiser's own tensors, which later steps change: clone() what is to be kept in memory.
  /// @return tensors whose names end with the parameter's name
  virtual NamedTensors state() const = 0;
  /// Restores a result of state().
  /// @param values tensors by name
  /// @param file name of the file, used in error messages
  /// @throws FormatError naming `file` when an entry is missing or has another shape
  virtual void load_state(const std::map<std::string, Tensor>& values, const std::string& file) = 0;

 protected:
  /// @param i index of the parameter
  /// @return the learning rate's factor of its group, or 1
  double lr_scale(size_t i) const { return groups_[i].lr_scale.value_or(1); }
  /// @param i index of the parameter
  /// @return the weight decay of its group, or the optimiser's
  double weight_decay(size_t i) const { return groups_[i].weight_decay.value_or(weight_decay_); }
  NamedTensors parameters_;  // the parameters that step() updates

 private:
  std::vector<GroupOptions> groups_;  // one for each parameter
  double weight_decay_;
};

/// Options of Adam.
struct AdamOptions {
  double beta1 = 0.9, beta2 = 0.999;  // decay rates of the first and the second moment, in [0, 1)
  double eps = 1e-8;                  // added to the square root of the second moment; at least 0
  double weight_decay = 0;            // L2, added to the gradient; at least 0
  bool decoupled = false;  // AdamW: weight decay is applied to the parameter instead of the gradient
};

/// Adam (Kingma & Ba 2015, algorithm 1), in one pass over each parameter. The step count t is kept per
/// parameter: a step in which a parameter has no gradient does not count for it, as in PyTorch. With
/// decoupled weight decay, each update starts with p = (1 - lr weight_decay) p (AdamW, Loshchilov & Hutter
/// 2019, algorithm 2).
class Adam : public Optimizer {
 public:
  /// @param parameters the named_parameters() of a module
  /// @param options decay rates, eps, weight decay
  /// @throws ValueError for an option outside its range
  explicit Adam(NamedTensors parameters, AdamOptions options = {});
  /// @param parameters the parameters() of a module, which become numbered()
  /// @param options as above
  /// @throws as above
  explicit Adam(const std::vector<Tensor>& parameters, AdamOptions options = {})
      : Adam(numbered(parameters), options) {}
  void step(double lr, double grad_scale = 1.0) override;
  NamedTensors state() const override;
  /// Restores a result of state(), or the state of an older version of heed, whose single counter
  /// "adam.steps" is used for every parameter.
  /// @param values tensors by name
  /// @param file name of the file, used in error messages
  /// @throws FormatError naming `file` when an entry is missing or has another shape
  void load_state(const std::map<std::string, Tensor>& values, const std::string& file) override;

 private:
  AdamOptions options_;
  std::vector<int64_t> steps_;  // one for each parameter
  std::vector<Tensor> first_, second_;
};

/// Adam with decoupled weight decay, 0.01 unless set.
class AdamW : public Adam {
 public:
  /// @param parameters the named_parameters() of a module
  /// @param options decay rates, eps, weight decay; `decoupled` is set
  /// @throws ValueError for an option outside its range
  explicit AdamW(NamedTensors parameters, AdamOptions options = {.weight_decay = 0.01});
  /// @param parameters the parameters() of a module, which become numbered()
  /// @param options as above
  /// @throws as above
  explicit AdamW(const std::vector<Tensor>& parameters, AdamOptions options = {.weight_decay = 0.01})
      : AdamW(numbered(parameters), options) {}
};

/// Base of optimisers that keep one or more tensors ("slots") of each parameter's shape. It stores and loads
/// them under the names "<kind>.<slot>.<parameter>".
class SlotOptimizer : public Optimizer {
 public:
  /// @param parameters the named_parameters() of a module
  /// @param kind,slots name of the optimiser and of its slots in the state; every slot starts with zeros
  /// @param weight_decay L2, added to the gradient
  /// @throws ValueError for a weight decay below 0
  SlotOptimizer(NamedTensors parameters, std::string kind, std::vector<std::string> slots,
                double weight_decay);
  void step(double lr, double grad_scale = 1.0) override;
  NamedTensors state() const override;
  void load_state(const std::map<std::string, Tensor>& values, const std::string& file) override;

 protected:
  /// The update rule of the optimiser, called with grad mode off.
  /// @param g the parameter's gradient, with L2 weight decay already added
  /// @param slots the parameter's slots in the order of their names; the function may replace them
  /// @param lr learning rate
  /// @return the tensor to subtract from the parameter
  virtual Tensor change(const Tensor& g, std::vector<Tensor>& slots, double lr) const = 0;

 private:
  std::string kind_;
  std::vector<std::string> names_;
  std::vector<std::vector<Tensor>> slots_;  // one for each parameter
};

/// Options of SGD.
struct SGDOptions {
  double momentum = 0;      // in [0, 1)
  double weight_decay = 0;  // L2, added to the gradient; at least 0
  /// Use g + momentum v instead of v (Sutskever et al. 2013, eq. 3 and 4, in PyTorch's form).
  bool nesterov = false;
};

/// Stochastic gradient descent with momentum: v = momentum v + g;  p = p - lr v.
class SGD : public SlotOptimizer {
 public:
  /// @param parameters the named_parameters() of a module
  /// @param options momentum, weight decay, Nesterov's form
  /// @throws ValueError for an option outside its range, and for nesterov without momentum
  explicit SGD(NamedTensors parameters, SGDOptions options = {});
  /// @param parameters the parameters() of a module, which become numbered()
  /// @param options as above
  /// @throws as above
  explicit SGD(const std::vector<Tensor>& parameters, SGDOptions options = {})
      : SGD(numbered(parameters), options) {}

 protected:
  Tensor change(const Tensor& g, std::vector<Tensor>& slots, double lr) const override;

 private:
  SGDOptions options_;
};

/// Options of Adagrad.
struct AdagradOptions {
  double eps = 1e-10;       // added to the square root of the sum; at least 0
  double weight_decay = 0;  // L2, added to the gradient; at least 0
};

/// Adagrad: s = s + g^2;  p = p - lr g / (sqrt(s) + eps) (Duchi, Hazan & Singer 2011, sec. 1.3, diagonal).
class Adagrad : public SlotOptimizer {
 public:
  /// @param parameters the named_parameters() of a module
  /// @param options eps, weight decay
  /// @throws ValueError for an option outside its range
  explicit Adagrad(NamedTensors parameters, AdagradOptions options = {});

 protected:
  Tensor change(const Tensor& g, std::vector<Tensor>& slots, double lr) const override;

 private:
  AdagradOptions options_;
};

/// Options of RMSprop.
struct RMSpropOptions {
  double alpha = 0.99;      // decay rate of the mean square, in [0, 1)
  double eps = 1e-8;        // added to the square root of the mean square; at least 0
  double momentum = 0;      // in [0, 1)
  double weight_decay = 0;  // L2, added to the gradient; at least 0
};

/// RMSprop: s = alpha s + (1 - alpha) g^2;  v = momentum v + g / (sqrt(s) + eps);  p = p - lr v (Hinton 2012,
/// lecture 6e).
class RMSprop : public SlotOptimizer {
 public:
  /// @param parameters the named_parameters() of a module
  /// @param options decay, eps, momentum, weight decay
  /// @throws ValueError for an option outside its range
  explicit RMSprop(NamedTensors parameters, RMSpropOptions options = {});

 protected:
  Tensor change(const Tensor& g, std::vector<Tensor>& slots, double lr) const override;

 private:
  RMSpropOptions options_;
};

/// Exponential moving average of parameters: e = decay e + (1 - decay) p, starting from e = p (Polyak &
/// Juditsky 1992 in its exponential form).
class ExponentialMovingAverage {
 public:
  /// @param parameters the named_parameters() of a module
  /// @param decay in [0, 1)
  /// @throws ValueError for a decay outside [0, 1), an empty list, two parameters of one name, and one tensor
  ///   under two names
  ExponentialMovingAverage(NamedTensors parameters, double decay);
  /// Adds the current values of the parameters to the average; call it after each step of the optimiser.
  void update();
  /// Exchanges the values of the parameters and of the average: call it once before evaluating with the
  /// average and once more before training on.
  void swap();
  /// @return the averages under the parameters' names
  const NamedTensors& averages() const { return averages_; }

 private:
  NamedTensors parameters_, averages_;
  double decay_;
};

}  // namespace heed::nn
