// GRU over whole sequences with several layers, one or both directions and sequences of different lengths.
// The counterpart of rnn.h.
#pragma once

#include "nn/recurrent.h"

namespace heed::nn {

/// Result of a GRU; D = 2 when bidirectional, else 1.
struct GRUResult {
  Tensor output;  // [B, T, D hidden]; 0 after the end of a sequence
  /// [B, D hidden]: state at the end of each sequence; [layers D, B, hidden] from the call that takes a
  /// state.
  Tensor hidden;
};

/// The parameters of one GRU layer in one direction, also used by GRUCell (Cho et al. 2014, sec. 2.3, eq.
/// 5-8); gates are stored in the order r, z, n:
///   r = sigmoid(W_r x_t + b_r + U_r h_{t-1} + d_r),   z = sigmoid(W_z x_t + b_z + U_z h_{t-1} + d_z)
///   n = tanh(W_n x_t + b_n + r (U_n h_{t-1} + d_n)),  h_t = (1 - z) n + z h_{t-1}
/// The reset gate is applied after the product with U_n, as in PyTorch and cuDNN; eq. 8 of the paper has U (r
/// h_{t-1}), where it is applied before. This order is the reason for two biases: d_n is multiplied by the
/// reset gate, b_n is not.
class GRUWeights : public Module {
 public:
  /// @param in,hidden input size and state size, at least 1
  /// @throws ValueError for sizes below 1
  GRUWeights(int64_t in, int64_t hidden, const Scope& scope = {});
  Tensor weight_ih;  // W_r, W_z, W_n; [3 hidden, in]
  Tensor weight_hh;  // U_r, U_z, U_n; [3 hidden, hidden]
  Tensor bias_ih;    // b; [3 hidden]
  Tensor bias_hh;    // d; [3 hidden]
};

/// One GRU layer in one direction; the equations are at GRUWeights.
class GRULayer : public GRUWeights {
 public:
  using GRUWeights::GRUWeights;
  /// Runs the layer over whole sequences.
  /// @param x [B, T, in]
  /// @param lengths i64 [B], each in 0..T; undefined: all T
  /// @param h0 initial state [B, hidden]; undefined: zeros
  /// @param reverse processes each sequence from its last element to its first; outputs stay in the order of
  /// x
  /// @return output [B, T, hidden] (0 after the end of a sequence), hidden [B, hidden] at the end of each
  ///   sequence
  /// @throws ShapeError, IndexError for a length outside 0..T
  GRUResult operator()(const Tensor& x, const Tensor& lengths, const Tensor& h0 = {},
                       bool reverse = false) const;
  /// Result of read(), in the form that StackedRecurrent needs.
  struct Reading {
    Tensor output;               // [B, T, hidden]: the state at every step
    std::array<Tensor, 1> ends;  // [B, hidden]: the state at the end of each sequence
  };
  /// The same as operator(), in the form that StackedRecurrent needs.
  /// @param x,lengths,reverse as in operator()
  /// @param starts the initial state h0
  /// @return states at every step and at the end of each sequence
  Reading read(const Tensor& x, const Tensor& lengths, const std::array<Tensor, 1>& starts,
               bool reverse) const;
};

/// One step of a GRU, for models whose computation differs from sample to sample.
class GRUCell : public GRUWeights {
 public:
  using GRUWeights::GRUWeights;
  /// @param x [B, in]
  /// @param h previous state [B, hidden]; undefined: zeros
  /// @return the next state [B, hidden]
  /// @throws ShapeError
  Tensor operator()(const Tensor& x, const Tensor& h = {}) const;
};

using GRUOptions = RecurrentOptions;  // layers, directions, dropout and residuals of a stacked GRU

/// A GRU of several layers in one or both directions.
class GRU : public StackedRecurrent<GRULayer> {
 public:
  /// @param in,hidden input size and state size, at least 1
  /// @param options layers, directions, dropout, residuals
  /// @throws ValueError for a size below 1 and a dropout outside [0, 1)
  GRU(int64_t in, int64_t hidden, GRUOptions options = {}, const Scope& scope = {});
  /// @param x [B, T, in]
  /// @param lengths i64 [B], each in 0..T; undefined: all T
  /// @return output [B, T, D hidden] of the last layer, hidden [B, D hidden] of the last layer at the end of
  ///   each sequence (the two directions concatenated)
  GRUResult operator()(const Tensor& x, const Tensor& lengths = {}) const;

  /// Runs the GRU from a given state, such as h0 of PyTorch's GRU.
  ///   GRUResult first = gru(x, {}, {}), second = gru(y, {}, first.hidden);
  /// @param x [B, T, in]
  /// @param lengths i64 [B], each in 0..T; undefined: all T
  /// @param state [layers D, B, hidden] in PyTorch's order (layer 0 forward, layer 0 backward, layer 1
  /// forward, ...), or undefined (zeros)
  /// @return output [B, T, D hidden] of the last layer, hidden [layers D, B, hidden] of every layer and
  ///   direction at the end of each sequence
  /// @throws ShapeError for a state of another shape
  GRUResult operator()(const Tensor& x, const Tensor& lengths, const Tensor& state) const;
};

}  // namespace heed::nn
