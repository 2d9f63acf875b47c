// LSTM over whole sequences with several layers, one or both directions and sequences of different lengths;
// and a single LSTM step.
#pragma once

#include "nn/recurrent.h"

namespace heed::nn {

/// The parameters of one LSTM layer in one direction, also used by LSTMCell; the equations are at lstm() in
/// framework/ops/recurrent.h.
class LSTMWeights : public Module {
 public:
  /// @param in,hidden input size and state size, at least 1; the forget gate's bias starts at 1
  /// @throws ValueError for sizes below 1
  LSTMWeights(int64_t in, int64_t hidden, const Scope& scope = {});
  Tensor weight_ih;  // [4 hidden, in], gates in the order i, f, g, o
  Tensor weight_hh;  // [4 hidden, hidden]
  Tensor bias;       // [4 hidden]; the sum of PyTorch's bias_ih and bias_hh

 protected:
  /// Throws unless the input and the states have the right shapes.
  /// @param x the input
  /// @param dims required number of dimensions of x; the last one must have the layer's input size
  /// @param states hidden and cell, either may be undefined
  /// @throws ShapeError, DTypeError
  void check_input(const Tensor& x, int dims, const std::array<Tensor, 2>& states) const;
};

/// One LSTM layer in one direction; the equations are at lstm() in framework/ops/recurrent.h.
class LSTMLayer : public LSTMWeights {
 public:
  using LSTMWeights::LSTMWeights;
  /// Runs the layer over whole sequences.
  /// @param x [B, T, in]
  /// @param lengths i64 [B], each in 0..T; undefined: all T
  /// @param h0,c0 initial states [B, hidden]; undefined: zeros
  /// @param reverse processes each sequence from its last element to its first; outputs stay in the order of
  /// x
  /// @return output [B, T, hidden] (0 after the end of a sequence), hidden and cell [B, hidden] at the end of
  ///   each sequence
  /// @throws ShapeError, IndexError for a length outside 0..T
  LSTMResult operator()(const Tensor& x, const Tensor& lengths, const Tensor& h0 = {}, const Tensor& c0 = {},
                        bool reverse = false) const;
  /// Result of read(), in the form that StackedRecurrent needs.
  struct Reading {
    Tensor output;               // [B, T, hidden]: the hidden state at every step
    std::array<Tensor, 2> ends;  // hidden and cell at the end of each sequence, [B, hidden]
  };
  /// The same as operator(), in the form that StackedRecurrent needs.
  /// @param x,lengths,reverse as in operator()
  /// @param starts the initial states h0 and c0
  /// @return hidden states at every step, and both states at the end of each sequence
  Reading read(const Tensor& x, const Tensor& lengths, const std::array<Tensor, 2>& starts,
               bool reverse) const;
  bool composed = false;  // compute step by step with public ops, for second-order gradients; slower

 private:
  LSTMResult read_composed(const Tensor& x, const Tensor& lengths, const Tensor& h0, const Tensor& c0,
                           bool reverse) const;
};

/// One LSTM step (equations at lstm() in framework/ops/recurrent.h), for models whose computation differs
/// from sample to sample. Gradients of any order.
class LSTMCell : public LSTMWeights {
 public:
  using LSTMWeights::LSTMWeights;
  /// The state that is passed from step to step.
  struct State {
    Tensor hidden, cell;  // [B, hidden]
  };
  /// @param x [B, in]
  /// @param state state after the previous step; undefined members: zeros
  /// @return the next state
  /// @throws ShapeError
  State operator()(const Tensor& x, const State& state = {}) const;
};

using LSTMOptions = RecurrentOptions;  // layers, directions, dropout and residuals of a stacked LSTM

/// An LSTM of several layers in one or both directions (Graves et al. 2013); D = 2 when bidirectional, else
/// 1.
class LSTM : public StackedRecurrent<LSTMLayer> {
 public:
  /// @param in,hidden input size and state size, at least 1
  /// @param options layers, directions, dropout, residuals
  /// @throws ValueError for a size below 1 and a dropout outside [0, 1)
  LSTM(int64_t in, int64_t hidden, LSTMOptions options = {}, const Scope& scope = {});
  /// @param x [B, T, in]
  /// @param lengths i64 [B], each in 0..T; undefined: all T
  /// @return output [B, T, D hidden] of the last layer, hidden and cell [B, D hidden] of the last layer at
  ///   the end of each sequence (the two directions concatenated)
  LSTMResult operator()(const Tensor& x, const Tensor& lengths = {}) const;

  /// The state that is passed from one part of a text to the next, in PyTorch's order: layer 0 forward, layer
  /// 0 backward, layer 1 forward, ...
  struct State {
    Tensor hidden, cell;  // [layers D, B, hidden]; undefined: zeros
  };
  /// Runs the LSTM from a given state, such as h0 and c0 of PyTorch's LSTM.
  ///   LSTMResult first = lstm(x, {}, {}), second = lstm(y, {}, {first.hidden, first.cell});
  /// @param x [B, T, in]
  /// @param lengths i64 [B], each in 0..T; undefined: all T
  /// @param state initial state of every layer and direction
  /// @return output [B, T, D hidden] of the last layer, hidden and cell [layers D, B, hidden] of every layer
  ///   and direction at the end of each sequence
  /// @throws ShapeError for a state of another shape
  LSTMResult operator()(const Tensor& x, const Tensor& lengths, const State& state) const;
};

}  // namespace heed::nn
