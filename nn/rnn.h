// LSTM over whole sequences: several layers, one or both directions, lengths instead of padding; and one step of it.
#pragma once

#include <memory>

#include "nn/layers.h"

namespace heed::nn {

/// One layer in one direction; equations in framework/ops/recurrent.h (lstm).
class LSTMLayer : public Module {
 public:
  /// @param in,hidden the sizes, at least 1; the forget gate's bias starts at 1
  LSTMLayer(int64_t in, int64_t hidden);
  /// Reads whole sequences.
  /// @param x [B, T, in]
  /// @param lengths i64 [B] (1..T) or undefined (all T)
  /// @param h0,c0 [B, hidden] or undefined (zeros)
  /// @param reverse reads each sequence from its own last element to its first; the output stays in the order of x
  /// @return output [B, T, hidden] (zeros past a length), hidden and cell [B, hidden] at each sequence's end
  /// @throws ShapeError, IndexError for a length outside
  LstmResult operator()(const Tensor& x, const Tensor& lengths, const Tensor& h0 = {}, const Tensor& c0 = {}, bool reverse = false) const;
  Tensor weight_ih;  // [4 hidden, in], gates i, f, g, o
  Tensor weight_hh;  // [4 hidden, hidden]
  Tensor bias;       // [4 hidden]; PyTorch's bias_ih + bias_hh
};

/// One step: the equations of lstm (framework/ops/recurrent.h) for graphs that differ from sample to sample. Gradients of any order.
class LSTMCell : public Module {
 public:
  /// @param in,hidden the sizes, at least 1
  LSTMCell(int64_t in, int64_t hidden);
  /// What goes from step to step.
  struct State {
    Tensor hidden, cell;  // [B, hidden]
  };
  /// @param x [B, in]
  /// @param state of the step before; undefined members: zeros
  /// @return the next state
  /// @throws ShapeError
  State operator()(const Tensor& x, const State& state = {}) const;
  Tensor weight_ih, weight_hh, bias;  // as LSTMLayer's
};

/// The form of a stacked LSTM.
struct LSTMOptions {
  int64_t layers = 1;          // stacked, at least 1
  bool bidirectional = false;  // every layer reads in both directions
  double dropout = 0;          // between layers
  bool residual = false;       // from the second layer on, a layer's input is added to its output (Wu et al. 2016, sec. 3.1, eq. 6)
};

/// Stacked LSTM (Graves et al. 2013); D = 2 when bidirectional, else 1.
class LSTM : public Module {
 public:
  /// @param in,hidden the sizes, at least 1
  /// @param options layers, directions, dropout, residuals
  /// @throws ValueError for sizes below 1
  LSTM(int64_t in, int64_t hidden, LSTMOptions options = {});
  /// @param x [B, T, in]
  /// @param lengths i64 [B] (1..T) or undefined (all T)
  /// @return output [B, T, D hidden] of the last layer, hidden and cell [B, D hidden] of the last layer at each sequence's end (both
  ///   directions side by side)
  LstmResult operator()(const Tensor& x, const Tensor& lengths) const;

 private:
  LstmResult both_directions(int64_t layer, const Tensor& input, const Tensor& lengths) const;
  LSTMOptions options_;
  Dropout dropout_;
  std::vector<std::unique_ptr<LSTMLayer>> layers_;  // layer 0 forward, layer 0 backward, layer 1 forward, ...
};

}  // namespace heed::nn
