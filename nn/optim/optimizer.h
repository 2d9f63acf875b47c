// Optimisers over named parameters, gradient clipping folded into the step; the moving average of what they train.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "framework/framework.h"

namespace heed::nn {

/// The L2 norm of all gradients together.
/// @param parameters those without a gradient count nothing, one that is listed twice counts once
/// @return sqrt of the sum of all squares, squared and summed in double; NaN or infinite when an element is
double gradient_norm(const std::vector<Tensor>& parameters);
/// The factor that brings a norm down to max_norm (Pascanu et al. 2013, algorithm 1).
/// @param norm of all gradients
/// @param max_norm 0 or less: no limit
/// @return in (0, 1]; 1 when the norm is small enough
/// @throws ValueError for a max_norm that is NaN, and for a norm that is NaN or infinite: no factor makes such gradients good. Who would
/// rather leave out such an update asks std::isfinite(gradient_norm(...)) first
double clip_factor(double norm, double max_norm);
/// Replaces all gradients by scaled ones, so that their norm is at most max_norm.
/// @param parameters their gradients are scaled together
/// @param max_norm 0 or less: no limit
/// @return the norm before
/// @throws ValueError for a max_norm that is NaN, and for gradients with NaN or infinity; then they are unchanged
double clip_gradient_norm(const std::vector<Tensor>& parameters, double max_norm);

/// Replaces the gradients by ones whose every element lies in [-limit, limit].
/// @param parameters those without a gradient are left out
/// @param limit above 0
/// @throws ValueError for another limit, and for gradients with NaN or infinity; then they are unchanged
void clip_gradient_value(const std::vector<Tensor>& parameters, double limit);

/// What some of an optimiser's parameters do in their own way.
struct GroupOptions {
  std::optional<double> lr_scale;      // multiplies the learning rate of each step; at least 0
  std::optional<double> weight_decay;  // in the place of the optimiser's own; at least 0
};

/// Base of all optimisers: what an update and a checkpoint need.
class Optimizer {
 public:
  /// @param parameters a module's named_parameters(); the names go into the state
  /// @param weight_decay of the parameters whose group says nothing else
  /// @throws ValueError for no parameters, for two of one name, and for one tensor, or parts of it that overlap, under two names
  Optimizer(NamedTensors parameters, double weight_decay);
  virtual ~Optimizer() = default;
  /// Gives some parameters their own options; of options set twice the later ones win.
  ///   adam.group([](const std::string& name) { return name.ends_with("bias"); }, {.weight_decay = 0});
  /// @param belongs whether the parameter of a dotted name is one of them
  /// @param options in the place of the optimiser's
  /// @return how many they are
  /// @throws ValueError for a negative option, or one that is no number
  size_t group(const std::function<bool(const std::string& name)>& belongs, GroupOptions options);
  /// Drops all gradients; the next backward starts new ones.
  void zero_grad() const;
  /// One update. Parameters without a gradient stay as they are.
  /// @param lr learning rate, at least 0
  /// @param grad_scale multiplies the gradients on the way in (clip_factor); they are unchanged themselves
  /// @throws ValueError for another learning rate or a grad_scale that is no number; then nothing has changed
  virtual void step(double lr, double grad_scale = 1.0) = 0;
  /// What must be stored so that training goes on bit for bit.
  /// @return tensors whose names end in the parameter's name
  virtual NamedTensors state() const = 0;
  /// Takes up what state() gave.
  /// @param values by name
  /// @param file name of the file, used in error messages
  /// @throws FormatError naming `file` when an entry is missing or has another shape
  virtual void load_state(const std::map<std::string, Tensor>& values, const std::string& file) = 0;

 protected:
  /// @param i number of the parameter
  /// @return its group's
  double lr_scale(size_t i) const { return groups_[i].lr_scale.value_or(1); }
  /// @param i number of the parameter
  /// @return its group's, or the optimiser's
  double weight_decay(size_t i) const { return groups_[i].weight_decay.value_or(weight_decay_); }
  NamedTensors parameters_;  // that step() updates

 private:
  std::vector<GroupOptions> groups_;  // by parameter
  double weight_decay_;
};

/// What Adam can be told.
struct AdamOptions {
  double beta1 = 0.9, beta2 = 0.999;  // decay of the first and the second moment, in [0, 1)
  double eps = 1e-8;                  // added to the root of the second moment; at least 0
  double weight_decay = 0;            // L2, added to the gradient; at least 0
  bool decoupled = false;             // AdamW: the decay goes to the parameter itself
};

/// Adam (Kingma & Ba 2015, algorithm 1), one pass over each parameter. t counts the steps of each parameter for itself: one without a
/// gradient does not count, as in PyTorch. Decoupled, p = (1 - lr weight_decay) p goes before it (AdamW,
/// Loshchilov & Hutter 2019, algorithm 2).
class Adam : public Optimizer {
 public:
  /// @param parameters a module's named_parameters()
  /// @param options decay rates, eps, weight decay
  /// @throws ValueError for an option outside its range
  explicit Adam(NamedTensors parameters, AdamOptions options = {});
  void step(double lr, double grad_scale = 1.0) override;
  NamedTensors state() const override;
  /// Takes up what state() gave, or an older heed's state, whose one counter, "adam.steps", stands for every parameter.
  /// @param values by name
  /// @param file name of the file, used in error messages
  /// @throws FormatError naming `file` when an entry is missing or has another shape
  void load_state(const std::map<std::string, Tensor>& values, const std::string& file) override;

