// Shared code of LSTM and GRU: stacked layers in one or both directions, with initial and final states.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "framework/core/check.h"
#include "nn/layers.h"

namespace heed::nn {

/// Options of a stacked LSTM or GRU.
struct RecurrentOptions {
  int64_t layers = 1;          // number of stacked layers, at least 1
  bool bidirectional = false;  // whether every layer reads in both directions
  double dropout = 0;          // probability of dropout between layers, in [0, 1)
  /// From the second layer on, a layer's input is added to its output (Wu et al. 2016, sec. 3.1, eq. 6).
  bool residual = false;
  /// LSTM: compute step by step with public ops, for second-order gradients; slower. A GRU always does.
  bool composed = false;
};

namespace detail {

/// @param x [B, T, *]
/// @param lengths lengths of the B sequences, 0..T, or none: all are T long
/// @return x with zeros past the ends, whatever stands there: a gradient of 0 times NaN would be NaN
inline Tensor without_padding(const Tensor& x, const std::vector<int64_t>& lengths) {
  const int64_t B = x.size(0), T = x.size(1);
  if (std::ranges::all_of(lengths, [T](int64_t length) { return length == T; })) return x;
  std::vector<bool> within;
  for (const int64_t length : lengths) {
    for (int64_t t = 0; t < T; ++t) within.push_back(t < length);
  }
  return where(from_vector(within, {B, T, 1}), x, zeros({}, x.dtype()));
}

/// Runs a recurrent layer step by step with public ops.
/// @tparam N number of state tensors: 1 for GRU, 2 for LSTM
/// @param from_input [B, T, *]: the input's contribution to the gates, for all steps at once
/// @param lengths lengths of the B sequences, 0..T
/// @param states initial states, [B, H] each
/// @param reverse reads each sequence from its own last element to its first
/// @param step function (from_input of one step [B, *], states) -> the next states
/// @return the first state at every step [B, T, H], 0 after the end of a sequence, and all states at the end
///   of each sequence
template <size_t N, class Step>
std::pair<Tensor, std::array<Tensor, N>> read_steps(const Tensor& from_input,
                                                    const std::vector<int64_t>& lengths,
                                                    std::array<Tensor, N> states, bool reverse,
                                                    const Step& step) {
  const int64_t B = from_input.size(0), T = from_input.size(1);
  const int64_t shortest = lengths.empty() ? T : *std::min_element(lengths.begin(), lengths.end());
  const auto runs_at = [&](int64_t t) {  // [B, 1]: whether step t lies before the sequence's end
    std::vector<bool> mask;
    for (const int64_t length : lengths) mask.push_back(t < length);
    return from_vector(mask, {B, 1});
  };
  std::vector<Tensor> outputs(static_cast<size_t>(T));
  for (int64_t i = 0; i < T; ++i) {
    const int64_t t = reverse ? T - 1 - i : i;
    std::array<Tensor, N> next = step(select(from_input, 1, t), states);
    if (t < shortest) {
      outputs[static_cast<size_t>(t)] = next[0];
      states = std::move(next);
      continue;
    }
    const Tensor runs = runs_at(t);  // selected, not multiplied by a mask: values past the end may be NaN
    outputs[static_cast<size_t>(t)] = where(runs, next[0], zeros({}, from_input.dtype()));
    // A sequence that has ended keeps its state.
    for (size_t kind = 0; kind < N; ++kind) states[kind] = where(runs, next[kind], states[kind]);
  }
  return {outputs.empty() ? zeros({B, 0, states[0].size(1)}, from_input.dtype()) : stack(outputs, 1), states};
}

}  // namespace detail

/// A stack of recurrent layers of one type, in one or two directions; D = 2 when bidirectional, else 1.
/// @tparam Layer processes a sequence in one direction: layer.read(x, lengths, starts, reverse) returns a
///   Layer::Reading {output, ends}, where `ends` is an array of the state tensors
template <class Layer>
class StackedRecurrent : public Module {
 protected:
  using Reading = typename Layer::Reading;  // result of one layer
  using States = decltype(Reading::ends);   // the states of one layer in one direction, [B, hidden] each
  /// Number of state tensors: hidden, and for LSTM cell.
  static constexpr size_t kKinds = std::tuple_size_v<States>;
  /// Result of all layers.
  struct Stack {
    Tensor output;  // [B, T, D hidden]: output of the last layer
    /// Final states by layer and direction: layer 0 forward, layer 0 backward, layer 1 forward, ...
    std::vector<States> ends;
  };

