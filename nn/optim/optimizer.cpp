#include "nn/optim/optimizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace heed::nn {
namespace {

// Throws unless there is an entry that fits.
void check_one(const std::map<std::string, Tensor>& values, const std::string& key, const Tensor& into,
               const std::string& file) {
  const auto found = values.find(key);
  if (found == values.end()) throw FormatError(fmt::format("load '{}': '{}' is missing", file, key));
  if (!found->second.defined()) throw FormatError(fmt::format("load '{}': '{}' is undefined", file, key));
  if (found->second.shape() != into.shape() || found->second.dtype() != into.dtype()) {
    throw FormatError(fmt::format("load '{}': '{}' is {} in the file, {} in the model", file, key,
                                  found->second.describe(), into.describe()));
  }
}

// All or nothing.
void load_all(const std::map<std::string, Tensor>& values, const NamedTensors& into,
              const std::string& file) {
  const NoGradGuard no_grad;
  for (const auto& [key, tensor] : into) check_one(values, key, tensor, file);
  for (const auto& [key, tensor] : into) tensor.copy_(values.at(key));
}

void check_step(const char* optimizer, double lr, double grad_scale) {
  check_number(optimizer, "lr", lr, Allowed::non_negative);
  check_number(optimizer, "grad_scale", grad_scale, Allowed::finite);
}

// Those with a gradient, each once however often it is listed.
std::vector<Tensor> once_each(const std::vector<Tensor>& parameters) {
  std::vector<Tensor> all;
  std::set<const void*> seen;
  for (const Tensor& p : parameters) {
    if (p.defined() && p.grad().defined() && seen.insert(p.body()).second) all.push_back(p);
  }
  return all;
}

// Throws for what cannot be updated name by name: none, two of a name, and elements that would be updated
// twice.
void check_parameters(const char* who, const NamedTensors& parameters) {
  if (parameters.empty()) throw ValueError(who, "there are no parameters");
  std::set<std::string> names;
  struct Extent {
    const char *begin, *end;
    const std::string* name;
    const Tensor* tensor;
  };
  std::vector<Extent> extents;
  for (const auto& [name, p] : parameters) {
    if (!p.defined()) throw ValueError(who, fmt::format("'{}' is undefined", name));
    if (!names.insert(name).second) throw ValueError(who, fmt::format("two parameters are named '{}'", name));
    if (p.numel() == 0) continue;
    int64_t last = 0;
    for (int i = 0; i < p.ndim(); ++i) last += (p.shape()[i] - 1) * p.strides()[i];
    const auto* const begin = static_cast<const char*>(p.raw_data());
    extents.push_back({begin, begin + (last + 1) * static_cast<int64_t>(size_of(p.dtype())), &name, &p});
  }
  std::stable_sort(extents.begin(), extents.end(),
                   [](const Extent& a, const Extent& b) { return a.begin < b.begin; });
  const auto places = [](const Extent& e) {
    std::set<const char*> all;
    for (int64_t n = 0; n < e.tensor->numel(); ++n) {
      int64_t offset = 0, rest = n;
      for (int i = e.tensor->ndim() - 1; i >= 0; --i) {
        offset += rest % e.tensor->shape()[i] * e.tensor->strides()[i];
        rest /= e.tensor->shape()[i];
      }
      all.insert(e.begin + offset * static_cast<int64_t>(size_of(e.tensor->dtype())));
    }
    return all;
  };
  for (size_t i = 0; i < extents.size(); ++i) {
    const Extent& a = extents[i];
    if (!a.tensor->is_contiguous() && static_cast<int64_t>(places(a).size()) < a.tensor->numel()) {
      throw ValueError(who, fmt::format("'{}' has elements that lie in one place", *a.name));
    }
    for (size_t k = i + 1; k < extents.size() && extents[k].begin < a.end; ++k) {
      const Extent& b = extents[k];
      if (a.begin == b.begin && a.tensor->shape() == b.tensor->shape() &&
          a.tensor->strides() == b.tensor->strides()) {
        throw ValueError(
            who, fmt::format("'{}' and '{}' are one tensor, which would be stepped twice", *a.name, *b.name));
      }
      const std::set<const char*> mine = places(a), others = places(b);
      if (std::any_of(mine.begin(), mine.end(), [&](const char* place) { return others.contains(place); })) {
        throw ValueError(
            who, fmt::format("'{}' and '{}' share elements, which would be stepped twice", *a.name, *b.name));
      }
    }
  }
}

// Throws unless each parameter that will be stepped has the type of its state.
void check_states(const char* who, const NamedTensors& parameters,
                  const std::function<const Tensor&(size_t)>& state) {
  for (size_t i = 0; i < parameters.size(); ++i) {
    const auto& [name, p] = parameters[i];
    if (!p.grad().defined() || state(i).dtype() == p.dtype()) continue;
    throw DTypeError(
        who, fmt::format("'{}' is {} now, and its state {}: make a new optimiser after Module::to", name,
                         name_of(p.dtype()), name_of(state(i).dtype())));
  }
}

// The gradient with L2 decay.
Tensor decayed(const Tensor& g, const Tensor& p, double weight_decay) {
  return weight_decay == 0 ? g : g + p * weight_decay;
}

}  // namespace

