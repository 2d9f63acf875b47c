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

  /// Own parameters first, then the children's, in the order of announcement, with dotted names.
  NamedTensors named_parameters() const;
  std::vector<Tensor> parameters() const;
  int64_t parameter_count() const;

  /// Whether dropout acts; set for all children. True at first.
  void train(bool on = true);
  bool training() const { return training_; }

  /// Copies values into the parameters. Throws FormatError naming `file`, the key and both dtypes and shapes for a missing, unexpected or
  /// mismatched entry; then nothing is copied.
  void load(const std::map<std::string, Tensor>& values, const std::string& file);

 protected:
  /// Announces a parameter: it will want a gradient.
  Tensor param(std::string name, const Tensor& value);
  void child(std::string name, Module& module);

 private:
  void collect(const std::string& prefix, NamedTensors& into) const;
  std::vector<std::pair<std::string, Tensor>> parameters_;
  std::vector<std::pair<std::string, Module*>> children_;
  bool training_ = true;
};

}  // namespace heed::nn
