#include "framework/kernels/onednn/gemm.h"

#include <fmt/format.h>

#include <map>
#include <mutex>
#include <string_view>
#include <tuple>
#include <unordered_map>

#include "framework/core/error.h"
#include "framework/core/memory_pool.h"
#include "framework/core/parallel.h"
#include "framework/kernels/onednn/task.h"

namespace heed::kernels::onednn {
namespace {

using dnnl::memory;

memory::data_type type(bool bf16) { return bf16 ? memory::data_type::bf16 : memory::data_type::f32; }
memory::desc matrix(int64_t rows, int64_t columns, int64_t row_stride, int64_t column_stride = 1,
                    bool bf16 = false) {
  return {{rows, columns}, type(bf16), memory::dims{row_stride, column_stride}};
}

// The layout oneDNN picks for B when it is free to choose, kept by shape.
const memory::desc& packed_layout(const Packing& p) {
  thread_local std::map<std::tuple<int64_t, int64_t, int64_t, bool, int>, memory::desc> layouts;
  const auto key = std::tuple(p.rows, p.N, p.K, p.bf16, num_threads());
  auto found = layouts.find(key);
  if (found == layouts.end()) {
    const memory::desc any({p.K, p.N}, type(p.bf16), memory::format_tag::any);
    const auto pd =
        matmul_descriptor(matrix(p.rows, p.K, p.K, 1, p.bf16), any, matrix(p.rows, p.N, p.N), false);
    found = layouts.emplace(key, pd.weights_desc()).first;
  }
  return found->second;
}

// A kept primitive with its memory objects: building them costs 1-2 us a call, running a kept one 0.2 us.
struct Product {
  dnnl::matmul primitive;
  memory a, b, c, bias, scratch;
  size_t scratch_bytes = 0;

  void make(const memory::desc& da, const memory::desc& db, const memory::desc& dc, bool accumulate,
            bool with_bias = false) {
    const memory::desc added = with_bias ? matrix(1, dc.dims()[1], dc.dims()[1]) : memory::desc();
    const auto pd = matmul_descriptor(da, db, dc, accumulate, added);
    if (with_bias) bias = memory(pd.bias_desc(), engine(), nullptr);
    scratch_bytes = pd.scratchpad_desc().get_size();
    a = memory(pd.src_desc(), engine(), nullptr);
    b = memory(pd.weights_desc(), engine(), nullptr);
    c = memory(pd.dst_desc(), engine(), nullptr);
    scratch = memory(pd.scratchpad_desc(), engine(), nullptr);
    primitive = dnnl::matmul(pd);
  }
  void run(const void* A, const void* B, float* C, const float* added = nullptr) {
    void* const space = scratch_bytes ? pool_allocate(scratch_bytes) : nullptr;
    a.set_data_handle(const_cast<void*>(A));
    b.set_data_handle(const_cast<void*>(B));
    c.set_data_handle(C);
    scratch.set_data_handle(space);
    std::unordered_map<int, memory> arguments{
        {DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, c}, {DNNL_ARG_SCRATCHPAD, scratch}};
    if (added) {
      bias.set_data_handle(const_cast<float*>(added));
      arguments.emplace(DNNL_ARG_BIAS, bias);
    }
    primitive.execute(stream(), arguments);
    stream().wait();
    if (space) pool_free(space, scratch_bytes);
  }
};

Product* packed_product(const Packing& p, int64_t M, int64_t lda, bool accumulate, int64_t ldc) {
  thread_local std::map<std::tuple<int64_t, int64_t, int64_t, bool, int64_t, int64_t, int64_t, bool, int>,
                        Product>
      kept;
  const auto key = std::tuple(p.rows, p.N, p.K, p.bf16, M, lda, ldc, accumulate, num_threads());
  if (auto found = kept.find(key); found != kept.end())
    return found->second.primitive ? &found->second : nullptr;
  bound(kept);
  Product& made = kept[key];
  try {
    made.make(matrix(M, p.K, lda, 1, p.bf16), packed_layout(p), matrix(M, p.N, ldc), accumulate);
  } catch (const dnnl::error&) {  // no kernel for this M on that layout
    return nullptr;
  }
  return &made;
}

void check(dnnl_status_t status, const char* what) {
  if (status != dnnl_success) throw Error(what, fmt::format("oneDNN status {}", static_cast<int>(status)));
}

}  // namespace

void gemm(bool ta, bool tb, int64_t M, int64_t N, int64_t K, const float* A, int64_t lda, const float* B,
          int64_t ldb, float beta, float* C, int64_t ldc) {
  check(dnnl_sgemm(ta ? 'T' : 'N', tb ? 'T' : 'N', M, N, K, 1.0F, A, lda, B, ldb, beta, C, ldc), "sgemm");
}

void gemm_bf16(bool ta, bool tb, int64_t M, int64_t N, int64_t K, const uint16_t* A, const uint16_t* B,
               bool accumulate, const float* bias, float* C, int64_t ldc) {
  thread_local std::map<std::tuple<bool, bool, int64_t, int64_t, int64_t, bool, bool, int64_t, int>, Product>
      kept;
  const auto key = std::tuple(ta, tb, M, N, K, accumulate, bias != nullptr, ldc, num_threads());
  if (!kept.contains(key)) bound(kept);
  Product& product = kept[key];
  if (!product.primitive) {
    try {
      product.make(matrix(M, K, ta ? 1 : K, ta ? M : 1, true), matrix(K, N, tb ? 1 : N, tb ? K : 1, true),
                   matrix(M, N, ldc), accumulate, bias != nullptr);
    } catch (const dnnl::error& e) {
      throw Error("matmul",
                  fmt::format("oneDNN has no bf16 kernel for [{}, {}] x [{}, {}]: {}", M, K, K, N, e.what()));
    }
  }
  product.run(A, B, C, bias);
}

size_t packed_bytes(const Packing& p) {
  const memory::desc& layout = packed_layout(p);
  return layout == matrix(p.K, p.N, p.N) ? 0 : layout.get_size();
}

void pack(const Packing& p, const float* B, int64_t row_stride, int64_t column_stride, void* packed) {
  memory from(matrix(p.K, p.N, row_stride, column_stride), engine(), const_cast<float*>(B));
  memory into(packed_layout(p), engine(), packed);
  dnnl::reorder(from, into).execute(stream(), from, into);
  stream().wait();
}

bool multiply_packed(const Packing& p, int64_t M, const void* A, int64_t lda, const void* packed,
                     bool accumulate, float* C, int64_t ldc) {
  Product* const product = packed_product(p, M, lda, accumulate, ldc);
  if (product) product->run(A, packed, C);
  return product != nullptr;
}

bool has_bf16() {
  static const bool has = (static_cast<unsigned>(dnnl_get_effective_cpu_isa()) &
                           dnnl_cpu_isa_avx512_core_bf16) == dnnl_cpu_isa_avx512_core_bf16;
  return has;
}

std::string version() {
  const dnnl_version_t* v = dnnl_version();
  return fmt::format("{}.{}.{}", v->major, v->minor, v->patch);
}

void limit_isa(const char* isa) {
  dnnl_set_max_cpu_isa(std::string_view(isa) == "avx2" ? dnnl_cpu_isa_avx2 : dnnl_cpu_isa_sse41);
}

}  // namespace heed::kernels::onednn
