#include "nn/optim/optimizer.h"

#include <fmt/format.h>

#include <cmath>

namespace heed::nn {
namespace {

void load_one(const std::map<std::string, Tensor>& values, const std::string& key, const Tensor& into, const std::string& file) {
  const auto found = values.find(key);
  if (found == values.end()) throw FormatError(fmt::format("load '{}': '{}' is missing", file, key));
  if (found->second.shape() != into.shape() || found->second.dtype() != into.dtype()) {
    throw FormatError(
        fmt::format("load '{}': '{}' is {} in the file, {} in the model", file, key, found->second.describe(), into.describe()));
  }
  into.copy_(found->second);
}

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

void Optimizer::zero_grad() const {
  for (const auto& [name, p] : parameters_) p.zero_grad();
}

Adam::Adam(NamedTensors parameters, AdamOptions options) : Optimizer(std::move(parameters)), options_(options) {
  for (const auto& [name, p] : parameters_) {
    first_.push_back(zeros(p.shape(), p.dtype()));
    second_.push_back(zeros(p.shape(), p.dtype()));
  }
}

void Adam::step(double lr, double grad_scale) {
  const NoGradGuard no_grad;
  ++steps_;
  const auto t = static_cast<double>(steps_);
  const AdamUpdate update{lr,
                          options_.beta1,
                          options_.beta2,
                          options_.eps,
                          options_.weight_decay,
                          1 - std::pow(options_.beta1, t),
                          1 - std::pow(options_.beta2, t),
                          grad_scale};
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const Tensor& p = parameters_[i].second;
    if (p.grad().defined()) adam_(p, p.grad(), first_[i], second_[i], update);
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
  const NoGradGuard no_grad;
  const Tensor steps = zeros({1}, DType::i64);
  load_one(values, "adam.steps", steps, file);
  steps_ = *steps.data<int64_t>();
  for (size_t i = 0; i < parameters_.size(); ++i) {
    load_one(values, "adam.first." + parameters_[i].first, first_[i], file);
    load_one(values, "adam.second." + parameters_[i].first, second_[i], file);
  }
}

SGD::SGD(NamedTensors parameters, double momentum) : Optimizer(std::move(parameters)), momentum_(momentum) {
  for (const auto& [name, p] : parameters_) velocity_.push_back(zeros(p.shape(), p.dtype()));
}

void SGD::step(double lr, double grad_scale) {
  const NoGradGuard no_grad;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const Tensor& p = parameters_[i].second;
    if (!p.grad().defined()) continue;
    velocity_[i] = velocity_[i] * momentum_ + p.grad() * grad_scale;
    p.copy_(p.detach() - velocity_[i] * lr);
  }
}

NamedTensors SGD::state() const {
  NamedTensors all;
  for (size_t i = 0; i < parameters_.size(); ++i) all.emplace_back("sgd.velocity." + parameters_[i].first, velocity_[i]);
  return all;
}

void SGD::load_state(const std::map<std::string, Tensor>& values, const std::string& file) {
  const NoGradGuard no_grad;
  for (size_t i = 0; i < parameters_.size(); ++i) load_one(values, "sgd.velocity." + parameters_[i].first, velocity_[i], file);
}

}  // namespace heed::nn
