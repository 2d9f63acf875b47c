// Module, the base class of layers: named parameters, buffers and child modules. The dotted path of names is
// the key in a checkpoint: encoder.cell.weight_ih.
#pragma once

#include <functional>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

#include "framework/framework.h"
#include "nn/output_hook.h"

namespace heed::nn {

/// The differences between the entries of a checkpoint and those of a module, each entry by its dotted name.
struct LoadReport {
  std::vector<std::string> missing;     // names that the module has and the checkpoint does not
  std::vector<std::string> unexpected;  // names that the checkpoint has and the module does not
  /// An entry whose dtype or shape differs.
  struct Mismatch {
    std::string name, in_values, in_module;  // its name, and dtype and shape on both sides: "f32[4, 4]"
  };
  std::vector<Mismatch> mismatched;  // entries that both have, with different dtype or shape
  /// @return whether there is no difference
  bool complete() const { return missing.empty() && unexpected.empty() && mismatched.empty(); }
  /// @return one line per difference: "'w' is missing", "'w' is not in the model", "'w' is f32[4, 4] in the
  ///   file, f32[8, 4] in the model"
  std::vector<std::string> lines() const;
};
/// How Module::load treats differences. strict: any difference is an error and nothing is copied; partial:
/// the entries that fit are copied.
enum class Loading : uint8_t { strict, partial };

class Module;

/// Marks the duration of a module's constructor. Every constructor of a module has a Scope as its last
/// parameter, with a default argument, and passes it to its base class:
///   class Net : public nn::Module {
///    public:
///     explicit Net(const nn::Scope& scope = {}) : Module(scope), first_(2, 8), second_(8, 1) {
///       child("first", first_);
///       child("second", second_);
///     }
/// With the Scope a module knows which layers were constructed for it, whether as members, behind pointers or
/// in a list. A layer that was not announced with child() is reported when the module is first used, and so
/// is a Scope that was not passed on. A Scope ends with the full expression that constructs the module. Two
/// modules constructed inside one pair of braces (an aggregate's; a Sequential's know of each other) would
/// therefore look as if one had constructed the other, so they need separate declarations. Not noticed are
/// layers that a method constructs later, that were passed in and moved into a member, and that lie behind a
/// pointer of a temporary that is moved: announce them with child().
class Scope {
 public:
  Scope();
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

 private:
  friend class Module;
  mutable Module* module_ = nullptr;  // the module whose constructor is running
  mutable bool moved_ = false;        // it has been moved since: its constructor is not running any more
  Scope* outer_;                      // the Scope that was open on this thread before this one
};

/// Base class of every layer. A layer stores its parameters as plain Tensor members created by param() and
/// its sublayers as members announced with child(); it keeps no state between calls. Not copyable; movable,
/// with its sublayers, into the object that a container holds: net.emplace(Conv2d(1, 8, 3, {.padding = 1})).
/// Parameters, buffers, state_dict and what uses them throw as well if a member was assigned another tensor
/// and nobody else, such as an optimiser, has the old one. A parameter gets other values by load() or, under
/// a NoGradGuard, by copy_(): assigning to its member would put another tensor in its place, of which the
/// module knows nothing. A parent points to its children, and is told when one is moved or destroyed. A
/// subclass that keeps pointers or references to its own members, or captures `this`, must delete its move
/// constructor.
///
/// Every function that visits the layers (parameters, state_dict, train, freeze, load, on_output, child)
/// throws ValueError if a module has constructed a layer and not announced it ("module: Net does not announce
/// a Linear that it made: child(name, member)"), if an announced child was destroyed and not replaced
/// ("module: Net's child 'head' is gone: ..."), and if a class did not pass its Scope to its base.
class Module {
 public:
  /// A constructor takes a Scope and passes it on: Net(const nn::Scope& scope = {}) : Module(scope).
  Module() = delete;
  /// @param scope the last argument of the derived class's constructor
  explicit Module(const Scope& scope);
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  virtual ~Module();

  /// Parameters, buffers, children and hooks go over to the new module, which also takes the place of the old
  /// one among the children of others. The old one is left without any.
  /// @param from the module to be moved, which must not be used again
  Module(Module&& from) noexcept;

  /// This module's parameters, then those of its children, in the order of announcement. A parameter that two
  /// layers share appears once, under its first name.
  /// @return dotted names and the parameters (the tensors themselves, not copies)
  NamedTensors named_parameters() const;
  /// @return the parameters in the order of named_parameters()
  std::vector<Tensor> parameters() const;
  /// @return the number of elements of all parameters
  int64_t parameter_count() const;
  /// The tensors that a checkpoint stores although they are not trained, such as a running mean.
  /// @return dotted names and the buffers (the tensors themselves, not copies)
  NamedTensors named_buffers() const;
  /// Everything that a checkpoint stores. Writing to these tensors changes the module.
  /// @return parameters, then buffers
  NamedTensors state_dict() const;

  /// This module, under the name "", then all modules below it with dotted names, each parent before its
  /// children.
  /// @return names and the modules
  std::vector<std::pair<std::string, const Module*>> named_modules() const;

  /// Sets whether the parameters of this module and of all modules below it require gradients. An optimiser
  /// does not change a frozen parameter. A frozen BatchNorm still updates its running mean and variance until
  /// train(false).
  /// @param on true freezes; false makes the parameters require gradients again
  void freeze(bool on = true);

  /// Converts all parameters and floating buffers in place, so that tensors that layers share stay shared.
  /// The gradients are dropped; the state of an optimiser, and a backward recorded before, are of the old
  /// ones: make a new optimiser. Not for tensors that a layer keeps beside its parameters and buffers.
  /// @param dtype f32 or f64
  /// @throws DTypeError for another dtype; then nothing is converted
  void to(DType dtype);

