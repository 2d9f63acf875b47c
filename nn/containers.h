// Containers of layers: Sequential runs its layers one after the other, ModuleList gives access by index.
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "framework/autograd/checkpoint.h"
#include "nn/module.h"

namespace heed::nn {

class Sequential;

namespace detail {
template <class Layer>
Layer& layer_at(const char* container, const std::vector<std::shared_ptr<Layer>>& layers, size_t i) {
  if (i >= layers.size())
    throw IndexError(container, "layer " + std::to_string(i) + " of " + std::to_string(layers.size()));
  return *layers[i];
}

// What can be a part of a Sequential beside a layer that it constructs itself.
template <class F>
concept CalledWithTensor = requires(const F& f, const Tensor& x) {
  { f(x) } -> std::convertible_to<Tensor>;
};
template <class L>
concept MovedLayer = std::is_base_of_v<Module, L> && !std::is_const_v<L> && CalledWithTensor<L>;
template <class F>
concept TensorFunction = !std::is_base_of_v<Module, std::remove_cvref_t<F>> && CalledWithTensor<F>;
template <class T>
concept Stage = MovedLayer<T> || TensorFunction<T>;
template <class T>
constexpr void require_stage() {
  static_assert(
      Stage<T>,
      "heed: a part of a Sequential is a layer, nn::Linear(8, 2), moved if it has a name, std::move(layer), "
      "or a function of a tensor");
}
template <class T>
concept NoStage = !Stage<T> && !std::is_convertible_v<T, const Scope&> &&
                  !std::is_base_of_v<Sequential, std::remove_cvref_t<T>>;
template <class... T>  // not one Sequential alone, or what derives from it, which is moved
concept Layers = sizeof...(T) > 0 && (Stage<T> && ...) &&
                 (sizeof...(T) > 1 || !(std::is_base_of_v<Sequential, std::remove_cvref_t<T>> && ...));
}  // namespace detail

/// A function as a layer, without parameters: a lambda among the layers of a Sequential.
class Function : public Module {
 public:
  /// @param f called with the input
  /// @throws ValueError for an empty function
  explicit Function(std::function<Tensor(const Tensor&)> f, const Scope& scope = {})
      : Module(scope), f_(std::move(f)) {
    if (!f_) throw ValueError("Function", "there is no function");
  }
  /// @param x input of the function
  /// @return its result
  Tensor operator()(const Tensor& x) const { return announce(f_(x)); }

