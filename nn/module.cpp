#include "nn/module.h"

#include <fmt/format.h>

namespace heed::nn {

Tensor Module::param(std::string name, const Tensor& value) {
  value.set_requires_grad(true);
  parameters_.emplace_back(std::move(name), value);
  return value;
}

void Module::child(std::string name, Module& module) { children_.emplace_back(std::move(name), &module); }

void Module::collect(const std::string& prefix, NamedTensors& into) const {
  for (const auto& [name, value] : parameters_) into.emplace_back(prefix + name, value);
  for (const auto& [name, module] : children_) module->collect(prefix + name + ".", into);
}

NamedTensors Module::named_parameters() const {
  NamedTensors all;
  collect("", all);
  return all;
}

std::vector<Tensor> Module::parameters() const {
  std::vector<Tensor> result;
  for (auto& [name, value] : named_parameters()) result.push_back(value);
  return result;
}

int64_t Module::parameter_count() const {
  int64_t count = 0;
  for (const Tensor& value : parameters()) count += value.numel();
  return count;
}

void Module::train(bool on) {
  training_ = on;
  for (const auto& [name, module] : children_) module->train(on);
}

void Module::load(const std::map<std::string, Tensor>& values, const std::string& file) {
  const NamedTensors wanted = named_parameters();
  for (const auto& [name, value] : wanted) {
    const auto found = values.find(name);
    if (found == values.end()) throw FormatError(fmt::format("load '{}': '{}' is missing", file, name));
    if (found->second.shape() != value.shape() || found->second.dtype() != value.dtype()) {
      throw FormatError(
          fmt::format("load '{}': '{}' is {} in the file, {} in the model", file, name, found->second.describe(), value.describe()));
    }
  }
  if (values.size() != wanted.size()) {
    for (const auto& [name, value] : values) {
      const bool known = std::any_of(wanted.begin(), wanted.end(), [&](const auto& entry) { return entry.first == name; });
      if (!known) throw FormatError(fmt::format("load '{}': '{}' is not in the model", file, name));
    }
  }
  const NoGradGuard no_grad;
  for (const auto& [name, value] : wanted) value.copy_(values.at(name));
}

}  // namespace heed::nn
