// Memory that ends where the process may not read or write: an op or kernel that touches what lies behind its
// tensors ends the test with a segmentation fault.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <new>
#include <vector>

#include "framework/framework.h"
#include "framework/kernels/kernels.h"
#include "framework/ops/registry.h"
#include "tests/testing/close.h"

namespace heed {
namespace {

// `bytes` of memory right before a page that is locked.
class GuardedMemory {
 public:
  explicit GuardedMemory(size_t bytes) {
    const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    const size_t open = (bytes + page - 1) / page * page;
    mapped_ = open + page;
    begin_ = ::mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (begin_ == MAP_FAILED) throw std::bad_alloc();
    char* const end = static_cast<char*>(begin_) + open;
    if (::mprotect(end, page, PROT_NONE) != 0) throw std::bad_alloc();
    data_ = end - bytes;
  }
  ~GuardedMemory() { ::munmap(begin_, mapped_); }
  GuardedMemory(const GuardedMemory&) = delete;
  GuardedMemory& operator=(const GuardedMemory&) = delete;
  void* data() const { return data_; }

 private:
  void* begin_ = nullptr;
  void* data_ = nullptr;
  size_t mapped_ = 0;
};

Tensor guarded(const Tensor& x) {
  const Tensor dense = x.contiguous();
  const size_t bytes = static_cast<size_t>(x.numel()) * size_of(x.dtype());
  if (bytes == 0) return x;
  auto memory = std::make_shared<GuardedMemory>(bytes);
  std::memcpy(memory->data(), dense.raw_data(), bytes);
  void* const data = memory->data();
  return from_memory(data, x.shape(), x.dtype(), std::move(memory));
}

std::vector<Tensor> results_and_gradients(const OpSample& sample, DType dtype, bool guard) {
  manual_seed(3);
  std::vector<Tensor> inputs = sample.make_inputs(dtype), leaves;
  for (Tensor& x : inputs) {
    if (guard) x = guarded(x);
    if (is_floating(x.dtype())) leaves.push_back(x.set_requires_grad(true));
  }
  std::vector<Tensor> results = sample.run(inputs);
  Tensor total;
  for (const Tensor& y : results) {
    if (!y.defined() || !y.requires_grad()) continue;
    const Tensor one = sum(y * sin(y));
    total = total.defined() ? total + one : one;
  }
  if (total.defined()) {
    for (Tensor& g : grad({total}, std::span<const Tensor>(leaves), {.allow_unused = true}))
      results.push_back(std::move(g));
  }
  return results;
}

TEST(GuardedRowsTest, NoOpReadsBehindItsInputs) {
  for (const OpInfo& op : op_registry()) {
    for (const OpSample& sample : op.make_samples()) {
      for (const DType dtype : {DType::f32, DType::f64}) {
        const std::vector<Tensor> expected = results_and_gradients(sample, dtype, false),
                                  guarded = results_and_gradients(sample, dtype, true);
        ASSERT_EQ(guarded.size(), expected.size());
        for (size_t i = 0; i < expected.size(); ++i) {
          if (!expected[i].defined()) continue;
          EXPECT_TRUE(all_close(guarded[i], expected[i], 1e-5, 1e-5)) << sample.key << " " << i;
        }
      }
    }
  }
}

template <class T>
struct GuardedRow {
  explicit GuardedRow(int64_t count) : memory(static_cast<size_t>(count) * sizeof(T)) {
    for (int64_t i = 0; i < count; ++i) data()[i] = static_cast<T>(0.25 + 0.01 * static_cast<double>(i));
  }
  T* data() { return static_cast<T*>(memory.data()); }
  GuardedMemory memory;
};

// Rows of every length up to two vectors of any instruction set and one more.
constexpr int64_t kLongest = 33;

template <class T>
void elementwise(int64_t n) {
  GuardedRow<T> x(n), y(n), z(n), w(n);
  kernels::unary(kernels::Unary::exp, n, x.data(), y.data());
  kernels::unary_backward(kernels::Unary::exp, n, x.data(), y.data(), y.data(), z.data());
  kernels::binary_dense(kernels::Binary::add, n, x.data(), y.data(), z.data());
  kernels::affine<T>(n, x.data(), 2, 1, z.data());
  kernels::multiply_add(n, x.data(), y.data(), z.data());
  kernels::dropout<T>(n, 0.4, 1, 2, x.data(), z.data());
  kernels::uniform<T>(n, 1, 2, 0, 1, z.data());
  kernels::normal(n, 1, 2, z.data());
  const kernels::AdamStep step{0.1, 0.9, 0.98, 1e-8, 0, 0.1, 0.02, 1};
  kernels::adam(n, step, x.data(), y.data(), z.data(), w.data());
  kernels::add_row(n, x.data(), y.data());
  for (int64_t i = 0; i < n; ++i) EXPECT_TRUE(std::isfinite(static_cast<double>(x.data()[i])));
}

template <class T>
void rows(int64_t n) {
  constexpr int64_t kRows = 3;
  GuardedRow<T> x(kRows * n), y(kRows * n), g(kRows * n), gain(n);
  GuardedRow<double> total(n);
  kernels::softmax<T>(kRows, n, x.data(), nullptr, 1, y.data());
  kernels::softmax_backward(kRows, n, x.data(), y.data(), g.data());
  kernels::log_softmax(kRows, n, x.data(), y.data());
  kernels::log_softmax_backward(kRows, n, x.data(), y.data(), g.data());
  kernels::add_rows_wide(kRows, n, x.data(), n, total.data());
  GuardedRow<T> column(n), result(1);
  kernels::sum<T, T>(1, kRows, n, x.data(), column.data());
  kernels::sum<T, T>(1, kRows * n, 1, x.data(), result.data());
  kernels::extreme(true, 1, kRows, n, x.data(), column.data());
  GuardedRow<T> w(kRows);
  kernels::dot_rows(kRows, n, x.data(), gain.data(), w.data());
  kernels::weighted_sum(kRows, n, w.data(), x.data(), column.data());
}

void products(int64_t n) {
  for (const int64_t M : {1, 2, 5, 13, 70}) {
    constexpr int64_t kDepth = 8;
    GuardedRow<float> A(M * kDepth), B(kDepth * n), C(M * n), bias(n);
    kernels::small_gemm(false, M, n, kDepth, A.data(), kDepth, B.data(), n, false, C.data(), n);
    GuardedRow<float> expected(M * n), packed(M * n);
    for (int64_t m = 0; m < M; ++m) {
      for (int64_t j = 0; j < n; ++j) {
        float sum = bias.data()[j];
        for (int64_t k = 0; k < kDepth; ++k) sum += A.data()[m * kDepth + k] * B.data()[k * n + j];
        expected.data()[m * n + j] = sum;
      }
    }
    for (int64_t i = 0; i < M * n; ++i)
      EXPECT_NEAR(C.data()[i] + bias.data()[i % n], expected.data()[i], 1e-5 * expected.data()[i]);
    const kernels::PanelMatrix<float> panels(kDepth, n, B.data(), n, 1);
    const kernels::PanelMatrix<uint16_t> bf16(kDepth, n, B.data(), n, 1);
    const kernels::QuantisedMatrix whole(kDepth, n, B.data(), n, 1);
    for (const kernels::KeptMatrix* kept :
         std::initializer_list<const kernels::KeptMatrix*>{&panels, &bf16, &whole}) {
      kept->multiply(M, A.data(), kDepth, bias.data(), packed.data(), n);
      const double near = kept == &panels ? 1e-5 : 0.01;
      for (int64_t i = 0; i < M * n; ++i)
        EXPECT_NEAR(packed.data()[i], expected.data()[i], near * expected.data()[i]);
    }
  }
}

TEST(GuardedRowsTest, KernelsKeepToTheirRows) {
  for (int64_t n = 1; n <= kLongest; ++n) {
    elementwise<float>(n);
    elementwise<double>(n);
    rows<float>(n);
    rows<double>(n);
    products(n);
  }
}

}  // namespace
}  // namespace heed
