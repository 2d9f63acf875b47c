// A module's parameters as inputs: what a gradcheck in f64 of a whole module needs.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "nn/module.h"

namespace heed {

/// Gives the module's parameters, in the order of named_parameters(), the values (and the autograd record) of
/// `values`. A parameter is a handle that the module's list and a member share, so the body behind it is what
/// changes; dtype and all.
inline void substitute_parameters(const nn::Module& module, std::vector<Tensor> values) {
  const NamedTensors named = module.named_parameters();
  ASSERT_EQ(named.size(), values.size());
  static std::vector<IntrusivePtr<Storage>> blocks;  // that bodies lie in
  for (size_t i = 0; i < named.size(); ++i) {
    ASSERT_EQ(named[i].second.shape(), values[i].shape()) << named[i].first;
    const Tensor value = values[i] * 1.0;  // an op's result, so that gradients go on to values[i]
    TensorBody &body = *named[i].second.body(), &from = *value.body();
    body.dtype = from.dtype;
    body.wants_grad = false;
    body.grad_output = from.grad_output;
    body.offset = from.offset;
    body.strides = from.strides;
    if (body.in_block) blocks.push_back(body.storage);
    body.storage = from.storage;
    body.grad_node = from.grad_node;
    body.grad = Tensor{};
  }
}

/// Random f64 values for all parameters, which are put in place; also by name.
inline std::vector<Tensor> randomise_parameters(const nn::Module& module, double scale = 1.0) {
  std::vector<Tensor> values;
  for (const auto& [name, p] : module.named_parameters())
    values.push_back(randn(p.shape(), DType::f64) * scale);
  substitute_parameters(module, values);
  for (Tensor& value : values) value = value.detach();
  return values;
}

inline std::map<std::string, Tensor> parameters_by_name(const nn::Module& module) {
  std::map<std::string, Tensor> by_name;
  for (const auto& [name, p] : module.named_parameters()) by_name.emplace(name, p.detach());
  return by_name;
}

}  // namespace heed
