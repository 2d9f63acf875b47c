// Optimisers: Adam and SGD over named parameters, gradient clipping folded into the step.
#pragma once

#include <vector>

#include "framework/framework.h"

namespace heed::nn {

/// The L2 norm of all gradients together; parameters without one count nothing.
double gradient_norm(const std::vector<Tensor>& parameters);
/// The factor that brings a norm down to max_norm (1 when it is below, or max_norm <= 0) (Pascanu et al. 2013, algorithm 1).
double clip_factor(double norm, double max_norm);
/// Scales all gradients in place so that their norm is at most max_norm; returns the norm before.
double clip_gradient_norm(const std::vector<Tensor>& parameters, double max_norm);

class Optimizer {
 public:
  explicit Optimizer(NamedTensors parameters) : parameters_(std::move(parameters)) {}
  virtual ~Optimizer() = default;
  void zero_grad() const;
  /// One update with learning rate lr. Gradients are multiplied by grad_scale on the way in (clip_factor), unchanged themselves.
  /// Parameters without a gradient stay as they are.
  virtual void step(double lr, double grad_scale = 1.0) = 0;
  /// What must be stored so that training goes on bit for bit: names end in the parameter's name.
  virtual NamedTensors state() const = 0;
  /// Throws FormatError naming `file` when an entry is missing or has another shape.
  virtual void load_state(const std::map<std::string, Tensor>& values, const std::string& file) = 0;

 protected:
  NamedTensors parameters_;
};

struct AdamOptions {
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  double weight_decay = 0;  // L2, added to the gradient
};

/// Adam (Kingma & Ba 2015, algorithm 1), one pass over each parameter.
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

/// v = momentum v + g;  p = p - lr v.
class SGD : public Optimizer {
 public:
  explicit SGD(NamedTensors parameters, double momentum = 0);
  void step(double lr, double grad_scale = 1.0) override;
  NamedTensors state() const override;
  void load_state(const std::map<std::string, Tensor>& values, const std::string& file) override;

 private:
  double momentum_;
  std::vector<Tensor> velocity_;
};

}  // namespace heed::nn
