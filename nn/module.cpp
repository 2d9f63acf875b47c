#include "nn/module.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace heed::nn {

namespace {
void check_name(const std::string& name, const NamedTensors& tensors, const std::vector<std::pair<std::string, Module*>>& modules) {
  const auto named = [&](const auto& entry) { return entry.first == name; };
  if (std::any_of(tensors.begin(), tensors.end(), named) || std::any_of(modules.begin(), modules.end(), named)) {
    throw ValueError(fmt::format("module: '{}' is announced twice", name));
  }
  if (name == "__metadata__") throw ValueError("module: '__metadata__' is the files' own name and no member's");
  if (name.empty() || name.find('.') != std::string::npos) throw ValueError(fmt::format("module: '{}' is no name for a member", name));
}
}  // namespace

Tensor Module::param(std::string name, const Tensor& value) {
  check_name(name, parameters_, children_);
  if (!value.defined()) throw ValueError(fmt::format("module: the parameter '{}' is undefined", name));
  value.set_requires_grad(true);
  parameters_.emplace_back(std::move(name), value);
  return value;
}

Tensor Module::buffer(std::string name, const Tensor& value) {
  check_name(name, buffers_, children_);
  if (!value.defined()) throw ValueError(fmt::format("module: the buffer '{}' is undefined", name));
  buffers_.emplace_back(std::move(name), value);
  return value;
}

void Module::child(std::string name, Module& module) {
  check_name(name, parameters_, children_);
  const auto below = module.named_modules();
  if (std::any_of(below.begin(), below.end(), [this](const auto& entry) { return entry.second == this; })) {
    throw ValueError(fmt::format("module: the child '{}' contains its parent", name));
  }
  children_.emplace_back(std::move(name), &module);
}

void Module::collect(const std::string& prefix, NamedTensors Module::*which, NamedTensors& into) const {
  for (const auto& [name, value] : this->*which) {  // one that two layers share counts once, under its first name
    const bool seen = std::any_of(into.begin(), into.end(), [&v = value](const auto& entry) { return entry.second.body() == v.body(); });
    if (!seen) into.emplace_back(prefix + name, value);
  }
  for (const auto& [name, module] : children_) module->collect(prefix + name + ".", which, into);
}

void Module::collect_modules(const std::string& path, std::vector<std::pair<std::string, const Module*>>& into) const {
  into.emplace_back(path, this);
  for (const auto& [name, module] : children_) module->collect_modules(path.empty() ? name : path + "." + name, into);
}

std::vector<std::pair<std::string, const Module*>> Module::named_modules() const {
  std::vector<std::pair<std::string, const Module*>> all;
  collect_modules("", all);
  return all;
}

NamedTensors Module::named_parameters() const {
  NamedTensors all;
  collect("", &Module::parameters_, all);
  return all;
}

NamedTensors Module::named_buffers() const {
  NamedTensors all;
  collect("", &Module::buffers_, all);
  return all;
}

NamedTensors Module::state_dict() const {
  NamedTensors all = named_parameters();
  collect("", &Module::buffers_, all);
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

void Module::place(const std::string& path, const std::shared_ptr<const OutputHook>& f) {
  output_hook_.reset(f ? new PlacedHook{path, f} : nullptr);
  for (const auto& [name, module] : children_) module->place(path.empty() ? name : path + "." + name, f);
}

void Module::on_output(const OutputHook& f) { place("", f ? std::make_shared<const OutputHook>(f) : nullptr); }

void Module::train(bool on) {
  training_ = on;
  for (const auto& [name, module] : children_) module->train(on);
}

void Module::freeze(bool on) {
  for (const Tensor& p : parameters()) {
    p.set_requires_grad(!on);
    p.zero_grad();
  }
}

std::vector<std::string> LoadReport::lines() const {
  std::vector<std::string> all;
  for (const std::string& name : missing) all.push_back(fmt::format("'{}' is missing", name));
  for (const Mismatch& m : mismatched)
    all.push_back(fmt::format("'{}' is {} in the file, {} in the model", m.name, m.in_values, m.in_module));
  for (const std::string& name : unexpected) all.push_back(fmt::format("'{}' is not in the model", name));
  return all;
}

LoadReport Module::load(const std::map<std::string, Tensor>& values, const std::string& file, Loading loading) {
  LoadReport report;
  const NamedTensors wanted = state_dict();
  NamedTensors fitting;
  std::set<std::string> known;
  for (const auto& [name, value] : wanted) {
    known.insert(name);
    const auto found = values.find(name);
    if (found == values.end()) {
      report.missing.push_back(name);
    } else if (found->second.shape() != value.shape() || found->second.dtype() != value.dtype()) {
      report.mismatched.push_back({name, found->second.describe(), value.describe()});
    } else {
      fitting.emplace_back(name, value);
    }
  }
  for (const auto& [name, value] : values) {
    if (!known.contains(name)) report.unexpected.push_back(name);
  }
  if (loading == Loading::strict && !report.complete()) {
    const std::vector<std::string> lines = report.lines();
    throw FormatError(fmt::format("load '{}': {}{}; Loading::partial takes what fits", file, lines.front(),
                                  lines.size() == 1 ? "" : fmt::format("; and {} more", lines.size() - 1)));
  }
  const NoGradGuard no_grad;
  for (const auto& [name, value] : fitting) value.copy_(values.at(name));
  return report;
}

}  // namespace heed::nn
