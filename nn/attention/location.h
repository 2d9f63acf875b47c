// Location-based attention: weights from the query alone.
#pragma once

#include "nn/attention/attention.h"
#include "nn/layers.h"

namespace heed::nn {

/// Location-based attention (Luong, Pham & Manning 2015, sec. 3.1, eq. 8, "location").
///   a_i = softmax over j < min(length, M) of (W q_i)_j,   c_i = sum_j a_ij h_j
/// keys h [B, S, E], lengths [B], query q [B, T, Q]  ->  context [B, T, E], weights [B, T, S]
/// Weak by construction: the weights do not depend on the keys, so it can only learn where words usually are,
/// and positions of a sentence from M on (the maximum source length) never receive attention. It is included
/// for comparison.
class LocationAttention : public Attention {
 public:
  /// @param query_size Q
  /// @param max_source M
  LocationAttention(int64_t query_size, int64_t max_source, const Scope& scope = {})
      : Attention(scope), position_proj(query_size, max_source, /*with_bias=*/false) {
    child("position_proj", position_proj);
  }
  Memory prepare(const Tensor& keys, const Tensor& lengths) const override { return {keys, {}, lengths}; }
  std::optional<Energy> energy_form() const override {
    return Energy{.query_weight = position_proj.weight, .positions = position_proj.weight.size(0)};
  }

  Linear position_proj;  // W [M, Q]

 protected:
  Output answer(const Tensor& query, const Memory& memory, const State& state) const override;
};

}  // namespace heed::nn
