#include "framework/kernels/onednn/gemm.h"

#include <fmt/format.h>

#include <map>
#include <mutex>
#include <string_view>
#include <tuple>

#include "framework/core/error.h"
#include "framework/core/memory_pool.h"
#include "framework/core/parallel.h"
#include "framework/kernels/onednn/compat.h"

namespace heed::kernels::onednn {
namespace {

using dnnl::memory;

memory::desc plain(int64_t rows, int64_t columns, int64_t row_stride, int64_t column_stride = 1) {
  return {{rows, columns}, memory::data_type::f32, memory::dims{row_stride, column_stride}};
}
memory::desc any(int64_t rows, int64_t columns) { return {{rows, columns}, memory::data_type::f32, memory::format_tag::any}; }

// The layout oneDNN picks for B when it is free to choose, kept by shape.
const memory::desc& packed_layout(int64_t rows, int64_t N, int64_t K) {
  thread_local std::map<std::tuple<int64_t, int64_t, int64_t, int>, memory::desc> layouts;
  const auto key = std::tuple(rows, N, K, num_threads());
  auto found = layouts.find(key);
  if (found == layouts.end()) {
    const auto pd = matmul_descriptor(plain(rows, K, K), any(K, N), plain(rows, N, N), false);
    found = layouts.emplace(key, pd.weights_desc()).first;
  }
  return found->second;
}

// A kept primitive with its memory objects: building them costs 1-2 us a call, running a kept one 0.2 us.
struct Product {
  dnnl::matmul primitive;
  memory a, b, c, scratch;
  size_t scratch_bytes = 0;
};

using ProductKey = std::tuple<int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, bool, int>;

Product* product(int64_t rows, int64_t M, int64_t N, int64_t K, int64_t lda, bool accumulate, int64_t ldc) {
  thread_local std::map<ProductKey, Product> kept;
  const ProductKey key(rows, M, N, K, lda, ldc, accumulate, num_threads());
  if (auto found = kept.find(key); found != kept.end()) return found->second.primitive ? &found->second : nullptr;
  Product& made = kept[key];
  try {
    const auto pd = matmul_descriptor(plain(M, K, lda), packed_layout(rows, N, K), plain(M, N, ldc), accumulate);
    made.scratch_bytes = pd.scratchpad_desc().get_size();
    made.a = memory(pd.src_desc(), engine(), nullptr);
    made.b = memory(pd.weights_desc(), engine(), nullptr);
    made.c = memory(pd.dst_desc(), engine(), nullptr);
    made.scratch = memory(pd.scratchpad_desc(), engine(), nullptr);
    made.primitive = dnnl::matmul(pd);
  } catch (const dnnl::error&) {  // no kernel for this M on that layout: the caller unpacks
    return nullptr;
  }
  return &made;
}

void check(dnnl_status_t status, const char* what) {
  if (status != dnnl_success) throw Error(fmt::format("{}: oneDNN status {}", what, static_cast<int>(status)));
}

}  // namespace

void gemm(bool ta, bool tb, int64_t M, int64_t N, int64_t K, const float* A, int64_t lda, const float* B, int64_t ldb, float beta, float* C,
          int64_t ldc) {
  check(dnnl_sgemm(ta ? 'T' : 'N', tb ? 'T' : 'N', M, N, K, 1.0F, A, lda, B, ldb, beta, C, ldc), "sgemm");
}

size_t packed_bytes(int64_t rows, int64_t N, int64_t K) {
  const memory::desc& layout = packed_layout(rows, N, K);
  return layout == plain(K, N, N) ? 0 : layout.get_size();
}

void pack(int64_t rows, int64_t N, int64_t K, const float* B, int64_t row_stride, int64_t column_stride, float* packed) {
  memory from(plain(K, N, row_stride, column_stride), engine(), const_cast<float*>(B));
  memory into(packed_layout(rows, N, K), engine(), packed);
  dnnl::reorder(from, into).execute(stream(), from, into);
  stream().wait();
}

bool multiply_packed(int64_t rows, int64_t M, int64_t N, int64_t K, const float* A, int64_t lda, const float* packed, bool accumulate,
                     float* C, int64_t ldc) {
  Product* const kept = product(rows, M, N, K, lda, accumulate, ldc);
  if (!kept) return false;
  void* scratch = kept->scratch_bytes ? pool_allocate(kept->scratch_bytes) : nullptr;
  kept->a.set_data_handle(const_cast<float*>(A));
  kept->b.set_data_handle(const_cast<float*>(packed));
  kept->c.set_data_handle(C);
  kept->scratch.set_data_handle(scratch);
  kept->primitive.execute(
      stream(), {{DNNL_ARG_SRC, kept->a}, {DNNL_ARG_WEIGHTS, kept->b}, {DNNL_ARG_DST, kept->c}, {DNNL_ARG_SCRATCHPAD, kept->scratch}});
  stream().wait();
  if (scratch) pool_free(scratch, kept->scratch_bytes);
  return true;
}

std::string version() {
  const dnnl_version_t* v = dnnl_version();
  return fmt::format("{}.{}.{}", v->major, v->minor, v->patch);
}

void limit_isa(const char* isa) { dnnl_set_max_cpu_isa(std::string_view(isa) == "avx2" ? dnnl_cpu_isa_avx2 : dnnl_cpu_isa_sse41); }

}  // namespace heed::kernels::onednn
