// LSTM over whole sequences: several layers, one or both directions, lengths instead of padding; and one step of it.
#pragma once

#include <memory>

#include "nn/layers.h"

namespace heed::nn {

/// One layer in one direction; equations in framework/ops/ops.h (lstm).
class LSTMLayer : public Module {
 public:
  LSTMLayer(int64_t in, int64_t hidden);
  /// x [B, T, in], lengths i64 [B] or undefined, h0 and c0 [B, hidden] or undefined.
  LstmResult operator()(const Tensor& x, const Tensor& lengths, const Tensor& h0 = {}, const Tensor& c0 = {}, bool reverse = false) const;
  Tensor weight_ih;  // [4 hidden, in], gates i, f, g, o
  Tensor weight_hh;  // [4 hidden, hidden]
  Tensor bias;       // [4 hidden]; PyTorch's bias_ih + bias_hh
};

/// One step: the equations of lstm (framework/ops/ops.h) for graphs that differ from sample to sample. Gradients of any order.
class LSTMCell : public Module {
 public:
  LSTMCell(int64_t in, int64_t hidden);
  struct State {
    Tensor hidden, cell;  // [B, hidden]
  };
  /// x [B, in], a state or none (zeros) -> the next state. Throws ShapeError.
  State operator()(const Tensor& x, const State& state = {}) const;
  Tensor weight_ih, weight_hh, bias;  // as LSTMLayer's
};

struct LSTMOptions {
  int64_t layers = 1;
  bool bidirectional = false;
  double dropout = 0;     // between layers
  bool residual = false;  // from the second layer on, a layer's input is added to its output (Wu et al. 2016, sec. 3.1, eq. 6)
};

/// Stacked LSTM (Graves et al. 2013).  x [B, T, in] -> output [B, T, D hidden] of the last layer, hidden and cell [B, D hidden] of the
/// last layer at each sequence's end (both directions side by side), D = 2 when bidirectional, else 1.
/// Throws ValueError for sizes below 1.
class LSTM : public Module {
 public:
  LSTM(int64_t in, int64_t hidden, LSTMOptions options = {});
  LstmResult operator()(const Tensor& x, const Tensor& lengths) const;

 private:
  LstmResult both_directions(int64_t layer, const Tensor& input, const Tensor& lengths) const;
  LSTMOptions options_;
  Dropout dropout_;
  std::vector<std::unique_ptr<LSTMLayer>> layers_;  // layer 0 forward, layer 0 backward, layer 1 forward, ...
};

}  // namespace heed::nn
