#include "framework/ops/attention.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/sequence.h"

namespace heed::detail {

std::pair<AttentionForm, Tensor> attention_form(const char* op, const Tensor& query, const Tensor& key,
                                                const Tensor& value, const Tensor& lengths, int64_t heads,
                                                bool causal, const Tensor& mask) {
  require_defined(op, query, key, value);
  const auto shapes = [&] {
    return fmt::format("{}, {} and {}", query.shape().str(), key.shape().str(), value.shape().str());
  };
  if (query.dtype() != key.dtype() || query.dtype() != value.dtype()) {
    throw DTypeError(
        op, fmt::format("dtypes differ: {}, {}, {}", query.describe(), key.describe(), value.describe()));
  }
  if (query.ndim() != 3 || key.ndim() != 3 || value.ndim() != 3 || query.size(0) != key.size(0) ||
      key.size(0) != value.size(0) || key.size(1) != value.size(1) || query.size(2) != key.size(2)) {
    throw ShapeError(op, "query, key and value do not fit together: " + shapes());
  }
  if (heads < 1 || query.size(2) % heads != 0 || value.size(2) % heads != 0)
    throw ValueError(op, fmt::format("{} heads do not divide {}", heads, shapes()));
  if (causal && query.size(1) > key.size(1)) {
    throw ShapeError(op, fmt::format("{} causal queries at the end of {} keys", query.size(1), key.size(1)));
  }
  AttentionForm form{heads,         causal,        {}, query.size(0), query.size(1), key.size(1),
                     query.size(2), value.size(2), {}};
  form.lengths = checked_lengths(op, lengths, form.B, form.S);
  if (!mask.defined()) return {std::move(form), {}};
  if (mask.dtype() != DType::boolean && mask.dtype() != query.dtype()) {
    throw DTypeError(op,
                     fmt::format("a mask is bool or {}, got {}", name_of(query.dtype()), mask.describe()));
  }
  Tensor by_head = mask.ndim() == 2   ? unsqueeze(unsqueeze(mask, 0), 0)
                   : mask.ndim() == 3 ? unsqueeze(mask, 1)
                                      : mask;
  const Shape whole{form.B, heads, form.T, form.S};
  bool fits = by_head.ndim() == 4;
  for (int i = 0; fits && i < 4; ++i)
    fits = by_head.size(i) == 1 || by_head.size(i) == whole[static_cast<size_t>(i)];
  if (!fits) {
    throw ShapeError(
        op, fmt::format("mask {} does not fit [{}, {}], [{}, {}, {}] or [{}, {}, {}, {}]", mask.shape().str(),
                        form.T, form.S, form.B, form.T, form.S, form.B, heads, form.T, form.S));
  }
  form.mask_shape = by_head.shape();
  return {std::move(form), std::move(by_head)};
}

void AttentionForm::add_recorded_gradients(Grads& grads, const Tensor& dcontext, const Tensor& dweights,
                                           const Tensor& query, const Tensor& key, const Tensor& value,
                                           const Tensor& weights) const {
  const auto split = [&](const Tensor& x) {  // [B, N, heads d] -> [B, heads, N, d]
    return permute(reshape(x, {B, x.size(1), heads, x.size(2) / heads}), {0, 2, 1, 3});
  };
  const auto join = [&](const Tensor& x) {
    return reshape(permute(x, {0, 2, 1, 3}), {B, x.size(2), heads * x.size(3)});
  };
  // What a query does not see need not be finite, and 0 times NaN is NaN.
  const Tensor zero = zeros({}, key.dtype());
  std::vector<bool> within, seen_at;  // [B, S], [T, S]
  for (int64_t b = 0; b < B; ++b) {
    for (int64_t s = 0; s < S; ++s) within.push_back(s < length(b));
  }
  for (int64_t t = 0; causal && t < T; ++t) {
    for (int64_t s = 0; s < S; ++s) seen_at.push_back(s < seen(t, S));
  }
  const bool cut = std::ranges::any_of(lengths, [this](int64_t n) { return n < S; });
  const auto seen_rows = [&](const Tensor& x) {
    return cut ? where(from_vector(within, {B, S, 1}), x, zero) : x;
  };
  const Tensor q = split(query), k = split(seen_rows(key)), v = split(seen_rows(value));
  Tensor dp = dweights;
  if (dcontext.defined()) {
    const Tensor dc = split(dcontext);
    Tensor through = matmul(dc, transpose(v));
    if (causal) through = where(from_vector(seen_at, {T, S}), through, zero);
    dp = dp.defined() ? dp + through : through;
    grads.add(2, join(matmul(transpose(weights), dc)));
  }
  const Tensor dm = weights * (dp - sum(dp * weights, {-1}, KeepDim::yes)),
               ds = dm / std::sqrt(static_cast<double>(head_size()));
  if (grads.wants(3)) grads.add(3, sum_to(dm, mask_shape));
  // a query that sees a key that is not finite has weights that are not
  grads.add(0, join(matmul(ds, causal ? where(isfinite(k), k, zero) : k)));
  grads.add(1, join(matmul(transpose(ds), q)));
}

}  // namespace heed::detail
