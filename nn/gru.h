// GRU over whole sequences: several layers, one or both directions, lengths instead of padding. The counterpart of rnn.h.
#pragma once

#include <memory>

#include "nn/layers.h"

namespace heed::nn {

struct GRUResult {
  Tensor output;  // [B, T, D hidden]; zeros past a length
  Tensor hidden;  // [B, D hidden]: the state at each sequence's end
};

/// One layer in one direction (Cho et al. 2014, sec. 2.3, eq. 5-8), gates in the order r, z, n:
///   r = sigmoid(W_r x_t + b_r + U_r h_{t-1} + d_r),   z = sigmoid(W_z x_t + b_z + U_z h_{t-1} + d_z)
///   n = tanh(W_n x_t + b_n + r (U_n h_{t-1} + d_n)),  h_t = (1 - z) n + z h_{t-1}
/// The reset gate acts after the product with U_n, as in PyTorch and cuDNN; the paper's eq. 8 has U (r h_{t-1}), before it. This is why
/// there are two biases: d_n stands inside the reset gate's reach, b_n outside.
class GRULayer : public Module {
 public:
  GRULayer(int64_t in, int64_t hidden);
  /// x [B, T, in], lengths i64 [B] (0..T) or undefined (all T), h0 [B, hidden] or undefined (zeros)  ->  output [B, T, hidden] (zeros past
  /// a length), hidden [B, hidden] at each sequence's end. `reverse` reads each sequence from its own last element to its first; the output
  /// stays in the order of x. Throws ShapeError, IndexError for a length outside.
  GRUResult operator()(const Tensor& x, const Tensor& lengths, const Tensor& h0 = {}, bool reverse = false) const;
  Tensor weight_ih;  // [3 hidden, in]: W_r, W_z, W_n
  Tensor weight_hh;  // [3 hidden, hidden]: U_r, U_z, U_n
  Tensor bias_ih;    // [3 hidden]: b
  Tensor bias_hh;    // [3 hidden]: d
};

/// One step of a GRULayer, for graphs that differ from sample to sample.
class GRUCell : public Module {
 public:
  GRUCell(int64_t in, int64_t hidden);
  /// x [B, in], h [B, hidden] or undefined (zeros) -> the next h. Throws ShapeError.
  Tensor operator()(const Tensor& x, const Tensor& h = {}) const;
  Tensor weight_ih, weight_hh, bias_ih, bias_hh;  // as GRULayer's
};

struct GRUOptions {
  int64_t layers = 1;
  bool bidirectional = false;
  double dropout = 0;     // between layers
  bool residual = false;  // from the second layer on, a layer's input is added to its output (Wu et al. 2016, sec. 3.1, eq. 6)
};

/// Stacked GRU.  x [B, T, in] -> output [B, T, D hidden] of the last layer, hidden [B, D hidden] of the last layer at each sequence's end
/// (both directions side by side), D = 2 when bidirectional, else 1. Throws ValueError for sizes below 1.
class GRU : public Module {
 public:
  GRU(int64_t in, int64_t hidden, GRUOptions options = {});
  GRUResult operator()(const Tensor& x, const Tensor& lengths) const;

 private:
  GRUResult both_directions(int64_t layer, const Tensor& input, const Tensor& lengths) const;
  GRUOptions options_;
  Dropout dropout_;
  std::vector<std::unique_ptr<GRULayer>> layers_;  // layer 0 forward, layer 0 backward, layer 1 forward, ...
};

}  // namespace heed::nn
