// Initial values of parameters, drawn from default_generator().
#pragma once

#include "framework/core/tensor.h"

namespace heed::nn::init {

/// U(-a, a), a = sqrt(6 / (fan_in + fan_out)), for a weight [fan_out, fan_in] (Glorot & Bengio 2010, eq. 16).
Tensor xavier_uniform(const Shape& shape);
/// U(-a, a), a = sqrt(6 / fan_in), for a weight [out, in, ...] whose fan_in is the product of all but the first extent: keeps the variance
/// through layers with relu (He et al. 2015, eq. 10).
Tensor he_uniform(const Shape& shape);
/// U(-a, a).
Tensor uniform(const Shape& shape, double a);
/// N(0, std^2).
Tensor normal(const Shape& shape, double std);
/// A [4H] bias of zeros whose forget quarter is 1, so that a new LSTM remembers (Jozefowicz et al. 2015, sec. 2.2).
Tensor lstm_bias(int64_t hidden);

}  // namespace heed::nn::init
