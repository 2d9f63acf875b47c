// embedding(table, ids): y = table[ids].      vjp: dtable[ids] += g (padding_id's row gets nothing)
#include <fmt/format.h>

#include "framework/core/stored_values.h"
#include "framework/kernels/kernels.h"
#include "framework/ops/apply.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

// table[ids] += rows as an op of its own, so that the gradient of embedding is differentiable: its vjp is
// embedding again.
struct ScatterAddRows {
  static constexpr const char* kName = "scatter_add_rows";
  static constexpr const char* kRow = "embedding";
  int64_t table_rows;
  int64_t padding_id;
  Tensor ids;
  void into(const Tensor& g, const Tensor& table) const {
    const Tensor dense = g.contiguous();
    std::vector<int64_t> kept = ids.to_vector<int64_t>();
    const int64_t D = table.shape()[1];
    dispatch_floating(kName, g.dtype(), [&](auto t) {
      using T = decltype(t);
      if (padding_id < 0) {
        kernels::scatter_add_rows<T>(ids.numel(), kept.data(), table_rows, D, dense.data<T>(),
                                     table.data<T>());
        return;
      }
      const Tensor aside = table.detach();
      std::vector<T> before(aside.data<T>() + padding_id * D, aside.data<T>() + (padding_id + 1) * D);
      kernels::scatter_add_rows<T>(ids.numel(), kept.data(), table_rows, D, dense.data<T>(), table.data<T>());
      std::copy(before.begin(), before.end(), table.data<T>() + padding_id * D);
    });
  }
  Tensor forward(const Tensor& g, Saved&) const {
    const Tensor table = zeros({table_rows, g.shape().back()}, g.dtype());
    into(g, table);
    return table;
  }
  void vjp(Grads& d, const Tensor& g, const Saved&) const {
    if (padding_id < 0) return d.add(0, embedding(g, ids));
    const Tensor used = ones({table_rows, 1}, g.dtype());
    slice(used, 0, padding_id, padding_id + 1).fill_(0);
    d.add(0, embedding(g * used, ids));
  }
};

struct Embedding {
  static constexpr const char* kName = "embedding";
  int64_t padding_id;
  Shape table_shape;
  Tensor forward(const Tensor& table, const Tensor& ids, Saved& saved) const {
    saved.input(ids);
    const Tensor dense_ids = ids.contiguous();
    Shape shape = ids.shape();
    shape.push_back(table.shape()[1]);
    const Tensor y = empty(shape, table.dtype());
    const auto of_stored = [&](const auto& rows) {
      if (rows)
        kernels::gather_rows(kName, dense_ids.numel(), dense_ids.data<int64_t>(), *rows, y.data<float>());
      return rows.has_value();
    };
    if (of_stored(quantised_rows(table)) || of_stored(bf16_rows(table))) return y;
    const Tensor dense = table.contiguous();
    dispatch_floating(kName, table.dtype(), [&](auto t) {
      using T = decltype(t);
      kernels::gather_rows<T>(kName, ids.numel(), dense_ids.data<int64_t>(), table.shape()[0],
                              table.shape()[1], dense.data<T>(), y.data<T>());
    });
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const Tensor ids = saved[0], buffer = d.buffer(0, table_shape, g.dtype());
    // ids of its own for an op that may have a backward in its turn
    const ScatterAddRows scatter{table_shape[0], padding_id,
                                 buffer.defined() ? ids.contiguous() : ids.clone()};
    if (buffer.defined()) {
      scatter.into(g, buffer);
    } else {
      d.add(0, apply(scatter, g));
    }
  }
  static void samples(SampleList& s) {
    s.add("torch.nn.functional.embedding(b, a)", {{5, 3}, integers({2, 2}, {4, 0, 4, 2})},
          [](const auto& x) { return std::vector{embedding(x[0], x[1])}; });
    OpSample& padded =
        s.add("torch.nn.functional.embedding(b, a, padding_idx=0)", {{4, 3}, integers({4}, {0, 3, 0, 1})},
              [](const auto& x) { return std::vector{embedding(x[0], x[1], 0)}; });
    padded.max_order = 0;
    padded.reason =
        "the padding row's gradient is zero by definition, not by calculus; parity with PyTorch covers it";
    s.add("torch.nn.functional.embedding(b, a)", {{4, 3}, integers({0}, {})},
          [](const auto& x) { return std::vector{embedding(x[0], x[1])}; });
  }
};

}  // namespace

Tensor embedding(const Tensor& table, const Tensor& ids, int64_t padding_id) {
  detail::require_defined("embedding", table, ids);
  if (table.ndim() != 2) throw ShapeError("embedding", "the table is not a matrix: " + table.shape().str());
  if (ids.dtype() != DType::i64) throw DTypeError("embedding", "ids must be i64, got " + ids.describe());
  if (padding_id >= table.shape()[0]) {
    throw IndexError("embedding",
                     fmt::format("padding id {} out of range for {} rows", padding_id, table.shape()[0]));
  }
  return apply(Embedding{padding_id, table.shape()}, table, ids);
}

DEFINE_OP(embedding, Embedding)

}  // namespace heed
