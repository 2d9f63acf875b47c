// Initial values of parameters, drawn from default_generator().
#pragma once

#include "framework/core/tensor.h"

namespace heed::nn::init {

/// U(-a, a), a = sqrt(6 / (fan_in + fan_out)) (Glorot & Bengio 2010, eq. 16).
/// @param shape [fan_out, fan_in]
/// @return f32, as all of these
Tensor xavier_uniform(const Shape& shape);
/// U(-a, a), a = sqrt(6 / fan_in): keeps the variance through layers with relu (He et al. 2015, eq. 10).
/// @param shape [out, in, ...]; fan_in is the product of all but the first extent
/// @return f32 of that shape
Tensor he_uniform(const Shape& shape);
/// U(-a, a).
/// @param shape of the parameter
/// @param a half the width, at least 0
/// @return f32 of that shape
Tensor uniform(const Shape& shape, double a);
/// N(0, std^2).
/// @param shape of the parameter
/// @param std standard deviation
/// @return f32 of that shape
Tensor normal(const Shape& shape, double std);
/// Zeros whose forget quarter is 1, so that a new LSTM remembers (Jozefowicz et al. 2015, sec. 2.2).
/// @param hidden H
/// @return f32 [4H]
Tensor lstm_bias(int64_t hidden);

}  // namespace heed::nn::init
