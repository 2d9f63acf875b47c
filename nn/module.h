// Module: parameters, buffers and children with names. A member's name is its key in a checkpoint: encoder.cell.weight_ih.
#pragma once

#include <functional>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

#include "framework/framework.h"
#include "nn/output_hook.h"

namespace heed::nn {

/// How a checkpoint's entries and a module's fit together, each entry by its dotted name.
struct LoadReport {
  std::vector<std::string> missing;     // the module has it, the values do not
  std::vector<std::string> unexpected;  // the other way round
  /// An entry of another dtype or shape.
  struct Mismatch {
    std::string name, in_values, in_module;  // dtype and shape: "f32[4, 4]"
  };
  std::vector<Mismatch> mismatched;  // both have it
  /// @return whether everything fits
  bool complete() const { return missing.empty() && unexpected.empty() && mismatched.empty(); }
  /// @return a line for each: "'w' is missing", "'w' is not in the model", "'w' is f32[4, 4] in the file, f32[8, 4] in the model".
  std::vector<std::string> lines() const;
};
/// strict: everything must fit or nothing is copied. partial: what fits is copied.
enum class Loading : uint8_t { strict, partial };

class Module;

/// The span of a module's constructor. Every constructor takes one as its last argument, by default, and hands it to its base class:
///   class Net : public nn::Module {
///    public:
///     explicit Net(const nn::Scope& scope = {}) : Module(scope), first_(2, 8), second_(8, 1) {
///       child("first", first_);
///       child("second", second_);
///     }
/// By it a module knows which layers were made for it, as members, through a pointer, in a list: one that child() did not announce is
/// refused when the module is first used, and so is a Scope that was not handed on. It ends with the expression that makes the module, so
/// that two of them in one pair of braces, an aggregate's, pass for one made by the other: they want a declaration each. What a method
/// makes later, and what a constructor is handed, nobody sees: announce it.
class Scope {
 public:
  Scope();
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

 private:
  friend class Module;
  mutable Module* module_ = nullptr;  // whose constructor it is
  Scope* outer_;                      // the one that was open before, on this thread
};

/// Base of every layer. A layer holds its parameters as plain Tensor members made by param(), its sublayers as members announced with
/// child(); it keeps no state between calls. Not copyable: a parent points at its children, and forgets one that dies.
///
/// Whatever walks the layers (parameters, state_dict, train, freeze, load, on_output, child) throws ValueError for a module that has a
/// layer which it did not announce ("module: Net does not announce a Linear that it made: child(name, member)"), or had one that is gone
/// and has no successor ("module: Net's child 'head' is gone: ..."), and for a class that keeps its Scope from its base.
class Module {
 public:
  Module() = delete;  // a constructor takes a Scope and hands it on: Net(const nn::Scope& scope = {}) : Module(scope)
  /// @param scope the argument of the derived class's constructor
  explicit Module(const Scope& scope);
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  virtual ~Module();

  /// Own parameters first, then the children's, in the order of announcement; one that two layers share counts once, by its first name.
  /// @return dotted names and the parameters themselves
  NamedTensors named_parameters() const;
  /// @return the same without names
  std::vector<Tensor> parameters() const;
  /// @return the number of elements of all parameters
  int64_t parameter_count() const;
  /// What belongs to a checkpoint and is not trained, such as a running mean.
  /// @return dotted names and the buffers themselves
  NamedTensors named_buffers() const;
  /// All that a checkpoint holds. Writing to these tensors writes to the module.
  /// @return parameters, then buffers
  NamedTensors state_dict() const;

  /// This module ("" its name), then all below it with dotted names, a parent before its children.
  /// @return names and the modules
  std::vector<std::pair<std::string, const Module*>> named_modules() const;

  /// Whether the parameters want gradients; set for all children. An optimiser leaves a frozen parameter as it is. A BatchNorm below goes
  /// on learning its running mean and variance until train(false).
  /// @param on false: they want gradients again
  void freeze(bool on = true);

  /// Whether dropout acts; set for all children.
  /// @param on false for evaluation; a new module trains
  void train(bool on = true);
  /// @return what train() set
  bool training() const { return training_; }

  /// From now on f sees what this layer and every one below it return, when they return it: a layer's result, or the first of several (an
  /// LSTM's output, an attention's context). It watches and replaces nothing; what it throws comes out of the call. An empty f ends it; a
  /// second one takes the first one's place, and layers that are added later are not watched. Fused paths that use a layer's parameters
  /// without calling it pass by its hook. Not to be set while another thread calls the module.
  /// @param f called with a layer's path and its output
  void on_output(const OutputHook& f);

  /// Copies values into parameters and buffers.
  /// @param values by the names of state_dict()
  /// @param file name of the file, used in error messages
  /// @param loading whether everything has to fit
  /// @return what did not fit
  /// @throws FormatError "load 'file': 'w' is missing; Loading::partial takes what fits" for the first such entry when loading is strict;
  ///   then nothing is copied
  LoadReport load(const std::map<std::string, Tensor>& values, const std::string& file, Loading loading = Loading::strict);

 protected:
  /// Announces a parameter: it will want a gradient.
  /// @param name its key, without dots; the member's name
  /// @param value what it starts from
  /// @return `value`, to be kept as a member
  /// @throws ValueError for a name that is taken, empty, "__metadata__" or has a dot
  Tensor param(std::string name, const Tensor& value);
  /// Announces a buffer.
  /// @param name its key, without dots; the member's name
  /// @param value what it starts from
  /// @return `value`, to be kept as a member
  Tensor buffer(std::string name, const Tensor& value);
  /// Announces a sublayer; one whose name was that of a child that is gone takes its place.
  /// @param name stands in front of its parameters' names
  /// @param module a member of this module, or what a member holds. One that dies is no child any more.
  /// @throws ValueError for a name as in param(), a module that contains this one, and one that cannot be walked (above)
  void child(std::string name, Module& module);
  /// Takes a child back: before a member is given up for good, or after.
  /// @param name as it was announced
  /// @throws ValueError for a name that no child has
  void remove_child(const std::string& name);
  /// A layer's call operator returns announce(its result), so that the output hook sees it: one branch when there is none.
  /// @param output the result
  /// @return the same
  Tensor announce(Tensor output) const {
    if (output_hook_) [[unlikely]]
      (*output_hook_->f)(output_hook_->path, output);
    return output;
  }

 private:
  friend class Scope;
  void check_complete() const;
  void disown();
  void collect_modules(const std::string& path, std::vector<std::pair<std::string, const Module*>>& into) const;
  void collect(const std::string& prefix, NamedTensors Module::*which, NamedTensors& into) const;
  NamedTensors parameters_, buffers_;
  std::vector<std::pair<std::string, Module*>> children_;  // null: gone, and none in its place
  std::vector<Module*> parents_;                           // who announced this one
  const Scope* scope_;                                     // of the constructor, while it runs
  const std::type_info* made_as_ = nullptr;                // the class when its Scope ended
  Module* maker_ = nullptr;                                // in whose constructor this one was made, until somebody announces it
  std::vector<Module*> unannounced_;                       // the other end of maker_
  void place(const std::string& path, const std::shared_ptr<const OutputHook>& f);
  bool training_ = true;
  std::unique_ptr<const PlacedHook> output_hook_;
};

}  // namespace heed::nn