 private:
  AdamOptions options_;
  std::vector<int64_t> steps_;  // by parameter
  std::vector<Tensor> first_, second_;
};

/// An optimiser that keeps some tensors of each parameter's shape: what stores and loads them by the names "<kind>.<slot>.<parameter>".
class SlotOptimizer : public Optimizer {
 public:
  /// @param parameters a module's named_parameters()
  /// @param kind,slots names in the state; every slot starts at zeros
  /// @param weight_decay L2, added to the gradient
  /// @throws ValueError for a weight decay below 0
  SlotOptimizer(NamedTensors parameters, std::string kind, std::vector<std::string> slots, double weight_decay);
  void step(double lr, double grad_scale = 1.0) override;
  NamedTensors state() const override;
  void load_state(const std::map<std::string, Tensor>& values, const std::string& file) override;

 protected:
  /// The rule of the optimiser, called with grad mode off.
  /// @param g the parameter's gradient, which has the L2 decay in it
  /// @param slots the parameter's tensors in the order of the names; may be replaced
  /// @param lr learning rate
  /// @return what is subtracted from the parameter
  virtual Tensor change(const Tensor& g, std::vector<Tensor>& slots, double lr) const = 0;

 private:
  std::string kind_;
  std::vector<std::string> names_;
  std::vector<std::vector<Tensor>> slots_;  // by parameter
};

/// What SGD can be told.
struct SGDOptions {
  double momentum = 0;      // in [0, 1)
  double weight_decay = 0;  // L2, added to the gradient; at least 0
  bool nesterov = false;    // g + momentum v in the place of v (Sutskever et al. 2013, eq. 3 and 4, as PyTorch writes it)
};

/// v = momentum v + g;  p = p - lr v.
class SGD : public SlotOptimizer {
 public:
  /// @param parameters a module's named_parameters()
  /// @param options momentum, weight decay, Nesterov's form
  /// @throws ValueError for an option outside its range, and for nesterov without momentum
  explicit SGD(NamedTensors parameters, SGDOptions options = {});

 protected:
  Tensor change(const Tensor& g, std::vector<Tensor>& slots, double lr) const override;

 private:
  SGDOptions options_;
};

/// What Adagrad can be told.
struct AdagradOptions {
  double eps = 1e-10;       // added to the root of the sum; at least 0
  double weight_decay = 0;  // L2, added to the gradient; at least 0
};

/// s = s + g^2;  p = p - lr g / (sqrt(s) + eps) (Duchi, Hazan & Singer 2011, sec. 1.3, diagonal).
class Adagrad : public SlotOptimizer {
 public:
  /// @param parameters a module's named_parameters()
  /// @param options eps, weight decay
  /// @throws ValueError for an option outside its range
  explicit Adagrad(NamedTensors parameters, AdagradOptions options = {});

 protected:
  Tensor change(const Tensor& g, std::vector<Tensor>& slots, double lr) const override;

 private:
  AdagradOptions options_;
};

/// What RMSprop can be told.
struct RMSpropOptions {
  double alpha = 0.99;      // decay of the mean square, in [0, 1)
  double eps = 1e-8;        // added to its root; at least 0
  double momentum = 0;      // in [0, 1)
  double weight_decay = 0;  // L2, added to the gradient; at least 0
};

/// s = alpha s + (1 - alpha) g^2;  v = momentum v + g / (sqrt(s) + eps);  p = p - lr v (Hinton 2012, lecture 6e).
class RMSprop : public SlotOptimizer {
 public:
  /// @param parameters a module's named_parameters()
  /// @param options decay, eps, momentum, weight decay
  /// @throws ValueError for an option outside its range
  explicit RMSprop(NamedTensors parameters, RMSpropOptions options = {});

 protected:
  Tensor change(const Tensor& g, std::vector<Tensor>& slots, double lr) const override;

 private:
  RMSpropOptions options_;
};

/// The exponential moving average of parameters, e = decay e + (1 - decay) p, from e = p at first (Polyak & Juditsky 1992 in its
/// exponential form).
class ExponentialMovingAverage {
 public:
  /// @param parameters a module's named_parameters()
  /// @param decay in [0, 1)
  /// @throws ValueError for another decay, no parameters, two of one name, and one tensor under two names
  ExponentialMovingAverage(NamedTensors parameters, double decay);
  /// Takes the parameters' values of now in; after each step of the optimiser.
  void update();
  /// Exchanges the parameters' values and the average's: once to evaluate with it, once more to train on.
  void swap();
  /// @return the averages under the parameters' names
  const NamedTensors& averages() const { return averages_; }

 private:
  NamedTensors parameters_, averages_;
  double decay_;
};

}  // namespace heed::nn
