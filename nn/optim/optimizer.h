// Optimisers over named parameters, gradient clipping folded into the step; the moving average of what they train.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "framework/framework.h"

namespace heed::nn {

/// The L2 norm of all gradients together; parameters without one count nothing.
double gradient_norm(const std::vector<Tensor>& parameters);
/// The factor that brings a norm down to max_norm (1 when it is below, or max_norm <= 0) (Pascanu et al. 2013, algorithm 1).
double clip_factor(double norm, double max_norm);
/// Scales all gradients in place so that their norm is at most max_norm; returns the norm before.
double clip_gradient_norm(const std::vector<Tensor>& parameters, double max_norm);

/// Brings every element of every gradient into [-limit, limit], in place. Throws ValueError unless limit > 0.
void clip_gradient_value(const std::vector<Tensor>& parameters, double limit);

/// What some of an optimiser's parameters do in their own way.
struct GroupOptions {
  double lr_scale = 1;                 // multiplies the learning rate of each step
  std::optional<double> weight_decay;  // in the place of the optimiser's own
};

class Optimizer {
 public:
  Optimizer(NamedTensors parameters, double weight_decay)
      : parameters_(std::move(parameters)), groups_(parameters_.size()), weight_decay_(weight_decay) {}
  virtual ~Optimizer() = default;
  /// Gives the parameters whose dotted name `belongs` accepts their own options; a later group wins. Returns how many they are.
  ///   adam.group([](const std::string& name) { return name.ends_with("bias"); }, {.weight_decay = 0});
  size_t group(const std::function<bool(const std::string& name)>& belongs, GroupOptions options);
  void zero_grad() const;
  /// One update with learning rate lr. Gradients are multiplied by grad_scale on the way in (clip_factor), unchanged themselves.
  /// Parameters without a gradient stay as they are.
  virtual void step(double lr, double grad_scale = 1.0) = 0;
  /// What must be stored so that training goes on bit for bit: names end in the parameter's name.
  virtual NamedTensors state() const = 0;
  /// Throws FormatError naming `file` when an entry is missing or has another shape.
  virtual void load_state(const std::map<std::string, Tensor>& values, const std::string& file) = 0;

 protected:
  double lr_scale(size_t i) const { return groups_[i].lr_scale; }
  double weight_decay(size_t i) const { return groups_[i].weight_decay.value_or(weight_decay_); }
  NamedTensors parameters_;

 private:
  std::vector<GroupOptions> groups_;  // by parameter
  double weight_decay_;
};

struct AdamOptions {
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  double weight_decay = 0;  // L2, added to the gradient
  bool decoupled = false;   // AdamW: the decay goes to the parameter itself
};

/// Adam (Kingma & Ba 2015, algorithm 1), one pass over each parameter. Decoupled, p = (1 - lr weight_decay) p goes before it (AdamW,
/// Loshchilov & Hutter 2019, algorithm 2).
class Adam : public Optimizer {
 public:
  explicit Adam(NamedTensors parameters, AdamOptions options = {});
  void step(double lr, double grad_scale = 1.0) override;
  NamedTensors state() const override;
  void load_state(const std::map<std::string, Tensor>& values, const std::string& file) override;

 private:
  AdamOptions options_;
  int64_t steps_ = 0;
  std::vector<Tensor> first_, second_;
};

/// An optimiser that keeps some tensors of each parameter's shape: what stores and loads them by the names "<kind>.<slot>.<parameter>".
class SlotOptimizer : public Optimizer {
 public:
  SlotOptimizer(NamedTensors parameters, std::string kind, std::vector<std::string> slots, double weight_decay);
  void step(double lr, double grad_scale = 1.0) override;
  NamedTensors state() const override;
  void load_state(const std::map<std::string, Tensor>& values, const std::string& file) override;

 protected:
  /// The change of a parameter, to be subtracted, from its gradient g, which has the L2 decay in it; slots[k] is the parameter's tensor of
  /// slot k and may be replaced. Grad mode is off.
  virtual Tensor change(const Tensor& g, std::vector<Tensor>& slots, double lr) const = 0;

 private:
  std::string kind_;
  std::vector<std::string> names_;
  std::vector<std::vector<Tensor>> slots_;  // by parameter
};

struct SGDOptions {
  double momentum = 0;
  double weight_decay = 0;  // L2, added to the gradient
  bool nesterov = false;    // g + momentum v in the place of v (Sutskever et al. 2013, eq. 3 and 4, as PyTorch writes it)
};

/// v = momentum v + g;  p = p - lr v. Throws ValueError for nesterov without momentum.
class SGD : public SlotOptimizer {
 public:
  explicit SGD(NamedTensors parameters, SGDOptions options = {});

 protected:
  Tensor change(const Tensor& g, std::vector<Tensor>& slots, double lr) const override;

 private:
  SGDOptions options_;
};

struct AdagradOptions {
  double eps = 1e-10;
  double weight_decay = 0;
};

/// s = s + g^2;  p = p - lr g / (sqrt(s) + eps) (Duchi, Hazan & Singer 2011, sec. 1.3, diagonal).
class Adagrad : public SlotOptimizer {
 public:
  explicit Adagrad(NamedTensors parameters, AdagradOptions options = {})
      : SlotOptimizer(std::move(parameters), "adagrad", {"sum"}, options.weight_decay), options_(options) {}

 protected:
  Tensor change(const Tensor& g, std::vector<Tensor>& slots, double lr) const override;

 private:
  AdagradOptions options_;
};

struct RMSpropOptions {
  double alpha = 0.99, eps = 1e-8;
  double momentum = 0, weight_decay = 0;
};

/// s = alpha s + (1 - alpha) g^2;  v = momentum v + g / (sqrt(s) + eps);  p = p - lr v (Hinton 2012, lecture 6e).
class RMSprop : public SlotOptimizer {
 public:
  explicit RMSprop(NamedTensors parameters, RMSpropOptions options = {})
      : SlotOptimizer(std::move(parameters), "rmsprop", {"square", "velocity"}, options.weight_decay), options_(options) {}

 protected:
  Tensor change(const Tensor& g, std::vector<Tensor>& slots, double lr) const override;

 private:
  RMSpropOptions options_;
};

/// The exponential moving average of parameters, e = decay e + (1 - decay) p, from e = p at first (Polyak & Juditsky 1992 in its
/// exponential form).
class ExponentialMovingAverage {
 public:
  /// Throws ValueError unless 0 <= decay < 1.
  ExponentialMovingAverage(NamedTensors parameters, double decay);
  void update();
  /// Exchanges the parameters' values and the average's: once to evaluate with it, once more to train on.
  void swap();
  /// The averages under the parameters' names.
  const NamedTensors& averages() const { return averages_; }

 private:
  NamedTensors parameters_, averages_;
  double decay_;
};

}  // namespace heed::nn
