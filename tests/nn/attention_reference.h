// Every kind of attention once more in plain f64 loops over scalars, straight from the papers' equations:
// what the layers are compared with. Shares no code with them.
#pragma once

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "nn/nn.h"

namespace heed::nn {

struct PlainAttention {
  std::string kind;
  AttentionSizes sizes;
  std::map<std::string, Tensor> parameters;  // f64

  struct Result {
    std::vector<double> context, weights, head_weights, coverage;
  };

  /// query [B, T, Q], keys [B, S, E], lengths i64 [B], coverage [B, S] (empty: zeros), step: position of the
  /// first query.
  Result operator()(const Tensor& query, const Tensor& keys, const Tensor& lengths,
                    std::vector<double> coverage = {}, int64_t step = 0) const {
    const int64_t B = query.size(0), T = query.size(1), S = keys.size(1), E = keys.size(2), Q = query.size(2);
    const std::vector<double> q = query.to_vector<double>(), k = keys.to_vector<double>();
    if (coverage.empty()) coverage.assign(static_cast<size_t>(B * S), 0.0);
    const int64_t heads = kind == "multi_head" ? sizes.heads : 1;
    Result r;
    r.context.assign(static_cast<size_t>(B * T * E), 0.0);
    r.weights.assign(static_cast<size_t>(B * T * S), 0.0);
    r.head_weights.assign(static_cast<size_t>(B * heads * T * S), 0.0);
    for (int64_t b = 0; b < B; ++b) {
      const int64_t n = lengths.to_vector<int64_t>()[at(b)];
      for (int64_t t = 0; t < T; ++t) {
        const std::vector<double> qt(q.begin() + (b * T + t) * Q, q.begin() + (b * T + t + 1) * Q);
        std::vector<std::vector<double>> h;
        for (int64_t s = 0; s < n; ++s)
          h.emplace_back(k.begin() + (b * S + s) * E, k.begin() + (b * S + s + 1) * E);
        std::vector<double> joined;  // multi_head: the heads side by side
        for (int64_t head = 0; head < heads; ++head) {
          const std::vector<double> c(coverage.begin() + b * S, coverage.begin() + b * S + n);
          const std::vector<double> a = weights_of(qt, h, c, head, step + t);
          for (int64_t s = 0; s < n; ++s) {
            r.head_weights[at(((b * heads + head) * T + t) * S + s)] = a[at(s)];
            r.weights[at((b * T + t) * S + s)] += a[at(s)] / static_cast<double>(heads);
          }
          std::vector<double> mixed(at(kind == "multi_head" ? sizes.attention / heads : E), 0.0);
          for (int64_t s = 0; s < n; ++s) {
            const std::vector<double> value = value_of(h[at(s)], head);
            for (size_t e = 0; e < mixed.size(); ++e) mixed[e] += a[at(s)] * value[e];
          }
          joined.insert(joined.end(), mixed.begin(), mixed.end());
        }
        if (kind == "multi_head") joined = times("out_proj.weight", joined);
        for (int64_t e = 0; e < E; ++e) r.context[at((b * T + t) * E + e)] = joined[at(e)];
        for (int64_t s = 0; s < n; ++s) coverage[at(b * S + s)] += r.weights[at((b * T + t) * S + s)];
      }
    }
    r.coverage = coverage;
    return r;
  }

 private:
  using Vector = std::vector<double>;
  static size_t at(int64_t i) { return static_cast<size_t>(i); }

  Vector values(const std::string& name) const { return parameters.at(name).to_vector<double>(); }
  Vector times(const std::string& name, const Vector& x) const {  // W x
    const Vector w = values(name);
    Vector y(w.size() / x.size(), 0.0);
    for (size_t i = 0; i < y.size(); ++i) {
      for (size_t j = 0; j < x.size(); ++j) y[i] += w[i * x.size() + j] * x[j];
    }
    return y;
  }
  static double dot(const Vector& a, const Vector& b) {
    double total = 0;
    for (size_t i = 0; i < a.size(); ++i) total += a[i] * b[i];
    return total;
  }
  Vector head_part(const Vector& x, int64_t head) const {
    const int64_t d = sizes.attention / sizes.heads;
    return {x.begin() + head * d, x.begin() + (head + 1) * d};
  }
  Vector value_of(const Vector& h, int64_t head) const {
    if (kind == "scaled_dot") return times("value_proj.weight", h);
    return kind == "multi_head" ? head_part(times("value_proj.weight", h), head) : h;
  }

  double energy(const Vector& q, const Vector& h, double c, int64_t s, int64_t head) const {
    if (kind == "additive" || kind == "concat") {
      Vector inner(at(sizes.attention), 0.0);
      if (kind == "additive") {
        const Vector wq = times("query_proj.weight", q), wk = times("key_proj.weight", h),
                     bias = values("key_proj.bias");
        for (size_t a = 0; a < inner.size(); ++a) inner[a] = wq[a] + wk[a] + bias[a];
      } else {
        Vector both = q;
        both.insert(both.end(), h.begin(), h.end());
        inner = times("weight", both);
      }
      const Vector v = values("energy");
      double total = 0;
      for (size_t a = 0; a < inner.size(); ++a)
        total += v[a] * std::tanh(inner[a] + (sizes.coverage ? values("coverage")[a] * c : 0.0));
      return total;
    }
    const double covered = sizes.coverage ? values("coverage")[0] * c : 0.0;  // of the kinds without a tanh
    if (kind == "scaled_dot") {
      return dot(times("query_proj.weight", q), times("key_proj.weight", h)) /
                 std::sqrt(static_cast<double>(sizes.attention)) +
             covered;
    }
    if (kind == "multi_head") {
      return dot(head_part(times("query_proj.weight", q), head),
                 head_part(times("key_proj.weight", h), head)) /
             std::sqrt(static_cast<double>(sizes.attention) / static_cast<double>(sizes.heads));
    }
    if (kind == "location") return s < sizes.max_source ? times("position_proj.weight", q)[at(s)] : -INFINITY;
    if (!parameters.contains("scaled_key_proj.weight")) return dot(q, h) + covered;  // dot
    // general, local_p, local_m
    return dot(q, times("scaled_key_proj.weight", h)) / std::sqrt(static_cast<double>(q.size())) + covered;
  }

  Vector weights_of(const Vector& q, const std::vector<Vector>& h, const Vector& c, int64_t head,
                    int64_t step) const {
    const auto n = static_cast<int64_t>(h.size());
    double centre = 0;
    if (kind == "local_m") centre = static_cast<double>(std::min(step, n - 1));
    if (kind == "local_p") {
      Vector inner = times("position_proj.weight", q);
      for (double& x : inner) x = std::tanh(x);
      centre = static_cast<double>(n) / (1 + std::exp(-dot(inner, values("position"))));
    }
    const bool local = kind == "local_m" || kind == "local_p";
    const auto window = static_cast<double>(sizes.window);
    Vector a(h.size(), 0.0);
    double total = 0;
    for (int64_t s = 0; s < n; ++s) {
      if (local && std::abs(static_cast<double>(s) - centre) > window) continue;
      a[at(s)] = std::exp(energy(q, h[at(s)], c[at(s)], s, head));
      total += a[at(s)];
    }
    for (int64_t s = 0; s < n; ++s) {
      const double away = static_cast<double>(s) - centre, sigma = window / 2;
      a[at(s)] = a[at(s)] / total * (kind == "local_p" ? std::exp(-away * away / (2 * sigma * sigma)) : 1.0);
    }
    return a;
  }
};

}  // namespace heed::nn
