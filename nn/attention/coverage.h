// Coverage, and the two forms of energy that may have it: v . tanh(query + key), which additive and concat share, and query . key, which
// dot, general and scaled_dot share.
#pragma once

#include "nn/attention/attention.h"

namespace heed::nn {

/// Answers projected queries: softmax over s < length of v . tanh(query_t + projected_s + w_c c_ts), and the weighted sum of the keys.
/// c_t is the coverage: the sum of the weights given before query t (See, Liu & Manning 2017, sec. 2.3, eq. 10 and 11).
/// Without coverage all queries are answered at once, else one after the other.
/// @param query [B, T, A], projected
/// @param memory projected [B, S, A], keys [B, S, E], lengths [B]
/// @param energy v [A]
/// @param coverage_weight w_c [A], or undefined
/// @param state coverage [B, S] so far
/// @return context [B, T, E], weights [B, T, S], state.coverage [B, S]
Attention::Output attend_with_tanh_energy(const Tensor& query, const Attention::Memory& memory, const Tensor& energy,
                                          const Tensor& coverage_weight, const Attention::State& state);

/// Answers projected queries: softmax over s < length of query_t . projected_s + w_c c_ts, and the weighted sum of memory.values, or of the
/// keys where there are none. Coverage c_t as above; a dot product has no tanh to put it in, so it is a term of the energy itself.
/// @param query [B, T, A], projected
/// @param memory projected [B, S, A], keys [B, S, E], lengths [B]
/// @param coverage_weight w_c [1], or undefined
/// @param state coverage [B, S] so far
/// @return context [B, T, E], weights [B, T, S], state.coverage [B, S]
Attention::Output attend_with_dot_energy(const Tensor& query, const Attention::Memory& memory, const Tensor& coverage_weight,
                                         const Attention::State& state);

/// sum_s min(a_ts, c_ts) for each query (See, Liu & Manning 2017, sec. 2.3, eq. 12): what a training loss adds, times a factor, so that
/// attention does not return to where it was.
/// @param weights a [B, T, S]
/// @param before [B, S], the coverage before the first query; undefined: zeros
/// @return [B, T]
/// @throws ShapeError
Tensor coverage_loss(const Tensor& weights, const Tensor& before = {});

}  // namespace heed::nn