  /// @param kind name of the layer, used in error messages
  /// @param in,hidden input size and state size, at least 1
  /// @param options number of layers, directions, dropout, residuals
  /// @throws ValueError for a number outside its range
  StackedRecurrent(const char* kind, int64_t in, int64_t hidden, RecurrentOptions options, const Scope& scope)
      : Module(scope), kind_(kind), hidden_(hidden), options_(options), dropout_(options.dropout) {
    check_at_least(kind, "in", in, 1);
    check_at_least(kind, "hidden", hidden, 1);
    check_at_least(kind, "layers", options.layers, 1);
    child("dropout", dropout_);
    for (int64_t layer = 0; layer < options.layers; ++layer) {
      for (int64_t direction = 0; direction < directions(); ++direction) {
        layers_.push_back(std::make_unique<Layer>(layer == 0 ? in : directions() * hidden, hidden));
        if constexpr (requires(Layer & made) { made.composed = true; })
          layers_.back()->composed = options.composed;
        child("layer" + std::to_string(layer) + (direction == 0 ? "" : "_reverse"), *layers_.back());
      }
    }
  }

  /// Runs all layers over sequences.
  /// @param x [B, T, in]
  /// @param lengths i64 [B]; undefined: all T
  /// @param starts initial values of each state, [layers D, B, hidden]; undefined: zeros
  /// @return the last layer's output, and the states of every layer at the end of each sequence
  /// @throws ShapeError for initial states of another shape
  Stack run(const Tensor& x, const Tensor& lengths, const std::array<Tensor, kKinds>& starts) const {
    const auto count = static_cast<int64_t>(layers_.size());
    if (layers_.empty()) throw ValueError(kind_, "has no layers: it was moved");
    for (const Tensor& start : starts) {
      if (start.defined() && (x.ndim() < 1 || start.shape() != Shape{count, x.size(0), hidden_})) {
        throw ShapeError(kind_, "initial state " + start.shape().str() + " for input " + x.shape().str() +
                                    ", " + std::to_string(count) + " layers and directions and hidden size " +
                                    std::to_string(hidden_));
      }
    }
    Stack stack{x, {}};
    for (int64_t layer = 0; layer < options_.layers; ++layer) {
      const Tensor before = stack.output, input = layer == 0 ? x : dropout_(before);
      std::array<Tensor, 2> outputs;
      for (int64_t direction = 0; direction < directions(); ++direction) {
        const int64_t i = layer * directions() + direction;
        States first;
        for (size_t kind = 0; kind < kKinds; ++kind)
          first[kind] = starts[kind].defined() ? select(starts[kind], 0, i) : Tensor{};
        Reading reading =
            layers_[static_cast<size_t>(i)]->read(input, lengths, first, /*reverse=*/direction == 1);
        outputs[static_cast<size_t>(direction)] = std::move(reading.output);
        stack.ends.push_back(std::move(reading.ends));
      }
      stack.output = options_.bidirectional ? concat(outputs, 2) : outputs[0];
      if (options_.residual && layer > 0) stack.output = stack.output + before;
    }
    stack.output = announce(std::move(stack.output));
    return stack;
  }
  /// @param stack result of run()
  /// @param kind index of the state: 0 hidden, 1 cell
  /// @return [B, D hidden]: final state of the last layer, the two directions concatenated
  Tensor last(const Stack& stack, size_t kind) const {
    const States& end = stack.ends.back();
    return options_.bidirectional ? concat({stack.ends[stack.ends.size() - 2][kind], end[kind]}, 1)
                                  : end[kind];
  }
  /// @param stack result of run()
  /// @param kind index of the state: 0 hidden, 1 cell
  /// @return [layers D, B, hidden]: final states of all layers and directions
  Tensor all(const Stack& stack, size_t kind) const {
    std::vector<Tensor> states;
    for (const States& end : stack.ends) states.push_back(end[kind]);
    return heed::stack(states, 0);
  }

 private:
  int64_t directions() const { return options_.bidirectional ? 2 : 1; }
  const char* kind_;
  int64_t hidden_;
  RecurrentOptions options_;
  Dropout dropout_;
  std::vector<std::unique_ptr<Layer>> layers_;
};

}  // namespace heed::nn
