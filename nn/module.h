// Module: parameters and children with names. A member's name is its key in a checkpoint: encoder.cell.weight_ih.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "framework/framework.h"

namespace heed::nn {

/// Base of every layer. A layer holds its parameters as plain Tensor members made by param(), its sublayers as members announced with
/// child(); it keeps no state between calls. Not copyable: a parent points at its children.
class Module {
 public:
  Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  virtual ~Module() = default;

  /// Own parameters first, then the children's, in the order of announcement.
  /// @return dotted names and the parameters themselves
  NamedTensors named_parameters() const;
  /// @return the same without names
  std::vector<Tensor> parameters() const;
  /// @return the number of elements of all parameters
  int64_t parameter_count() const;

  /// Whether dropout acts; set for all children.
  /// @param on false for evaluation; a new module trains
  void train(bool on = true);
  /// @return what train() set
  bool training() const { return training_; }

  /// Copies values into the parameters.
  /// @param values by the names of named_parameters()
  /// @param file stands in messages
  /// @throws FormatError naming `file`, the key and both dtypes and shapes for a missing, unexpected or mismatched entry; then nothing is
  ///   copied
  void load(const std::map<std::string, Tensor>& values, const std::string& file);

 protected:
  /// Announces a parameter: it will want a gradient.
  /// @param name its key, without dots; the member's name
  /// @param value what it starts from
  /// @return `value`, to be kept as a member
  Tensor param(std::string name, const Tensor& value);
  /// Announces a sublayer.
  /// @param name stands in front of its parameters' names
  /// @param module a member of this module, or as long-lived
  void child(std::string name, Module& module);

 private:
  void collect(const std::string& prefix, NamedTensors& into) const;
  std::vector<std::pair<std::string, Tensor>> parameters_;
  std::vector<std::pair<std::string, Module*>> children_;
  bool training_ = true;
};

}  // namespace heed::nn
