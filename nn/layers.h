// Linear, Embedding, Dropout, RMSNorm.
#pragma once

#include "nn/init.h"
#include "nn/module.h"

namespace heed::nn {

/// y = x W^T + b;  x [*, in] -> y [*, out].
class Linear : public Module {
 public:
  Linear(int64_t in, int64_t out, bool with_bias = true)
      : weight(param("weight", init::xavier_uniform({out, in}))), bias(with_bias ? param("bias", zeros({out})) : Tensor{}) {}
  Tensor operator()(const Tensor& x) const { return announce(linear(x, weight, bias)); }
  Tensor weight;  // [out, in]
  Tensor bias;    // [out]; undefined when with_bias is false
};

/// Rows of a table times `factor`;  ids i64 [*] -> [*, dim]. Look-ups of padding_id give its row no
/// gradient, and it starts at zero (-1: none).
class Embedding : public Module {
 public:
  explicit Embedding(int64_t count, int64_t dim, int64_t padding = -1, double std = 1.0, double factor = 1.0)
      : weight(param("weight", init::normal({count, dim}, std))), padding_id(padding), factor_(factor) {
    const NoGradGuard no_grad;
    if (padding_id >= 0) select(weight, 0, padding_id).fill_(0);
  }
  /// Rows of a table [count, dim] that is another layer's parameter.
  Embedding(const Tensor& table, int64_t padding, double factor) : weight(table), padding_id(padding), factor_(factor) {}
  Tensor operator()(const Tensor& ids) const {
    const Tensor rows = embedding(weight, ids, padding_id);
    return announce(factor_ == 1 ? rows : rows * factor_);
  }
  Tensor weight;  // [count, dim]
  int64_t padding_id;

 private:
  double factor_;
};

/// x / sqrt(mean x^2 + eps) * gain over the last dimension (Zhang & Sennrich 2019, eq. 4);  x [*, size].
class RMSNorm : public Module {
 public:
  explicit RMSNorm(int64_t size, double eps = 1e-5) : gain(param("gain", ones({size}))), eps_(eps) {}
  Tensor operator()(const Tensor& x) const { return announce(rms_norm(x, gain, eps_)); }
  Tensor gain;  // [size]

 private:
  double eps_;
};

/// Zeroes values with probability p while training (Srivastava et al. 2014).
class Dropout : public Module {
 public:
  explicit Dropout(double probability) : p(probability) {}
  Tensor operator()(const Tensor& x) const { return announce(dropout(x, p, training())); }
  double p;
};

}  // namespace heed::nn
