// What the forms of scaled dot-product attention share: arguments and their checks, which keys a query sees,
// masks.
#pragma once

#include <algorithm>
#include <array>
#include <limits>
#include <utility>
#include <vector>

#include "framework/autograd/engine.h"
#include "framework/core/tensor.h"

namespace heed::detail {

/// Sizes and masks of one call: query [B, T, D], key [B, S, D], value [B, S, E], each of `heads` parts.
struct AttentionForm {
  int64_t heads;
  bool causal;
  std::vector<int64_t> lengths;  // of the keys
  int64_t B, T, S, D, E;
  Shape mask_shape;  // [1 or B, 1 or heads, 1 or T, 1 or S]; that of a scalar without a mask

  int64_t head_size() const { return D / heads; }
  int64_t value_size() const { return E / heads; }
  int64_t length(int64_t b) const { return lengths[static_cast<size_t>(b)]; }
  /// How many keys row t sees. The queries stand at the end of the keys: row t of a causal map sees the keys
  /// 0..S - T + t.
  int64_t seen(int64_t t, int64_t length) const { return causal ? std::min(length, S - T + t + 1) : length; }
  /// Blocks of so many queries of one head that a thread should get at least: their products, and what calls
  /// and rows of softmax take beside them.
  int64_t grain(int64_t rows) const {
    const int64_t each = rows * S * (head_size() + value_size()) + 1000 * rows + 10000;
    return (400000 + each - 1) / each;
  }
  /// The gradients of query, key, value and mask in public ops, which can be differentiated again.
  /// @param dcontext,dweights cotangents; one may be undefined
  /// @param weights [B, heads, T, S]
  void add_recorded_gradients(Grads& grads, const Tensor& dcontext, const Tensor& dweights,
                              const Tensor& query, const Tensor& key, const Tensor& value,
                              const Tensor& weights) const;
};

/// Checks the arguments that scaled_dot_attention (framework/ops/recurrent.h) describes.
/// @return the form, and the mask in four dimensions
std::pair<AttentionForm, Tensor> attention_form(const char* op, const Tensor& query, const Tensor& key,
                                                const Tensor& value, const Tensor& lengths, int64_t heads,
                                                bool causal, const Tensor& mask);

/// [B, N, H d] with dense rows that do not overlap, as a slice of a joint projection has. A product takes the
/// stride between them as its leading dimension, even where there is one row.
inline Tensor dense_rows(const Tensor& x) {
  if (x.strides()[2] == 1 && x.strides()[1] >= x.size(2)) return x;
  const int64_t N = x.size(1), D = x.size(2);
  return make_view(x.contiguous(), x.shape(), {N * D, D, 1}, 0);
}

/// The rows of a mask [1 or B, 1 or heads, 1 or T, 1 or S]; null without one.
template <class M>
struct MaskRows {
  const M* data = nullptr;
  std::array<int64_t, 4> strides{};  // 0 where the mask has one element for all
  explicit MaskRows(const Tensor& mask) {
    if (!mask.defined()) return;
    data = mask.data<M>();
    for (size_t i = 0; i < 4; ++i) strides[i] = mask.shape()[i] == 1 ? 0 : mask.strides()[i];
  }
  const M* row(int64_t b, int64_t h, int64_t t) const {
    return data + b * strides[0] + h * strides[1] + t * strides[2];
  }
};

/// -inf for those of `count` scores, of keys from `first` on, where a row of the mask is false.
template <class T>
void hide(const MaskRows<bool>& mask, const bool* row, int64_t first, int64_t count, T* scores) {
  for (int64_t s = 0; s < count; ++s) {
    if (!row[(first + s) * mask.strides[3]]) scores[s] = -std::numeric_limits<T>::infinity();
  }
}
/// A row of the mask added to scores.
template <class T>
void shift(const MaskRows<T>& mask, const T* row, int64_t first, int64_t count, T* scores) {
  for (int64_t s = 0; s < count; ++s) scores[s] += row[(first + s) * mask.strides[3]];
}

}  // namespace heed::detail
