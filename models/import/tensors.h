// The tensors of an imported file: each must be used exactly once.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "framework/core/error.h"
#include "framework/core/tensor.h"

namespace heed::models {

/// The error of an import.
/// @param file the file that is wrong
/// @param what what is wrong with it
/// @return "import 'FILE': WHAT"
FormatError import_error(const std::string& file, const std::string& what);

/// Tensors by name that are taken one by one, so that none is forgotten and none serves twice.
class ForeignTensors {
 public:
  /// @param file name of the file, for messages
  /// @param tensors f32, by name
  ForeignTensors(std::string file, std::map<std::string, Tensor> tensors)
      : file_(std::move(file)), tensors_(std::move(tensors)) {}
  /// @param name a name
  /// @return whether a tensor of this name is left
  bool has(const std::string& name) const { return tensors_.contains(name); }
  /// Looks at a tensor without taking it.
  /// @param name its name
  /// @return the tensor
  /// @throws FormatError "import 'FILE': the tensor 'NAME' is missing"
  const Tensor& look(const std::string& name) const;
  /// Takes a tensor.
  /// @param name its name
  /// @param shape the shape that it must have
  /// @return the tensor
  /// @throws FormatError naming the tensor when it is missing, was taken before, has another shape, or holds
  ///   NaN or infinity
  Tensor take(const std::string& name, const Shape& shape);
  /// Throws if a tensor was not taken.
  /// @throws FormatError "import 'FILE': the tensor 'NAME' is no part of the model"
  void finish() const;
  /// @return the name of the file
  const std::string& file() const { return file_; }

 private:
  std::string file_;
  std::map<std::string, Tensor> tensors_;
  std::set<std::string> taken_;
};

/// The greatest distance between two tensors of one shape.
/// @param a,b f32
/// @return max |a - b|
double largest_difference(const Tensor& a, const Tensor& b);

}  // namespace heed::models
