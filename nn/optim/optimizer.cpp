#include "nn/optim/optimizer.h"

#include <fmt/format.h>

#include <cmath>

namespace heed::nn {
namespace {

// Throws unless there is an entry that fits.
void check_one(const std::map<std::string, Tensor>& values, const std::string& key, const Tensor& into, const std::string& file) {
  const auto found = values.find(key);
  if (found == values.end()) throw FormatError(fmt::format("load '{}': '{}' is missing", file, key));
  if (found->second.shape() != into.shape() || found->second.dtype() != into.dtype()) {
    throw FormatError(
        fmt::format("load '{}': '{}' is {} in the file, {} in the model", file, key, found->second.describe(), into.describe()));
  }
}

// All or nothing.
void load_all(const std::map<std::string, Tensor>& values, const NamedTensors& into, const std::string& file) {
  const NoGradGuard no_grad;
  for (const auto& [key, tensor] : into) check_one(values, key, tensor, file);
  for (const auto& [key, tensor] : into) tensor.copy_(values.at(key));
}

// The gradient with L2 decay.
Tensor decayed(const Tensor& g, const Tensor& p, double weight_decay) { return weight_decay == 0 ? g : g + p * weight_decay; }

}  // namespace

double gradient_norm(const std::vector<Tensor>& parameters) {
  double total = 0;
  for (const Tensor& p : parameters) {
    const Tensor g = p.grad();
    if (g.defined()) total += sum_of_squares(g);
  }
  return std::sqrt(total);
}

double clip_factor(double norm, double max_norm) { return max_norm > 0 && norm > max_norm ? max_norm / norm : 1.0; }

double clip_gradient_norm(const std::vector<Tensor>& parameters, double max_norm) {
  const double norm = gradient_norm(parameters), factor = clip_factor(norm, max_norm);
  if (factor != 1.0) {
    const NoGradGuard no_grad;
    for (const Tensor& p : parameters) {
      if (p.grad().defined()) p.set_grad(p.grad() * factor);
    }
  }
  return norm;
}

void clip_gradient_value(const std::vector<Tensor>& parameters, double limit) {
  if (!(limit > 0)) throw ValueError(fmt::format("clip_gradient_value: the limit must be positive, got {}", limit));
  const NoGradGuard no_grad;
  for (const Tensor& p : parameters) {
    if (p.grad().defined()) p.set_grad(clamp(p.grad(), -limit, limit));
  }
}

size_t Optimizer::group(const std::function<bool(const std::string& name)>& belongs, GroupOptions options) {
  size_t count = 0;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (!belongs(parameters_[i].first)) continue;
    if (options.lr_scale) groups_[i].lr_scale = options.lr_scale;
    if (options.weight_decay) groups_[i].weight_decay = options.weight_decay;
    ++count;
  }
  return count;
}

void Optimizer::zero_grad() const {
  for (const auto& [name, p] : parameters_) p.zero_grad();
}

Adam::Adam(NamedTensors parameters, AdamOptions options) : Optimizer(std::move(parameters), options.weight_decay), options_(options) {
  for (const double beta : {options.beta1, options.beta2}) {
    if (!(beta >= 0 && beta < 1)) throw ValueError(fmt::format("adam: beta {} is outside [0, 1)", beta));
  }
  for (const auto& [name, p] : parameters_) {
    first_.push_back(zeros(p.shape(), p.dtype()));
    second_.push_back(zeros(p.shape(), p.dtype()));
  }
}

void Adam::step(double lr, double grad_scale) {
  const NoGradGuard no_grad;
  ++steps_;
  const auto t = static_cast<double>(steps_);
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const Tensor& p = parameters_[i].second;
    if (!p.grad().defined()) continue;
    const double rate = lr * lr_scale(i), decay = weight_decay(i);
    if (options_.decoupled && decay != 0) p.copy_(p.detach() * (1 - rate * decay));
    const AdamUpdate update{.lr = rate,
                            .beta1 = options_.beta1,
                            .beta2 = options_.beta2,
                            .eps = options_.eps,
                            .weight_decay = options_.decoupled ? 0.0 : decay,
                            .bias1 = 1 - std::pow(options_.beta1, t),
                            .bias2 = 1 - std::pow(options_.beta2, t),
                            .grad_scale = grad_scale};
    adam_(p, p.grad(), first_[i], second_[i], update);
  }
}