double gradient_norm(const std::vector<Tensor>& parameters) {
  double total = 0;
  for (const Tensor& p : once_each(parameters)) total += sum_of_squares(p.grad());
  return std::sqrt(total);
}

double clip_factor(double norm, double max_norm) {
  if (std::isnan(max_norm)) throw ValueError("clip_factor", "max_norm is nan");
  if (!std::isfinite(norm))
    throw ValueError("clip_factor", fmt::format("the gradient's norm is {}: it cannot be clipped", norm));
  return max_norm > 0 && norm > max_norm ? max_norm / norm : 1.0;
}

double clip_gradient_norm(const std::vector<Tensor>& parameters, double max_norm) {
  if (std::isnan(max_norm)) throw ValueError("clip_gradient_norm", "max_norm is nan");
  const double norm = gradient_norm(parameters), factor = clip_factor(norm, max_norm);
  if (factor != 1.0) {
    const NoGradGuard no_grad;
    for (const Tensor& p : once_each(parameters)) p.set_grad(p.grad() * factor);
  }
  return norm;
}

void clip_gradient_value(const std::vector<Tensor>& parameters, double limit) {
  if (!(limit > 0))
    throw ValueError("clip_gradient_value", fmt::format("the limit must be positive, got {}", limit));
  const NoGradGuard no_grad;
  for (const Tensor& p : parameters) {
    // 0 of a number, NaN of what is none
    if (p.grad().defined() && !std::isfinite(sum(p.grad() * 0.0).item())) {
      throw ValueError(
          "clip_gradient_value",
          fmt::format("a gradient {} holds NaN or infinity: it cannot be clipped", p.grad().describe()));
    }
  }
  for (const Tensor& p : parameters) {
    if (p.grad().defined()) p.set_grad(clamp(p.grad(), -limit, limit));
  }
}

NamedTensors numbered(const std::vector<Tensor>& parameters) {
  NamedTensors named;
  for (const Tensor& p : parameters) named.emplace_back(std::to_string(named.size()), p);
  return named;
}

Optimizer::Optimizer(NamedTensors parameters, double weight_decay)
    : parameters_(std::move(parameters)), groups_(parameters_.size()), weight_decay_(weight_decay) {
  check_parameters("optimizer", parameters_);
}

size_t Optimizer::group(const std::function<bool(const std::string& name)>& belongs, GroupOptions options) {
  if (!belongs) throw ValueError("group", "there is no function");
  if (options.lr_scale) check_number("group", "lr_scale", *options.lr_scale, Allowed::non_negative);
  if (options.weight_decay)
    check_number("group", "weight_decay", *options.weight_decay, Allowed::non_negative);
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

Adam::Adam(NamedTensors parameters, AdamOptions options)
    : Optimizer(std::move(parameters), options.weight_decay), options_(options) {
  check_number("adam", "beta1", options.beta1, Allowed::fraction);
  check_number("adam", "beta2", options.beta2, Allowed::fraction);
  check_number("adam", "eps", options.eps, Allowed::non_negative);
  check_number("adam", "weight_decay", options.weight_decay, Allowed::non_negative);
  steps_.resize(parameters_.size());
  for (const auto& [name, p] : parameters_) {
    first_.push_back(zeros(p.shape(), p.dtype()));
    second_.push_back(zeros(p.shape(), p.dtype()));
  }
}

AdamW::AdamW(NamedTensors parameters, AdamOptions options)
    : Adam(std::move(parameters), (options.decoupled = true, options)) {}

void Adam::step(double lr, double grad_scale) {
  check_step("adam", lr, grad_scale);
  check_states("adam", parameters_, [&](size_t i) -> const Tensor& { return first_[i]; });
  const NoGradGuard no_grad;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const Tensor& p = parameters_[i].second;
    if (!p.grad().defined()) continue;
    const double rate = lr * lr_scale(i), decay = weight_decay(i);
    const auto t = static_cast<double>(++steps_[i]);
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
  NamedTensors all;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const std::string& name = parameters_[i].first;
    all.emplace_back("adam.steps." + name, from_vector(std::vector<int64_t>{steps_[i]}, {1}));
    all.emplace_back("adam.first." + name, first_[i]);
    all.emplace_back("adam.second." + name, second_[i]);
  }
  return all;
}

