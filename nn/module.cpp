#include "nn/module.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "nn/kind.h"

namespace heed::nn {

namespace {
void check_name(const std::string& name, const NamedTensors& tensors,
                const std::vector<std::pair<std::string, Module*>>& modules) {
  const auto named = [&](const auto& entry) { return entry.first == name; };
  if (std::any_of(tensors.begin(), tensors.end(), named) ||
      std::any_of(modules.begin(), modules.end(), named)) {
    throw ValueError("module", fmt::format("'{}' is announced twice", name));
  }
  if (name == "__metadata__")
    throw ValueError("module", "'__metadata__' is the files' own name and no member's");
  if (name.empty() || name.find('.') != std::string::npos)
    throw ValueError("module", fmt::format("'{}' is no name for a member", name));
}

thread_local Scope* open_scope = nullptr;  // the innermost

struct Moved {};  // the type of a module that was moved, in its made_as_
}  // namespace

Scope::Scope() : outer_(open_scope) { open_scope = this; }

Scope::~Scope() {
  // the innermost, unless the expression's temporaries die in an order of their own
  Scope** link = &open_scope;
  while (*link && *link != this) link = &(*link)->outer_;
  if (*link) *link = outer_;
  if (!module_) return;
  module_->scope_ = nullptr;
  module_->made_as_ = &typeid(*module_);
}

Module::Module(const Scope& scope) : scope_(&scope) {
  // the innermost constructor at work; this one's own, and one whose arguments are being made, are none
  const Scope* maker = open_scope;
  while (maker && (!maker->module_ || maker->moved_)) maker = maker->outer_;
  if (maker) make_by(maker->module_);
  if (scope.module_) {
    scope_ = nullptr;  // another module's Scope: refused by check_complete()
  } else {
    scope.module_ = this;
  }
}

Module::Module(Module&& from) noexcept
    : parameters_(std::move(from.parameters_)),
      buffers_(std::move(from.buffers_)),
      children_(std::move(from.children_)),
      parents_(std::move(from.parents_)),
      scope_(std::exchange(from.scope_, nullptr)),
      made_as_(from.is_whole() ? &typeid(Moved) : nullptr),
      training_(from.training_),
      output_hook_(std::move(from.output_hook_)) {
  // the moved lists are empty now, and nothing points to `from` any more
  from.parents_.clear();
  from.children_.clear();
  take_makers(from);
  for (const auto& [name, module] : children_) {
    if (module) std::ranges::replace(module->parents_, &from, this);
  }
  for (Module* parent : parents_) {
    for (auto& [name, module] : parent->children_) {
      if (module == &from) module = this;
    }
  }
}

// Its Scope reached its base: of a class that derives from a moved one this is not known, and not asked.
bool Module::is_whole() const {
  return made_as_ && (*made_as_ == typeid(Moved) || *made_as_ == typeid(*this));
}

// Who made whom, after a move. A temporary's Scope is open until its expression ends, and so it may have been
// noted as the maker of what was made beside it or in a function that it was passed to. Of these only its own
// members come along: they move next, and lie as far from it as before.
void Module::take_makers(Module& from) {
  const auto distance = [](const Module* member, const Module* whole) {
    return reinterpret_cast<intptr_t>(member) - reinterpret_cast<intptr_t>(whole);
  };
  if (Module* maker = from.maker_) {
    from.disown();
    if (Module* const moved = maker->moved_to_)
      maker = distance(&from, maker) == distance(this, moved) ? moved : moved->maker_;
    make_by(maker);
  }
  if (!scope_) {
    unannounced_ = std::move(from.unannounced_);
    from.unannounced_.clear();
    for (Module* made : unannounced_) made->maker_ = this;
    return;
  }
  scope_->module_ = this;
  scope_->moved_ = true;
  for (size_t i = 0; i < from.unannounced_.size();) {
    Module* const made = from.unannounced_[i];
    if (!made->scope_) {  // perhaps a member
      ++i;
    } else {
      made->disown();
      made->make_by(maker_);
    }
  }
  if (from.moved_to_) from.moved_to_->moved_from_ = nullptr;
  from.moved_to_ = this;
  moved_from_ = &from;
}

void Module::make_by(Module* maker) {
  maker_ = maker;
  if (maker) maker->unannounced_.push_back(this);
}

Module::~Module() {
  if (scope_) scope_->module_ = nullptr;
  if (moved_to_) moved_to_->moved_from_ = nullptr;
  if (moved_from_) moved_from_->moved_to_ = nullptr;
  disown();
  for (Module* made : unannounced_) made->maker_ = nullptr;
  for (const auto& [name, module] : children_) {
    if (module) std::erase(module->parents_, this);
  }
  for (Module* parent : parents_) {
    for (auto& [name, module] : parent->children_) {
      if (module == this) module = nullptr;
    }
  }
}

// Whoever made this module needs not announce it any more.
void Module::disown() {
  if (maker_) std::erase(maker_->unannounced_, this);
  maker_ = nullptr;
}

void Module::check_complete() const {
  if (scope_ && !scope_->moved_) return;  // its constructor is at work
  if (!scope_ && !is_whole()) {
    throw ValueError("module", fmt::format("{} does not hand its own Scope to its base: {}(..., const "
                                           "nn::Scope& scope = {{}}) : Module(scope)",
                                           kind_of(*this), kind_of(*this)));
  }
  if (!unannounced_.empty()) {
    const size_t others = unannounced_.size() - 1;
    throw ValueError("module", fmt::format("{} does not announce a {}{} that it made: child(name, member)",
                                           kind_of(*this), kind_of(*unannounced_.front()),
                                           others == 0 ? "" : fmt::format(" and {} more", others)));
  }
  for (const auto& [name, module] : children_) {
    if (!module) {
      throw ValueError("module",
                       fmt::format("{}'s child '{}' is gone: child() its successor, or remove_child('{}')",
                                   kind_of(*this), name, name));
    }
  }
}

Tensor Module::param(std::string name, const Tensor& value) {
  check_name(name, parameters_, children_);
  if (!value.defined()) throw ValueError("module", fmt::format("the parameter '{}' is undefined", name));
  value.set_requires_grad(true);
  parameters_.emplace_back(std::move(name), value);
  return value;
}

Tensor Module::buffer(std::string name, const Tensor& value) {
  check_name(name, buffers_, children_);
  if (!value.defined()) throw ValueError("module", fmt::format("the buffer '{}' is undefined", name));
  buffers_.emplace_back(std::move(name), value);
  return value;
}

template <class F>
void Module::skip_makers(const F& is_none) {
  while (maker_ && is_none(*maker_)) {
    Module* const outer = maker_->maker_;
    disown();
    make_by(outer);
  }
}

bool Module::is_below(const Module& top) const {
  return std::ranges::any_of(parents_,
                             [&](const Module* parent) { return parent == &top || parent->is_below(top); });
}

void Module::child(std::string name, Module& module) {
  const auto gone = std::find_if(children_.begin(), children_.end(),
                                 [&](const auto& entry) { return entry.first == name && !entry.second; });
  if (gone == children_.end()) check_name(name, parameters_, children_);
  const auto below = module.named_modules();
  if (std::any_of(below.begin(), below.end(), [this](const auto& entry) { return entry.second == this; })) {
    throw ValueError("module", fmt::format("the child '{}' contains its parent", name));
  }
  module.parents_.push_back(this);
  // a layer that was passed in by value may have been under construction when this constructor began
  skip_makers([this](const Module& maker) { return maker.is_below(*this); });
  module.disown();
  if (gone == children_.end()) {
    children_.emplace_back(std::move(name), &module);
  } else {
    gone->second = &module;
  }
}

void Module::made_beside(const std::vector<Module*>& arguments) {
  skip_makers([&](const Module& maker) { return std::ranges::find(arguments, &maker) != arguments.end(); });
}

void Module::remove_child(const std::string& name) {
  const auto found = std::find_if(children_.begin(), children_.end(),
                                  [&](const auto& entry) { return entry.first == name; });
  if (found == children_.end())
    throw ValueError("module", fmt::format("{} has no child '{}'", kind_of(*this), name));
  if (found->second) {
    const auto announced = std::find(found->second->parents_.begin(), found->second->parents_.end(), this);
    found->second->parents_.erase(announced);  // once: the same child may have another name
  }
  children_.erase(found);
}

void Module::collect(const std::string& prefix, NamedTensors Module::*which, NamedTensors& into) const {
  check_complete();
  // one that two layers share counts once, under its first name
  for (const auto& [name, value] : this->*which) {
    if (value.body()->refs == 1) {
      throw ValueError("module",
                       fmt::format("'{}' is in no member of {} any more: copy_() or load() gives it "
                                   "new values, assignment another tensor in its place",
                                   prefix + name, kind_of(*this)));
    }
    const bool seen = std::any_of(into.begin(), into.end(), [&v = value](const auto& entry) {
      return entry.second.body() == v.body();
    });
    if (!seen) into.emplace_back(prefix + name, value);
  }
  for (const auto& [name, module] : children_) module->collect(prefix + name + ".", which, into);
}

void Module::collect_modules(const std::string& path,
                             std::vector<std::pair<std::string, const Module*>>& into) const {
  check_complete();
  into.emplace_back(path, this);
  for (const auto& [name, module] : children_)
    module->collect_modules(path.empty() ? name : path + "." + name, into);
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
  check_complete();
  output_hook_.reset(f ? new PlacedHook{path, f} : nullptr);
  for (const auto& [name, module] : children_) module->place(path.empty() ? name : path + "." + name, f);
}

void Module::on_output(const OutputHook& f) {
  place("", f ? std::make_shared<const OutputHook>(f) : nullptr);
}

void Module::train(bool on) {
  check_complete();
  training_ = on;
  for (const auto& [name, module] : children_) module->train(on);
}

void Module::freeze(bool on) {
  for (const Tensor& p : parameters()) {
    p.set_requires_grad(!on);
    p.zero_grad();
  }
}

void Module::to(DType dtype) {
  if (!is_floating(dtype))
    throw DTypeError("to", fmt::format("parameters are f32 or f64, not {}", name_of(dtype)));
  for (const auto& [name, value] : state_dict()) {
    if (is_floating(value.dtype())) convert_in_place(value, dtype);
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

namespace {

// Compares values with what a module wants; `fitting` gets the tensors of the module that can be set. An
// error ends with `hint`.
LoadReport compare(const NamedTensors& wanted, const std::map<std::string, Tensor>& values,
                   const std::string& file, Loading loading, const char* hint, NamedTensors& fitting) {
  LoadReport report;
  std::set<std::string> known;
  for (const auto& [name, value] : wanted) {
    known.insert(name);
    const auto found = values.find(name);
    if (found == values.end()) {
      report.missing.push_back(name);
    } else if (!found->second.defined()) {
      throw FormatError(fmt::format("load '{}': '{}' is undefined", file, name));
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
    throw FormatError(fmt::format("load '{}': {}{}{}", file, lines.front(),
                                  lines.size() == 1 ? "" : fmt::format("; and {} more", lines.size() - 1),
                                  hint));
  }
  return report;
}

}  // namespace

LoadReport Module::load(const std::map<std::string, Tensor>& values, const std::string& file,
                        Loading loading) {
  NamedTensors fitting;
  LoadReport report =
      compare(state_dict(), values, file, loading, "; Loading::partial takes what fits", fitting);
  const NoGradGuard no_grad;
  for (const auto& [name, value] : fitting) value.copy_(values.at(name));
  return report;
}

LoadReport Module::load(const NamedTensors& values, Loading loading) {
  std::map<std::string, Tensor> by_name;
  for (const auto& [name, value] : values) {
    if (!by_name.emplace(name, value).second)
      throw FormatError(fmt::format("load 'state_dict': '{}' is there twice", name));
  }
  return load(by_name, "state_dict", loading);
}

void Module::adopt(const std::map<std::string, Tensor>& values, const std::string& file) {
  NamedTensors fitting;
  compare(state_dict(), values, file, Loading::strict, "", fitting);
  const NoGradGuard no_grad;
  for (const auto& [name, value] : fitting) {
    if (!share_memory(value, values.at(name))) value.copy_(values.at(name));
  }
}

}  // namespace heed::nn
