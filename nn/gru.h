// GRU over whole sequences: several layers, one or both directions, lengths instead of padding. The counterpart of rnn.h.
#pragma once

#include "nn/recurrent.h"

namespace heed::nn {

/// What a GRU gives; D = 2 when bidirectional, else 1.
struct GRUResult {
  Tensor output;  // [B, T, D hidden]; zeros past a length
  Tensor hidden;  // [B, D hidden]: the state at each sequence's end; [layers D, B, hidden] where states were given
};

/// The parameters of one layer in one direction, and of a step (Cho et al. 2014, sec. 2.3, eq. 5-8), gates in the order r, z, n:
///   r = sigmoid(W_r x_t + b_r + U_r h_{t-1} + d_r),   z = sigmoid(W_z x_t + b_z + U_z h_{t-1} + d_z)
///   n = tanh(W_n x_t + b_n + r (U_n h_{t-1} + d_n)),  h_t = (1 - z) n + z h_{t-1}
/// The reset gate acts after the product with U_n, as in PyTorch and cuDNN; the paper's eq. 8 has U (r h_{t-1}), before it. This is why
/// there are two biases: d_n stands inside the reset gate's reach, b_n outside.
class GRUWeights : public Module {
 public:
  /// @param in,hidden the sizes, at least 1
  /// @throws ValueError for sizes below 1
  GRUWeights(int64_t in, int64_t hidden, const Scope& scope = {});
  Tensor weight_ih;  // W_r, W_z, W_n; [3 hidden, in]
  Tensor weight_hh;  // U_r, U_z, U_n; [3 hidden, hidden]
  Tensor bias_ih;    // b; [3 hidden]
  Tensor bias_hh;    // d; [3 hidden]
};

/// One layer in one direction, by the equations of GRUWeights.
class GRULayer : public GRUWeights {
 public:
  using GRUWeights::GRUWeights;
  /// Reads whole sequences.
  /// @param x [B, T, in]
  /// @param lengths i64 [B] (0..T) or undefined (all T)
  /// @param h0 [B, hidden] or undefined (zeros)
  /// @param reverse reads each sequence from its own last element to its first; the output stays in the order of x
  /// @return output [B, T, hidden] (zeros past a length), hidden [B, hidden] at each sequence's end
  /// @throws ShapeError, IndexError for a length outside
  GRUResult operator()(const Tensor& x, const Tensor& lengths, const Tensor& h0 = {}, bool reverse = false) const;
  /// What StackedRecurrent takes.
  struct Reading {
    Tensor output;               // [B, T, hidden]
    std::array<Tensor, 1> ends;  // [B, hidden]
  };
  /// The same for StackedRecurrent.
  /// @param x,lengths,reverse as above
  /// @param starts h0
  /// @return output and state
  Reading read(const Tensor& x, const Tensor& lengths, const std::array<Tensor, 1>& starts, bool reverse) const;
};

/// One step of a GRULayer, for graphs that differ from sample to sample.
class GRUCell : public GRUWeights {
 public:
  using GRUWeights::GRUWeights;
  /// @param x [B, in]
  /// @param h [B, hidden] or undefined (zeros)
  /// @return the next h
  /// @throws ShapeError
  Tensor operator()(const Tensor& x, const Tensor& h = {}) const;
};

using GRUOptions = RecurrentOptions;  // the form of a stacked GRU

/// Stacked GRU.
class GRU : public StackedRecurrent<GRULayer> {
 public:
  /// @param in,hidden the sizes, at least 1
  /// @param options layers, directions, dropout, residuals
  /// @throws ValueError for sizes below 1 and another dropout
  GRU(int64_t in, int64_t hidden, GRUOptions options = {}, const Scope& scope = {});
  /// @param x [B, T, in]
  /// @param lengths i64 [B] (0..T) or undefined (all T)
  /// @return output [B, T, D hidden] of the last layer, hidden [B, D hidden] of the last layer at each sequence's end (both directions side
  ///   by side)
  GRUResult operator()(const Tensor& x, const Tensor& lengths) const;

  /// From a given state on, such as h0 of PyTorch's GRU.
  ///   GRUResult first = gru(x, {}, {}), second = gru(y, {}, first.hidden);
  /// @param x [B, T, in]
  /// @param lengths i64 [B] (0..T) or undefined (all T)
  /// @param state [layers D, B, hidden] in PyTorch's order (layer 0 forward, layer 0 backward, layer 1 forward, ...), or undefined (zeros)
  /// @return output [B, T, D hidden] of the last layer, hidden [layers D, B, hidden] of every layer and direction at each sequence's end
  /// @throws ShapeError for a state that does not fit
  GRUResult operator()(const Tensor& x, const Tensor& lengths, const Tensor& state) const;
};

}  // namespace heed::nn