void Adam::load_state(const std::map<std::string, Tensor>& values, const std::string& file) {
  std::map<std::string, Tensor> given = values;
  const NamedTensors into = state();  // three entries a parameter, the counters copies
  const auto check_counter = [&](const std::string& key) {
    check_one(values, key, zeros({1}, DType::i64), file);
    const auto steps = values.at(key).item();
    if (steps < 0) throw FormatError(fmt::format("load '{}': '{}' counts {} steps", file, key, steps));
  };
  const auto shared = values.find("adam.steps");
  if (shared != values.end()) check_counter(shared->first);
  for (size_t i = 0; i < into.size(); i += 3) {
    if (shared == values.end() || values.contains(into[i].first)) {
      check_counter(into[i].first);
    } else {
      given.emplace(into[i].first, shared->second);
    }
  }
  load_all(given, into, file);
  for (size_t i = 0; i < steps_.size(); ++i) steps_[i] = *into[3 * i].second.data<int64_t>();
}

SlotOptimizer::SlotOptimizer(NamedTensors parameters, std::string kind, std::vector<std::string> slots,
                             double weight_decay)
    : Optimizer(std::move(parameters), weight_decay), kind_(std::move(kind)), names_(std::move(slots)) {
  check_number(kind_.c_str(), "weight_decay", weight_decay, Allowed::non_negative);
  for (const auto& [name, p] : parameters_) {
    std::vector<Tensor>& mine = slots_.emplace_back();
    for (size_t k = 0; k < names_.size(); ++k) mine.push_back(zeros(p.shape(), p.dtype()));
  }
}

void SlotOptimizer::step(double lr, double grad_scale) {
  check_step(kind_.c_str(), lr, grad_scale);
  check_states(kind_.c_str(), parameters_, [&](size_t i) -> const Tensor& { return slots_[i].front(); });
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
    for (size_t k = 0; k < names_.size(); ++k)
      all.emplace_back(kind_ + "." + names_[k] + "." + parameters_[i].first, slots_[i][k]);
  }
  return all;
}

void SlotOptimizer::load_state(const std::map<std::string, Tensor>& values, const std::string& file) {
  load_all(values, state(), file);
}

SGD::SGD(NamedTensors parameters, SGDOptions options)
    : SlotOptimizer(std::move(parameters), "sgd", {"velocity"}, options.weight_decay), options_(options) {
  check_number("sgd", "momentum", options.momentum, Allowed::fraction);
  if (options_.nesterov && options_.momentum <= 0) throw ValueError("sgd", "nesterov needs a momentum");
}

Tensor SGD::change(const Tensor& g, std::vector<Tensor>& slots, double lr) const {
  slots[0] = slots[0] * options_.momentum + g;
  return (options_.nesterov ? g + slots[0] * options_.momentum : slots[0]) * lr;
}

Adagrad::Adagrad(NamedTensors parameters, AdagradOptions options)
    : SlotOptimizer(std::move(parameters), "adagrad", {"sum"}, options.weight_decay), options_(options) {
  check_number("adagrad", "eps", options.eps, Allowed::non_negative);
}

Tensor Adagrad::change(const Tensor& g, std::vector<Tensor>& slots, double lr) const {
  slots[0] = slots[0] + square(g);
  return g / (sqrt(slots[0]) + options_.eps) * lr;
}

RMSprop::RMSprop(NamedTensors parameters, RMSpropOptions options)
    : SlotOptimizer(std::move(parameters), "rmsprop", {"square", "velocity"}, options.weight_decay),
      options_(options) {
  check_number("rmsprop", "alpha", options.alpha, Allowed::fraction);
  check_number("rmsprop", "eps", options.eps, Allowed::non_negative);
  check_number("rmsprop", "momentum", options.momentum, Allowed::fraction);
}

Tensor RMSprop::change(const Tensor& g, std::vector<Tensor>& slots, double lr) const {
  slots[0] = slots[0] * options_.alpha + square(g) * (1 - options_.alpha);
  slots[1] = slots[1] * options_.momentum + g / (sqrt(slots[0]) + options_.eps);
  return slots[1] * lr;
}

ExponentialMovingAverage::ExponentialMovingAverage(NamedTensors parameters, double decay)
    : parameters_(std::move(parameters)), decay_(decay) {
  check_number("moving average", "decay", decay, Allowed::fraction);
  check_parameters("moving average", parameters_);
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
