// Containers of layers: Sequential runs its layers one after the other, ModuleList gives access by index.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "nn/module.h"

namespace heed::nn {

namespace detail {
template <class Layer>
Layer& layer_at(const char* container, const std::vector<std::unique_ptr<Layer>>& layers, size_t i) {
  if (i >= layers.size())
    throw IndexError(container, "layer " + std::to_string(i) + " of " + std::to_string(layers.size()));
  return *layers[i];
}
}  // namespace detail

/// Runs layers one after the other. Parameters are named by the index of their layer: "0.weight".
///   Sequential net;
///   net.emplace<Linear>(2, 8).emplace<Tanh>().emplace<Linear>(8, 2);
class Sequential : public Module {
 public:
  explicit Sequential(const Scope& scope = {}) : Module(scope) {}
  /// Constructs a layer at the end. A layer takes one tensor and returns one.
  /// @tparam Layer a Module with Tensor operator()(const Tensor&) const
  /// @param arguments arguments of the layer's constructor
  /// @return this container, so that calls can be chained
  template <class Layer, class... Arguments>
  Sequential& emplace(Arguments&&... arguments) {
    auto layer = std::make_unique<Layer>(std::forward<Arguments>(arguments)...);
    child(std::to_string(layers_.size()), *layer);
    calls_.push_back([&made = *layer](const Tensor& x) { return made(x); });
    layers_.push_back(std::move(layer));
    return *this;
  }
  /// Runs the layers in order.
  /// @param x input of the first layer
  /// @return output of the last layer
  Tensor operator()(Tensor x) const {
    for (const auto& call : calls_) x = call(x);
    return announce(std::move(x));
  }
  /// @return the number of layers
  size_t size() const { return layers_.size(); }
  /// @{
  /// Returns a layer by its index.
  /// @param i 0 .. size() - 1
  /// @return the layer
  /// @throws IndexError for i >= size()
  const Module& operator[](size_t i) const { return detail::layer_at("Sequential", layers_, i); }
  Module& operator[](size_t i) { return detail::layer_at("Sequential", layers_, i); }
  /// @}

 private:
  std::vector<std::unique_ptr<Module>> layers_;
  std::vector<std::function<Tensor(const Tensor&)>> calls_;
};

/// A list of layers of one type, for a model that calls them itself; parameters are named as in Sequential.
template <class Layer>
class ModuleList : public Module {
 public:
  explicit ModuleList(const Scope& scope = {}) : Module(scope) {}
  /// Constructs a layer at the end.
  /// @param arguments arguments of the layer's constructor
  /// @return the new layer
  template <class... Arguments>
  Layer& emplace(Arguments&&... arguments) {
    layers_.push_back(std::make_unique<Layer>(std::forward<Arguments>(arguments)...));
    child(std::to_string(layers_.size() - 1), *layers_.back());
    return *layers_.back();
  }
  /// @return the number of layers
  size_t size() const { return layers_.size(); }
  /// @{
  /// Returns a layer by its index.
  /// @param i 0 .. size() - 1
  /// @return the layer
  /// @throws IndexError for i >= size()
  const Layer& operator[](size_t i) const { return detail::layer_at("ModuleList", layers_, i); }
  Layer& operator[](size_t i) { return detail::layer_at("ModuleList", layers_, i); }
  /// @}

 private:
  std::vector<std::unique_ptr<Layer>> layers_;
};

}  // namespace heed::nn