NamedTensors Adam::state() const {
  NamedTensors all{{"adam.steps", from_vector(std::vector<int64_t>{steps_}, {1})}};
  for (size_t i = 0; i < parameters_.size(); ++i) {
    all.emplace_back("adam.first." + parameters_[i].first, first_[i]);
    all.emplace_back("adam.second." + parameters_[i].first, second_[i]);
  }
  return all;
}

void Adam::load_state(const std::map<std::string, Tensor>& values, const std::string& file) {
  const NamedTensors into = state();  // the first of them a copy of steps_
  load_all(values, into, file);
  steps_ = *into.front().second.data<int64_t>();
}

SlotOptimizer::SlotOptimizer(NamedTensors parameters, std::string kind, std::vector<std::string> slots, double weight_decay)
    : Optimizer(std::move(parameters), weight_decay), kind_(std::move(kind)), names_(std::move(slots)) {
  for (const auto& [name, p] : parameters_) {
    std::vector<Tensor>& mine = slots_.emplace_back();
    for (size_t k = 0; k < names_.size(); ++k) mine.push_back(zeros(p.shape(), p.dtype()));
  }
}

void SlotOptimizer::step(double lr, double grad_scale) {
  const NoGradGuard no_grad;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const Tensor& p = parameters_[i].second;
    if (!p.grad().defined()) continue;
    const Tensor g = decayed(p.grad() * grad_scale, p.detach(), weight_decay(i));
    p.copy_(p.detach() - change(g, slots_[i], lr * lr_scale(i)));
  }
}

NamedTensors SlotOptimizer::state() const {
  NamedTensors all;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    for (size_t k = 0; k < names_.size(); ++k) all.emplace_back(kind_ + "." + names_[k] + "." + parameters_[i].first, slots_[i][k]);
  }
  return all;
}

void SlotOptimizer::load_state(const std::map<std::string, Tensor>& values, const std::string& file) { load_all(values, state(), file); }

SGD::SGD(NamedTensors parameters, SGDOptions options)
    : SlotOptimizer(std::move(parameters), "sgd", {"velocity"}, options.weight_decay), options_(options) {
  if (options_.momentum < 0) throw ValueError(fmt::format("sgd: momentum {} is negative", options_.momentum));
  if (options_.nesterov && options_.momentum <= 0) throw ValueError("sgd: nesterov needs a momentum");
}

Tensor SGD::change(const Tensor& g, std::vector<Tensor>& slots, double lr) const {
  slots[0] = slots[0] * options_.momentum + g;
  return (options_.nesterov ? g + slots[0] * options_.momentum : slots[0]) * lr;
}

Tensor Adagrad::change(const Tensor& g, std::vector<Tensor>& slots, double lr) const {
  slots[0] = slots[0] + square(g);
  return g / (sqrt(slots[0]) + options_.eps) * lr;
}

Tensor RMSprop::change(const Tensor& g, std::vector<Tensor>& slots, double lr) const {
  slots[0] = slots[0] * options_.alpha + square(g) * (1 - options_.alpha);
  slots[1] = slots[1] * options_.momentum + g / (sqrt(slots[0]) + options_.eps);
  return slots[1] * lr;
}

ExponentialMovingAverage::ExponentialMovingAverage(NamedTensors parameters, double decay)
    : parameters_(std::move(parameters)), decay_(decay) {
  if (!(decay >= 0 && decay < 1)) throw ValueError(fmt::format("moving average: decay {} is outside [0, 1)", decay));
  for (const auto& [name, p] : parameters_) averages_.emplace_back(name, p.detach().clone());
}

void ExponentialMovingAverage::update() {
  const NoGradGuard no_grad;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const Tensor& average = averages_[i].second;
    average.copy_(average * decay_ + parameters_[i].second.detach() * (1 - decay_));
  }
}

void ExponentialMovingAverage::swap() {
  const NoGradGuard no_grad;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const Tensor trained = parameters_[i].second.detach().clone();
    parameters_[i].second.copy_(averages_[i].second);
    averages_[i].second.copy_(trained);
  }
}

}  // namespace heed::nn
