// LSTM over whole sequences: several layers, one or both directions, lengths instead of padding; and one step of it.
#pragma once

#include "nn/recurrent.h"

namespace heed::nn {

/// The parameters of one layer in one direction, and of a step; equations in framework/ops/recurrent.h (lstm).
class LSTMWeights : public Module {
 public:
  /// @param in,hidden the sizes, at least 1; the forget gate's bias starts at 1
  /// @throws ValueError for sizes below 1
  LSTMWeights(int64_t in, int64_t hidden, const Scope& scope = {});
  Tensor weight_ih;  // [4 hidden, in], gates i, f, g, o
  Tensor weight_hh;  // [4 hidden, hidden]
  Tensor bias;       // [4 hidden]; PyTorch's bias_ih + bias_hh

 protected:
  /// Refuses an input of other dimensions, and states that do not fit it.
  /// @param x the input
  /// @param dims that it must have; the last is the input's size
  /// @param states hidden and cell, or undefined
  /// @throws ShapeError, DTypeError
  void check_input(const Tensor& x, int dims, const std::array<Tensor, 2>& states) const;
};

/// One layer in one direction; equations in framework/ops/recurrent.h (lstm).
class LSTMLayer : public LSTMWeights {
 public:
  using LSTMWeights::LSTMWeights;
  /// Reads whole sequences.
  /// @param x [B, T, in]
  /// @param lengths i64 [B] (0..T) or undefined (all T)
  /// @param h0,c0 [B, hidden] or undefined (zeros)
  /// @param reverse reads each sequence from its own last element to its first; the output stays in the order of x
  /// @return output [B, T, hidden] (zeros past a length), hidden and cell [B, hidden] at each sequence's end
  /// @throws ShapeError, IndexError for a length outside
  LSTMResult operator()(const Tensor& x, const Tensor& lengths, const Tensor& h0 = {}, const Tensor& c0 = {}, bool reverse = false) const;
  /// What StackedRecurrent takes.
  struct Reading {
    Tensor output;               // [B, T, hidden]
    std::array<Tensor, 2> ends;  // hidden and cell, [B, hidden]
  };
  /// The same with both states in one.
  /// @param x,lengths,reverse as above
  /// @param starts h0 and c0
  /// @return output and both states
  Reading read(const Tensor& x, const Tensor& lengths, const std::array<Tensor, 2>& starts, bool reverse) const;
  bool composed = false;  // step by step from public ops, for gradients of second order; slower

 private:
  LSTMResult read_composed(const Tensor& x, const Tensor& lengths, const Tensor& h0, const Tensor& c0, bool reverse) const;
};

/// One step: the equations of lstm (framework/ops/recurrent.h) for graphs that differ from sample to sample. Gradients of any order.
class LSTMCell : public LSTMWeights {
 public:
  using LSTMWeights::LSTMWeights;
  /// What goes from step to step.
  struct State {
    Tensor hidden, cell;  // [B, hidden]
  };
  /// @param x [B, in]
  /// @param state of the step before; undefined members: zeros
  /// @return the next state
  /// @throws ShapeError
  State operator()(const Tensor& x, const State& state = {}) const;
};

using LSTMOptions = RecurrentOptions;  // the form of a stacked LSTM

/// Stacked LSTM (Graves et al. 2013); D = 2 when bidirectional, else 1.
class LSTM : public StackedRecurrent<LSTMLayer> {
 public:
  /// @param in,hidden the sizes, at least 1
  /// @param options layers, directions, dropout, residuals
  /// @throws ValueError for sizes below 1 and another dropout
  LSTM(int64_t in, int64_t hidden, LSTMOptions options = {}, const Scope& scope = {});
  /// @param x [B, T, in]
  /// @param lengths i64 [B] (0..T) or undefined (all T)
  /// @return output [B, T, D hidden] of the last layer, hidden and cell [B, D hidden] of the last layer at each sequence's end (both
  ///   directions side by side)
  LSTMResult operator()(const Tensor& x, const Tensor& lengths) const;

  /// What goes from one piece of a text to the next, in PyTorch's order: layer 0 forward, layer 0 backward, layer 1 forward, ...
  struct State {
    Tensor hidden, cell;  // [layers D, B, hidden]; undefined: zeros
  };
  /// From a given state on, such as h0 and c0 of PyTorch's LSTM.
  ///   LSTMResult first = lstm(x, {}, {}), second = lstm(y, {}, {first.hidden, first.cell});
  /// @param x [B, T, in]
  /// @param lengths i64 [B] (0..T) or undefined (all T)
  /// @param state that every layer and direction starts from
  /// @return output [B, T, D hidden] of the last layer, hidden and cell [layers D, B, hidden] of every layer and direction at each
  ///   sequence's end
  /// @throws ShapeError for a state that does not fit
  LSTMResult operator()(const Tensor& x, const Tensor& lengths, const State& state) const;
};

}  // namespace heed::nn
