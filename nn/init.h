// Initial values of parameters, drawn from default_generator().
#pragma once

#include "framework/core/tensor.h"

namespace heed::nn::init {

/// While one exists in a thread, the functions below draw nothing and return memory that is not initialised:
/// for a module whose parameters are all loaded right after it is made.
class Skip {
 public:
  Skip();
  ~Skip();
  Skip(const Skip&) = delete;
  Skip& operator=(const Skip&) = delete;

 private:
  bool before_;
};

/// Uniform in (-a, a), a = sqrt(6 / (fan_in + fan_out)) (Glorot & Bengio 2010, eq. 16).
/// @param shape [fan_out, fan_in]
/// @return f32 tensor of that shape
Tensor xavier_uniform(const Shape& shape);
/// Uniform in (-a, a), a = sqrt(6 / fan_in): keeps the variance constant through layers with relu (He et al.
/// 2015, eq. 10).
/// @param shape [out, in, ...]; fan_in is the product of all but the first extent
/// @return f32 tensor of that shape
Tensor he_uniform(const Shape& shape);
/// Uniform in (-a, a).
/// @param shape shape of the parameter
/// @param a half the width of the interval, at least 0
/// @return f32 tensor of that shape
Tensor uniform(const Shape& shape, double a);
/// Normal with mean 0 and standard deviation std.
/// @param shape shape of the parameter
/// @param std standard deviation, at least 0
/// @return f32 tensor of that shape
Tensor normal(const Shape& shape, double std);
/// Initial bias of an LSTM: 1 for the forget gate, so that a new LSTM keeps its cell state (Jozefowicz et al.
/// 2015, sec. 2.2), and 0 for the other gates.
/// @param hidden size H of the LSTM's state
/// @return f32 [4H]
Tensor lstm_bias(int64_t hidden);

}  // namespace heed::nn::init
