// Coverage, and the two forms of energy that support it: v . tanh(query + key) of additive and concat, and
// query . key of dot, general and scaled_dot.
#pragma once

#include "nn/attention/attention.h"

namespace heed::nn {

/// Answers projected queries: softmax over s < length of v . tanh(query_t + projected_s + w_c c_ts), and the
/// weighted sum of the keys. c_t is the coverage: the sum of the weights given before query t (See, Liu &
/// Manning 2017, sec. 2.3, eq. 10 and 11). With coverage the queries are answered one after the other,
/// without it all at once.
/// @param query [B, T, A], already projected
/// @param memory with projected [B, S, A], keys [B, S, E], lengths [B]
/// @param energy v [A]
/// @param coverage_weight w_c [A], or undefined
/// @param state with the coverage [B, S] of earlier queries
/// @return context [B, T, E], weights [B, T, S], state.coverage [B, S]
Attention::Output attend_with_tanh_energy(const Tensor& query, const Attention::Memory& memory,
                                          const Tensor& energy, const Tensor& coverage_weight,
                                          const Attention::State& state);

/// Answers projected queries: softmax over s < length of query_t . projected_s + w_c c_ts, and the weighted
/// sum of memory.values, or of the keys if there are no values. c_t is the coverage as above. A dot product
/// has no tanh, so coverage is a separate term of the energy.
/// @param query [B, T, A], already projected
/// @param memory with projected [B, S, A], keys [B, S, E], lengths [B]
/// @param coverage_weight w_c [1], or undefined
/// @param state with the coverage [B, S] of earlier queries
/// @return context [B, T, E], weights [B, T, S], state.coverage [B, S]
Attention::Output attend_with_dot_energy(const Tensor& query, const Attention::Memory& memory,
                                         const Tensor& coverage_weight, const Attention::State& state);

/// The coverage loss sum_s min(a_ts, c_ts) for each query (See, Liu & Manning 2017, sec. 2.3, eq. 12). Added
/// to the training loss with a factor, it penalises attention to positions that were already attended to.
/// @param weights a [B, T, S]
/// @param before coverage [B, S] before the first query; undefined: zeros
/// @return [B, T]
/// @throws ShapeError
Tensor coverage_loss(const Tensor& weights, const Tensor& before = {});

}  // namespace heed::nn
