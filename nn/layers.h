// Linear, Embedding, Dropout, RMSNorm.
#pragma once

#include "nn/init.h"
#include "nn/module.h"

namespace heed::nn {

/// Linear layer: y = x W^T + b;  x [*, in] -> y [*, out].
class Linear : public Module {
 public:
  /// @param in,out input and output size
  /// @param with_bias whether there is a b. It starts at 0, W from init::xavier_uniform
  /// @throws ValueError for sizes below 1
  Linear(int64_t in, int64_t out, bool with_bias = true, const Scope& scope = {})
      : Module(scope),
        weight((check_at_least("Linear", "in", in, 1), check_at_least("Linear", "out", out, 1),
                param("weight", init::xavier_uniform({out, in})))),
        bias(with_bias ? param("bias", zeros({out})) : Tensor{}) {}
  /// @param x [*, in]
  /// @return [*, out]
  /// @throws ShapeError when the last extent is not `in`
  Tensor operator()(const Tensor& x) const { return announce(linear(x, weight, bias)); }
  Tensor weight;  // [out, in]
  Tensor bias;    // [out]; undefined when with_bias is false
};

/// Looks up rows of a table and multiplies them by `factor`;  ids i64 [*] -> [*, dim]. The row of padding_id
/// starts at zero and receives no gradient.
class Embedding : public Module {
 public:
  /// @param count,dim number of rows of the table, and their size
  /// @param padding id of padding; -1: none
  /// @param std standard deviation of the normal distribution that the table is initialised from
  /// @param factor factor for every row that is looked up
  /// @throws ValueError for sizes below 1, a negative std and a factor that is not finite; IndexError for a
  ///   padding id beyond the last row
  explicit Embedding(int64_t count, int64_t dim, int64_t padding = -1, double std = 1.0, double factor = 1.0,
                     const Scope& scope = {})
      : Module(scope),
        weight((check(count, padding, factor), check_at_least("Embedding", "dim", dim, 1),
                check_number("Embedding", "std", std, Allowed::non_negative),
                param("weight", init::normal({count, dim}, std)))),
        padding_id(padding),
        factor_(factor) {
    const NoGradGuard no_grad;
    if (padding_id >= 0) select(weight, 0, padding_id).fill_(0);
  }
  /// An embedding whose table is a parameter of another layer.
  /// @param table [count, dim]
  /// @param padding,factor as in the other constructor
  /// @throws as the other constructor
  Embedding(const Tensor& table, int64_t padding, double factor, const Scope& scope = {})
      : Module(scope), weight(table), padding_id(padding), factor_(factor) {
    check(table.size(0), padding, factor);
  }
  /// @param ids i64 [*]
  /// @return [*, dim]
  /// @throws IndexError for an id outside 0 .. count - 1
  Tensor operator()(const Tensor& ids) const {
    const Tensor rows = embedding(weight, ids, padding_id);
    return announce(factor_ == 1 ? rows : rows * factor_);
  }
  Tensor weight;       // [count, dim]
  int64_t padding_id;  // -1: none

 private:
  static void check(int64_t count, int64_t padding, double factor) {
    check_at_least("Embedding", "count", count, 1);
    check_at_least("Embedding", "padding", padding, -1);
    check_number("Embedding", "factor", factor, Allowed::finite);
    if (padding >= count)
      throw IndexError("Embedding",
                       "padding " + std::to_string(padding) + " is outside 0.." + std::to_string(count - 1));
  }
  double factor_;
};

/// Root mean square normalisation: x / sqrt(mean x^2 + eps) * gain over the last dimension (Zhang & Sennrich
/// 2019, eq. 4);  x [*, size].
class RMSNorm : public Module {
 public:
  /// @param size extent of the last dimension
  /// @param eps added under the square root so that it is not 0
  /// @throws ValueError for a size below 1 and a negative eps
  explicit RMSNorm(int64_t size, double eps = 1e-5, const Scope& scope = {})
      : Module(scope),
        gain((check_at_least("RMSNorm", "size", size, 1),
              check_number("RMSNorm", "eps", eps, Allowed::non_negative), param("gain", ones({size})))),
        eps_(eps) {}
  /// @param x [*, size]
  /// @return a tensor of the same shape
  Tensor operator()(const Tensor& x) const { return announce(rms_norm(x, gain, eps_)); }
  Tensor gain;  // [size]

 private:
  double eps_;
};

/// In training mode, sets each value to 0 with probability p and multiplies the others by 1 / (1 - p)
/// (Srivastava et al. 2014).
class Dropout : public Module {
 public:
  /// @param probability the p above, in [0, 1)
  /// @throws ValueError for a probability outside [0, 1)
  explicit Dropout(double probability, const Scope& scope = {});
  /// @param x [*]
  /// @return a tensor of the same shape; x itself in evaluation mode
  Tensor operator()(const Tensor& x) const {
    return announce(dropout(x, p, training()), training() && p > 0);
  }
  double p;  // probability of a 0; may be changed between calls
};

}  // namespace heed::nn