  /// Sets training mode (dropout is applied, BatchNorm uses the batch's statistics) or evaluation mode, for
  /// this module and all below it.
  /// @param on true for training, the mode of a new module; false for evaluation
  void train(bool on = true);
  /// Clears the gradients of all parameters, as Optimizer::zero_grad() does for its own.
  void zero_grad() const {
    for (const Tensor& p : parameters()) p.zero_grad();
  }
  /// Evaluation mode: train(false).
  void eval() { train(false); }
  /// @return whether the module is in training mode
  bool training() const { return training_; }

  /// Installs a hook: f is called with the output of this layer and of every layer below it, each time that
  /// one returns. If a layer returns several tensors, f sees the first (an LSTM's output, an attention's
  /// context). f can only observe, not replace the output; an exception that it throws leaves the layer's
  /// call. An empty f removes the hook; a second call replaces the first hook. Layers added later are not
  /// observed, nor are fused code paths that use a layer's parameters without calling the layer. Must not be
  /// called while another thread calls the module.
  /// @param f called with a layer's path and its output
  void on_output(const OutputHook& f);

  /// Copies values into parameters and buffers.
  /// @param values tensors under the names of state_dict()
  /// @param file name of the file, used in error messages
  /// @param loading whether differences are an error
  /// @return the differences
  /// @throws FormatError "load 'file': 'w' is missing; Loading::partial takes what fits" for the first
  ///   difference when loading is strict, and for an undefined value; then nothing is copied
  LoadReport load(const std::map<std::string, Tensor>& values, const std::string& file,
                  Loading loading = Loading::strict);
  /// Copies the values of another module's state_dict(): b.load(a.state_dict()).
  /// @param values names and tensors, none twice
  /// @param loading whether differences are an error
  /// @return the differences
  /// @throws FormatError as the overload above, with the file called state_dict; for a name that is there
  /// twice
  LoadReport load(const NamedTensors& values, Loading loading = Loading::strict);
  /// Like load() with Loading::strict, but large values that lie in a mapped file (map_safetensors) stay
  /// there and are not copied: they take the memory of the parameters. Two modules with the values of one
  /// mapping would share them.
  /// @param values tensors under the names of state_dict()
  /// @param file name of the file, used in error messages
  /// @throws FormatError as load()
  void adopt(const std::map<std::string, Tensor>& values, const std::string& file);

 protected:
  /// Announces a parameter, which will require a gradient.
  /// @param name its key, without dots; by convention the member's name
  /// @param value its initial value
  /// @return `value`, to be stored in a member: the tensor itself and not a part of it
  /// @throws ValueError for a name that is taken, empty, "__metadata__" or has a dot
  Tensor param(std::string name, const Tensor& value);
  /// Announces a buffer: a tensor that checkpoints store and that is not trained.
  /// @param name its key, without dots; by convention the member's name
  /// @param value its initial value
  /// @return `value`, to be stored in a member
  Tensor buffer(std::string name, const Tensor& value);
  /// Announces a sublayer. A child with the name of one that was destroyed replaces it.
  /// @param name prefix of the names of its parameters
  /// @param module a member of this module, or an object that a member owns; once destroyed it is no longer a
  ///   child
  /// @throws ValueError for an invalid name (see param()), a module that contains this one, and one that
  ///   cannot be visited (see the class)
  void child(std::string name, Module& module);
  /// Removes a child from the list, before or after the member is destroyed for good.
  /// @param name the name that it was announced with
  /// @throws ValueError if no child has this name
  void remove_child(const std::string& name);
  /// For a constructor that takes layers as arguments: those are not what has constructed this module,
  /// although they were under construction in the same expression.
  /// @param arguments the layers
  void made_beside(const std::vector<Module*>& arguments);
  /// Calls the output hook, if there is one, and tells a Profiler. A layer's call operator ends with `return
  /// announce(result)`; without either this costs two branches.
  /// @param output the layer's result
  /// @param computed false where the layer has passed on what it was given
  /// @return `output`, unchanged
  Tensor announce(Tensor output, bool computed = true) const {
    if (output_hook_) [[unlikely]]
      (*output_hook_->f)(output_hook_->path, output);
    if (computed && heed::detail::is_profiling()) [[unlikely]]
      heed::detail::profile_layer(this);
    return output;
  }

 private:
  friend class Scope;
  void check_complete() const;
  bool is_whole() const;
  void take_makers(Module& from);
  void make_by(Module* maker);
  void disown();
  template <class F>
  void skip_makers(const F& is_none);
  bool is_below(const Module& top) const;
  void collect_modules(const std::string& path,
                       std::vector<std::pair<std::string, const Module*>>& into) const;
  void collect(const std::string& prefix, NamedTensors Module::*which, NamedTensors& into) const;
  NamedTensors parameters_, buffers_;
  std::vector<std::pair<std::string, Module*>> children_;  // null: the child was destroyed and not replaced
  std::vector<Module*> parents_;             // the modules that announced this one as their child
  const Scope* scope_;                       // the constructor's Scope while it runs
  const std::type_info* made_as_ = nullptr;  // the dynamic type when its Scope ended
  Module* maker_ = nullptr;  // the module whose constructor made this one, until this one is announced
  std::vector<Module*> unannounced_;  // modules whose maker_ is this one
  Module* moved_to_ = nullptr;        // where this temporary went,
  Module* moved_from_ = nullptr;      // where this came from: both while the other lives
  void place(const std::string& path, const std::shared_ptr<const OutputHook>& f);
  bool training_ = true;
  std::unique_ptr<const PlacedHook> output_hook_;
};

}  // namespace heed::nn