 private:
  std::function<Tensor(const Tensor&)> f_;
};

/// Runs layers one after the other. Parameters are named by the index of their layer: "0.weight".
///   Sequential net{Conv2d(1, 8, 3, {.padding = 1}), ReLU()};
///   net.emplace<Dropout>(0.1).emplace([](const Tensor& x) { return x * 2.0; });
/// A subclass hands its Scope on and adds its layers: Sequential(scope), then emplace().
class Sequential : public Module {
 public:
  explicit Sequential(const Scope& scope = {}) : Module(scope) {}
  /// In braces the layers are constructed from left to right, and so draw their initial values; in
  /// parentheses the compiler chooses the order.
  /// @param stages the layers in order: modules, which are moved into the container, and functions, as
  ///   emplace() takes them
  template <class... Stages>
  requires detail::Layers<Stages...>
  explicit Sequential(Stages&&... stages) : Sequential(Scope()) {
    std::vector<Module*> modules;
    const auto note = [&](auto& stage) {
      if constexpr (std::is_base_of_v<Module, std::remove_cvref_t<decltype(stage)>>)
        modules.push_back(&stage);
    };
    (note(stages), ...);
    made_beside(modules);
    (emplace(std::forward<Stages>(stages)), ...);
  }
  /// @cond
  template <class... T>
  requires(detail::NoStage<T> || ...) explicit Sequential(T&&...) : Sequential(Scope()) {
    (detail::require_stage<T>(), ...);
  }
  /// @endcond
  /// Constructs a layer at the end. A layer takes one tensor and returns one.
  /// @tparam Layer a Module with Tensor operator()(const Tensor&) const
  /// @param arguments arguments of the layer's constructor
  /// @return this container, so that calls can be chained
  template <class Layer, class... Arguments>
  Sequential& emplace(Arguments&&... arguments) {
    auto layer = std::make_shared<Layer>(std::forward<Arguments>(arguments)...);
    child(std::to_string(layers_.size()), *layer);
    calls_.push_back([layer](const Tensor& x) { return (*layer)(x); });  // a checkpoint may outlive this
    layers_.push_back(std::move(layer));
    return *this;
  }
  /// The same for a layer with options in braces behind one argument: emplace<BatchNorm>(8, {.momentum =
  /// 0.2}).
  /// @tparam Layer a Module with a type Options
  /// @param a arguments of the layer's constructor
  /// @param options as in the layer's constructor
  /// @return this container, so that calls can be chained
  template <class Layer, class A>
  Sequential& emplace(A&& a, const typename Layer::Options& options) {
    return emplace<Layer, A, const typename Layer::Options&>(std::forward<A>(a), options);
  }
  /// The same for a layer with options in braces behind two arguments: emplace<GroupNorm>(2, 8, {.eps =
  /// 1e-6}).
  /// @tparam Layer a Module with a type Options
  /// @param a,b arguments of the layer's constructor
  /// @param options as in the layer's constructor
  /// @return this container, so that calls can be chained
  template <class Layer, class A, class B>
  Sequential& emplace(A&& a, B&& b, const typename Layer::Options& options) {
    return emplace<Layer, A, B, const typename Layer::Options&>(std::forward<A>(a), std::forward<B>(b),
                                                                options);
  }
  /// The same for a layer with options in braces behind three arguments: emplace<Conv2d>(1, 8, 3, {.padding =
  /// 1}).
  /// @tparam Layer a Module with a type Options
  /// @param a,b,c arguments of the layer's constructor
  /// @param options as in the layer's constructor
  /// @return this container, so that calls can be chained
  template <class Layer, class A, class B, class C>
  Sequential& emplace(A&& a, B&& b, C&& c, const typename Layer::Options& options) {
    return emplace<Layer, A, B, C, const typename Layer::Options&>(std::forward<A>(a), std::forward<B>(b),
                                                                   std::forward<C>(c), options);
  }
  /// A layer that exists already at the end: emplace(Conv2d(1, 8, 3, {.padding = 1})).
  /// @param layer a temporary, or std::move(variable); it is moved into the container
  /// @return this container, so that calls can be chained
  template <detail::MovedLayer L>
  Sequential& emplace(L&& layer) {
    return emplace<std::remove_cvref_t<L>, L>(std::forward<L>(layer));
  }
  /// A function at the end, as a layer without parameters.
  /// @param f a lambda or other callable that takes a tensor and returns one
  /// @return this container, so that calls can be chained
  template <detail::TensorFunction F>
  Sequential& emplace(F&& f) {
    return emplace<Function>(std::function<Tensor(const Tensor&)>(std::forward<F>(f)));
  }
  /// @cond
  template <class T>
  requires(!detail::MovedLayer<T> && !detail::TensorFunction<T>) Sequential& emplace(T&&) {
    detail::require_stage<T>();
    return *this;
  }
  /// @endcond
  /// Runs the layers in order.
  /// @param x input of the first layer
  /// @return output of the last layer
  Tensor operator()(Tensor x) const {
    return announce(checkpoint_chain(calls_, std::move(x), checkpointing_));
  }
  /// Trades time for memory in training: which layers keep their intermediate results for backward
  /// (checkpoint_chain). The result and the gradients are the same; what a layer does beside them happens
  /// twice, such as the update of batch normalisation's running mean.
  /// @param policy for the calls from here on
  /// @return this container
  Sequential& set_checkpointing(const CheckpointPolicy& policy) {
    checkpointing_ = policy;
    return *this;
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
  std::vector<std::shared_ptr<Module>> layers_;
  std::vector<std::function<Tensor(const Tensor&)>> calls_;
  CheckpointPolicy checkpointing_;
};

/// A list of layers of one type, for a model that calls them itself; parameters are named as in Sequential.
template <class Layer>
class ModuleList : public Module {
 public:
  explicit ModuleList(const Scope& scope = {}) : Module(scope) {}
  /// Constructs a layer at the end.
  /// @param arguments arguments of the layer's constructor, or a layer, which is moved into the list
  /// @return the new layer
  template <class... Arguments>
  Layer& emplace(Arguments&&... arguments) {
    auto layer = std::make_shared<Layer>(std::forward<Arguments>(arguments)...);
    child(std::to_string(layers_.size()), *layer);
    layers_.push_back(std::move(layer));
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
  std::vector<std::shared_ptr<Layer>> layers_;
};

}  // namespace heed::nn
