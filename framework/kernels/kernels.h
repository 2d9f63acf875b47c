// The narrow waist: plain functions on pointers, sizes and leading dimensions. Nothing above includes
// cblas.h, dnnl.hpp or hwy/.
//
// Typed kernels exist for float and double from one source. Matrices are row-major; `ld` is the distance
// between rows in elements.
#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "framework/core/dtype.h"
#include "framework/core/scratch.h"
#include "framework/core/shape.h"

namespace heed {
class Tensor;
struct QuantisedRows;
struct Bf16Rows;
}  // namespace heed

namespace heed::kernels {

// ---- matrix products
// -------------------------------------------------------------------------------------------------

/// C[M, N] = op(A)[M, K] op(B)[K, N] + beta C. op is the transpose where ta or tb is set. f32 goes to
/// OpenBLAS, oneDNN or, where small, to small_gemm() by shape, under autocast and from some 100^3 on to
/// oneDNN's bf16 kernels (beta 0 or 1); f64 to OpenBLAS.
template <class T>
void gemm(bool ta, bool tb, int64_t M, int64_t N, int64_t K, const T* A, int64_t lda, const T* B, int64_t ldb,
          T beta, T* C, int64_t ldc);

/// C = op(A) B, or with accumulate C = op(A) B + C, on one thread, for matrices that a BLAS would spend its
/// time on packing. op is the transpose where ta is set.
void small_gemm(bool ta, int64_t M, int64_t N, int64_t K, const float* A, int64_t lda, const float* B,
                int64_t ldb, bool accumulate, float* C, int64_t ldc);

/// c = a b + beta c for [M, K] x [K, N] or equal batches of them; reads the strides of transposed and
/// row-padded views.
void matmul(const Tensor& a, const Tensor& b, const Tensor& c, double beta);

/// y [M, N] = x [M, K] weight [N, K]^T + bias [N]; y dense.
void linear(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& y);

/// While one lives, products of the calling thread round the matrix x [rows, columns] to bf16 at most once,
/// and not each of them. Its values must stay as they are. Nothing for x that is no f32 matrix with dense
/// rows.
class RoundedOnce {
 public:
  explicit RoundedOnce(const Tensor& x);
  ~RoundedOnce();
  RoundedOnce(const RoundedOnce&) = delete;
  RoundedOnce& operator=(const RoundedOnce&) = delete;
  /// The matrix in bf16, dense and with rows of zeros behind it, if the newest one of this thread is of it;
  /// else null.
  static const uint16_t* find(int64_t rows, int64_t columns, const float* x, int64_t ld);

 private:
  static inline constinit thread_local RoundedOnce* current_ = nullptr;
  int64_t rows_ = 0, columns_ = 0, ld_ = 0;
  const float* x_ = nullptr;
  std::optional<heed::detail::Scratch<uint16_t>> values_;
  RoundedOnce* before_;
};

/// A right-hand side B[K, N] that is kept in a layout of our own: no kernel is made for a shape, nothing of
/// it is packed at a call, and the bits of a row do not depend on the other rows.
class KeptMatrix {
 public:
  KeptMatrix() = default;
  virtual ~KeptMatrix() = default;
  KeptMatrix(const KeptMatrix&) = delete;
  KeptMatrix& operator=(const KeptMatrix&) = delete;
  /// C[M, N] = A[M, K] B + bias [N] in every row; null: nothing is added.
  virtual void multiply(int64_t M, const float* A, int64_t lda, const float* bias, float* C,
                        int64_t ldc) const = 0;
  virtual size_t bytes() const = 0;
};

/// Whether the vectors of panels are long enough for them to beat a BLAS: from AVX2 on.
bool has_wide_panels();

/// With weights in f32, for products of few rows, or rounded to bf16, which takes half the memory and half
/// the time where memory is the limit. Inputs and sums are f32 in both.
/// @tparam Weight float, or uint16_t for the bits of bf16
template <class Weight>
class PanelMatrix : public KeptMatrix {
 public:
  /// B(k, n) = data[k * row_stride + n * column_stride].
  PanelMatrix(int64_t K, int64_t N, const float* data, int64_t row_stride, int64_t column_stride);
  /// Of bf16: its columns are these rows.
  explicit PanelMatrix(const Bf16Rows& columns);
  ~PanelMatrix() override;
  void multiply(int64_t M, const float* A, int64_t lda, const float* bias, float* C,
                int64_t ldc) const override {
    multiply(M, A, lda, bias, 0, C, ldc);
  }
  /// C = A B + C.
  void add_product(int64_t M, const float* A, int64_t lda, float* C, int64_t ldc) const {
    multiply(M, A, lda, C, ldc, C, ldc);
  }
  size_t bytes() const override { return bytes_; }

 private:
  PanelMatrix(int64_t K, int64_t N);
  // C = A B + before, whose rows lie ld_before apart; null: nothing is added.
  void multiply(int64_t M, const float* A, int64_t lda, const float* before, int64_t ld_before, float* C,
                int64_t ldc) const;

  int64_t K_, N_, width_;
  Weight* data_ = nullptr;
  size_t bytes_ = 0;
};

/// A right-hand side B[K, N] kept in the layout the backend likes best, for many products with few rows each
/// (LSTM steps); in bf16 when that is the precision while it is made (small ones, below 64 x 64, stay as they
/// are).
template <class T>
class PackedMatrix {
 public:
  /// B(k, n) = data[k * row_stride + n * column_stride], one of which is 1. `rows` is a typical M of the
  /// products to come.
  PackedMatrix(int64_t K, int64_t N, const T* data, int64_t row_stride, int64_t column_stride, int64_t rows);
  ~PackedMatrix();
  PackedMatrix(const PackedMatrix&) = delete;
  PackedMatrix& operator=(const PackedMatrix&) = delete;
  /// C[M, N] = A[M, K] B + beta C, beta 0 or 1.
  void multiply(int64_t M, const T* A, int64_t lda, T beta, T* C, int64_t ldc) const;

 private:
  int64_t K_, N_, rows_ = 0;
  std::unique_ptr<PanelMatrix<float>> panels_;  // where the backends have no layout as good
  void* packed_ = nullptr;
  size_t bytes_ = 0;
  bool blocked_ = false;  // in oneDNN's layout; otherwise row-major [K, N]
  bool bf16_ = false;
};

/// Rounded to 8 bits with a scale max_k |B(k, n)| / 127 for each column; each row of A is rounded at the call
/// with a scale of its own. A row or a column with NaN or infinity gives NaN. The sums are exact, so K is at
/// most 65536.
class QuantisedMatrix : public KeptMatrix {
 public:
  /// B(k, n) = data[k * row_stride + n * column_stride].
  QuantisedMatrix(int64_t K, int64_t N, const float* data, int64_t row_stride, int64_t column_stride);
  /// Its columns are rows that are stored in 8 bits, and the matrix is the one of their values in f32.
  explicit QuantisedMatrix(const QuantisedRows& columns);
  ~QuantisedMatrix() override;
  void multiply(int64_t M, const float* A, int64_t lda, const float* bias, float* C,
                int64_t ldc) const override;
  size_t bytes() const override;

 private:
  QuantisedMatrix(int64_t K, int64_t N);
  void set_column(int64_t n, float scale, const int8_t* whole);  // [groups * 4], zeros beyond K
  void set_scale(int64_t n, float scale, int32_t sum);           // of a column of the given sum

  int64_t K_, N_, width_, groups_;  // columns of a panel; groups of four values of k
  int8_t* panels_ = nullptr;        // [panels, groups, width, 4]
  size_t panel_bytes_;
  std::vector<float> scales_;     // of the columns
  std::vector<int32_t> offsets_;  // 128 times the sums of the columns
};

/// A matrix X[M, K] that is written in pieces and then stands on the left of products; in bf16 when that is
/// the precision while it is made.
template <class T>
class StoredMatrix {
 public:
  StoredMatrix(int64_t M, int64_t K);
  ~StoredMatrix();
  StoredMatrix(const StoredMatrix&) = delete;
  StoredMatrix& operator=(const StoredMatrix&) = delete;
  /// Rows row, row + 1, ... get x [count, K], dense.
  void store(int64_t row, int64_t count, const T* x);
  /// Where rows row, row + 1, ... lie, dense, to be written without store(); null in bf16.
  T* rows(int64_t row);
  /// C[M, N] = X B for a dense B[K, N], and C[K, N] += X^T B for a dense B[M, N].
  void multiply(int64_t N, const T* B, T* C) const;
  void add_transposed_product(int64_t N, const T* B, T* C) const;
  /// Whether C[N, K] += B^T X takes less time than C[K, N] += X^T B.
  static bool is_faster_on_the_right(int64_t N);
  void add_product_on_the_right(int64_t N, const T* B, T* C) const;

 private:
  int64_t M_, K_;
  bool bf16_;
  size_t bytes_;
  void* data_;
};

// ---- strided copies and sums
// -----------------------------------------------------------------------------------------

void copy_strided(DType dtype, const Shape& shape, const void* x, const Strides& xs, void* y,
                  const Strides& ys);
// y += x
void add_strided(DType dtype, const Shape& shape, const void* x, const Strides& xs, void* y,
                 const Strides& ys);
void add_into(DType dtype, int64_t n, const void* x, void* y);  // y += x
/// Rows of `bytes`, each x_step and y_step bytes behind the one before, on one thread.
void copy_rows(int64_t rows, int64_t bytes, const void* x, int64_t x_step, void* y, int64_t y_step);
/// Row i of y is row ids[i] of x, of `bytes` each, on one thread. The ids are not checked.
void take_rows(int64_t n, const int64_t* ids, int64_t bytes, const void* x, void* y);
/// @{
/// y_i = value, on one thread.
void fill(int64_t n, uint32_t value, uint32_t* y);
void fill(int64_t n, uint64_t value, uint64_t* y);
void fill(int64_t n, uint8_t value, uint8_t* y);
/// @}
/// @{
/// y[c, r] = x[r, c], of elements of 4, 8 and 1 bytes, on one thread.
void transpose(int64_t rows, int64_t columns, const uint32_t* x, int64_t ldx, uint32_t* y, int64_t ldy);
void transpose(int64_t rows, int64_t columns, const uint64_t* x, int64_t ldx, uint64_t* y, int64_t ldy);
void transpose(int64_t rows, int64_t columns, const uint8_t* x, int64_t ldx, uint8_t* y, int64_t ldy);
/// @}

/// y [rows, columns], dense, gets x (rows `ld` apart) rounded to bfloat16, to nearest and ties to even; NaN
/// stays NaN.
void round_to_bf16(int64_t rows, int64_t columns, const float* x, int64_t ld, uint16_t* y);

// ---- elementwise
// -----------------------------------------------------------------------------------------------------

enum class Unary : uint8_t {
  neg,
  exp,
  log,
  tanh,
  sigmoid,
  relu,
  sqrt,
  square,
  abs,
  sign,
  expm1,
  log1p,
  rsqrt,
  reciprocal,
  sin,
  cos,
  erf,
  leaky_relu,
  elu,
  silu,
  softplus,
  gelu,
  gelu_tanh,
  clamp,
  pow,
  floor,
  ceil,
  round,  // to the even one of two that are as near
  trunc
};
/// maximum and minimum are NaN where an operand is; remainder and floor_divide are Python's % and //.
enum class Binary : uint8_t { add, sub, mul, div, maximum, minimum, pow, remainder, floor_divide };

/// A function of one element with its parameters: leaky_relu's slope, elu's alpha, clamp's two bounds, pow's
/// exponent.
struct UnaryOp {
  Unary kind;
  double first = 0, second = 0;
  constexpr UnaryOp(Unary function, double a = 0, double b = 0) : kind(function), first(a), second(b) {}
};

/// f32 in vectors; so is f64 where a function is exact or Highway's is good, elsewhere the C library's
/// (plain_math.h). x and y do not overlap.
template <class T>
void unary(const UnaryOp& op, int64_t n, const T* x, T* y);
/// dx = g * f'(x), from the input x or the result y, whichever the rule needs.
template <class T>
void unary_backward(const UnaryOp& op, int64_t n, const T* g, const T* x, const T* y, T* dx);
/// y = a op b with broadcasting expressed as strides of 0; y is dense.
template <class T>
void binary(Binary op, const Shape& shape, const T* a, const Strides& as, const T* b, const Strides& bs,
            T* y);
/// The same for dense operands of one shape, of n elements.
template <class T>
void binary_dense(Binary op, int64_t n, const T* a, const T* b, T* y);
/// y_i = a_i where condition_i, else b_i; an operand that does not move is one value.
template <class T>
void choose(int64_t n, const bool* condition, const T* a, bool a_moves, const T* b, bool b_moves, T* y);
/// y = x * scale + shift.
template <class T>
void affine(int64_t n, const T* x, T scale, T shift, T* y);
/// y = a b elementwise; y += a b.
template <class T>
void multiply_add(int64_t n, const T* a, const T* b, T* y);

// ---- reductions
// ------------------------------------------------------------------------------------------------------

/// y[o, i] = (sum over r of x[o, r, i]) / divisor, all dense; summed and divided in double.
template <class T, class Y>
void sum(int64_t outer, int64_t reduce, int64_t inner, const T* x, Y* y, double divisor = 1);
/// b, or a if it is as large (small) or NaN.
template <class T>
T more_extreme(bool largest, T a, T b) {
  return std::isnan(b) || (largest ? b > a : b < a) ? b : a;
}
/// y[o, i] = the largest, or the smallest, of x[o, r, i] over r; NaN where one is NaN. All dense; reduce > 0.
template <class T>
void extreme(bool largest, int64_t outer, int64_t reduce, int64_t inner, const T* x, T* y);
/// count[o, i] = how many of x[o, r, i] equal y[o, i].
template <class T>
void count_equal(int64_t outer, int64_t reduce, int64_t inner, const T* x, const T* y, T* count);
/// What the gradient of a reduction does with each element: b (x - a), b (x / a), b e^(x - a), or b where
/// x = a, else 0 (NaN where a is NaN).
enum class Stretch : uint8_t { centred, quotient, exponential, equal };
/// y[o, r, i] = f of x[o, r, i], a[o, i] and b[o, i].
template <class T>
void stretched(Stretch f, int64_t outer, int64_t reduce, int64_t inner, const T* x, const T* a, const T* b,
               T* y);
/// The product of n values, in double.
template <class T>
double product(int64_t n, const T* x);
/// sum of x_i^2 in double, in fixed chunks so that the bits do not depend on the thread count.
template <class T>
double sum_of_squares(int64_t n, const T* x);

// ---- softmax and cross-entropy
// ---------------------------------------------------------------------------------------

/// Rows of n values. lengths == nullptr: softmax over all; else row r covers the first lengths[r /
/// rows_per_length] values, the rest is zero, and a row of length 0 is all zeros.
template <class T>
void softmax(int64_t rows, int64_t n, const T* x, const int64_t* lengths, int64_t rows_per_length, T* y);
/// dx = y (g - sum(g y)).
template <class T>
void softmax_backward(int64_t rows, int64_t n, const T* g, const T* y, T* dx);
template <class T>
void log_softmax(int64_t rows, int64_t n, const T* x, T* y);
/// dx = g - exp(y) sum(g).
template <class T>
void log_softmax_backward(int64_t rows, int64_t n, const T* g, const T* y, T* dx);
/// log sum_i exp(x_i) of n > 0 values whose largest is `most`, without overflow: the exponentials are summed
/// in T's precision. NaN where a value is NaN.
template <class T>
double log_sum_exp(int64_t n, const T* x, T most);
/// The largest of n values; it may drop a NaN, and is -infinity of none.
template <class T>
T row_maximum(int64_t n, const T* x);
/// How many values block_maxima takes together.
constexpr int64_t kMaximaBlock = 128;
/// maxima[b] = the largest of x from b kMaximaBlock on, kMaximaBlock values or what is left of n; NaN where
/// one of them is NaN.
template <class T>
void block_maxima(int64_t n, const T* x, T* maxima);
/// y[o, i] = that over r of x[o, r, i], all dense.
template <class T>
void log_sum_exp(int64_t outer, int64_t reduce, int64_t inner, const T* x, T* y);
/// The first i with x_i > threshold or x_i NaN; n where there is none.
template <class T>
int64_t find_above(int64_t n, const T* x, T threshold);
/// Cross-entropy of softmax(logits) with label smoothing; rows whose target is `ignored` count nothing.
/// Returns the summed loss and the number of rows that count. With `gradient`, logits -> d(summed
/// loss)/d(logits), in place when gradient == logits. `bias` [n] is added to every row of logits first (null:
/// nothing). Throws IndexError for a target outside [0, n).
struct CrossEntropySum {
  double loss = 0;
  int64_t rows = 0;
};
template <class T>
CrossEntropySum cross_entropy(int64_t rows, int64_t n, const T* logits, const int64_t* targets,
                              int64_t ignored, double smoothing, T* gradient, const T* bias = nullptr);

/// Losses of x and t: (x - t)^2; |x - t|; that, below beta (x - t)^2 / (2 beta) and beta / 2 less elsewhere;
/// t softplus(-x) + (1 - t) softplus(x).
enum class PairLoss : uint8_t { mse, l1, smooth_l1, bce };
/// @{
/// Each, the sum in double, and the gradients for cotangents g (one for all, or one each) times scale; dx or
/// dt may be null.
template <class T>
void pair_loss(PairLoss kind, double beta, int64_t n, const T* x, const T* t, T* y);
template <class T>
double pair_loss_sum(PairLoss kind, double beta, int64_t n, const T* x, const T* t);
template <class T>
void pair_loss_backward(PairLoss kind, double beta, int64_t n, const T* g, bool g_moves, double scale,
                        const T* x, const T* t, T* dx, T* dt);
/// @}

// ---- layer normalisation
// ---------------------------------------------------------------------------------------------

/// Rows of n values: y = (x - mean) / sqrt(var + eps) * gain + bias. stats [rows, 3] get mean and 1 /
/// sqrt(var + eps).
template <class T>
void layer_norm(int64_t rows, int64_t n, const T* x, const T* gain, const T* bias, double eps, T* y,
                T* stats);
/// Gradients of the above; dgain and dbias [n] are overwritten.
template <class T>
void layer_norm_backward(int64_t rows, int64_t n, const T* g, const T* x, const T* gain, const T* stats,
                         T* dx, T* dgain, T* dbias);

// ---- gates, energies, dropout, optimisers
// ----------------------------------------------------------------------------

/// One LSTM step on `rows` rows. gates [rows, 4H] hold the pre-activations i, f, g, o and are replaced by the
/// activations. c_prev may be null (zeros). c = f c_prev + i g, h = o tanh(c).
template <class T>
void lstm_gates(int64_t rows, int64_t H, T* gates, const T* c_prev, T* c, T* h);
/// gates (activations) -> their pre-activation gradients, in place. dh [rows, H] is dL/dh; dc is dL/dc on
/// entry and dL/dc_prev on return.
template <class T>
void lstm_gates_backward(int64_t rows, int64_t H, T* gates, const T* c_prev, const T* c, const T* dh, T* dc);

/// Additive attention energies of one query: e[s] = v . tanh(q + keys[s]) for s < length.
template <class T>
void additive_energy(int64_t length, int64_t A, const T* query, const T* keys, const T* v, T* energy);
/// Adds the gradients of the above for dL/de = g[s]: dq, dkeys [length, A], dv.
template <class T>
void additive_energy_backward(int64_t length, int64_t A, const T* query, const T* keys, const T* v,
                              const T* g, T* dquery, T* dkeys, T* dv);
/// y[d] = sum_s w[s] x[s, d]; the dot products w[s] = x[s] . y; and x[s] += w[s] y.
template <class T>
void weighted_sum(int64_t n, int64_t D, const T* w, const T* x, T* y);
template <class T>
void dot_rows(int64_t n, int64_t D, const T* x, const T* y, T* w);
template <class T>
void add_outer(int64_t n, int64_t D, const T* w, const T* y, T* x);

/// Keys and values that a query attends to: rows of two matrices, wherever they lie.
template <class T>
struct IndexedRows {
  const T *keys, *values;
  int64_t ld_keys, ld_values;    // elements between rows
  int64_t key_size, value_size;  // elements of a row, of all heads
  const int64_t* index;          // which rows, in this order
  int64_t count;                 // how many
};
/// Scaled dot-product attention of one query [key_size] in `heads` heads: weights [heads, stride] get the
/// softmax over the rows, zeros behind them, and context [value_size] their weighted sum.
template <class T>
void indexed_attention(const IndexedRows<T>& rows, const T* query, int64_t heads, T* weights, int64_t stride,
                       T* context);

/// y[d] += x[d] on one row, inline.
template <class T>
void add_row(int64_t D, const T* x, T* y);
/// into[i] += sum over r of x[r * stride + i], in double and in the order of r.
template <class T>
void add_rows_wide(int64_t rows, int64_t n, const T* x, int64_t stride, double* into);
/// @{
/// y = x in another type, rounded to it, on one thread.
void convert(int64_t n, const float* x, double* y);
void convert(int64_t n, const double* x, float* y);
void convert(int64_t n, const double* x, double* y);
/// @}
/// @{
/// Sums over i of (x_i - mean)^2, and of g_i (x_i - mean), in double on one thread.
template <class T>
double squared_distance(int64_t n, const T* x, double mean);
template <class T>
double centred_dot(int64_t n, const T* g, const T* x, double mean);
/// @}

/// y = x * mask / (1 - p), the mask drawn from Philox (seed, stream): call it again to see the same mask. p
/// is taken in steps of 2^-16. The n elements are those from `first` on of a larger tensor, whose mask it is.
template <class T>
void dropout(int64_t n, double p, uint64_t seed, uint64_t stream, const T* x, T* y, int64_t first = 0);

/// @{
/// y[i] = uniform_from, and normal_from, of Philox (seed, stream, i): core/distributions.h, to the bit.
template <class T>
void uniform(int64_t n, uint64_t seed, uint64_t stream, double low, double high, T* y);
void normal(int64_t n, uint64_t seed, uint64_t stream, float* y);
void normal(int64_t n, uint64_t seed, uint64_t stream, double* y);
/// @}
/// y[i] = the first 64 bits of Philox (seed, stream, first + i), the first word below; on one thread.
void random_words(int64_t n, uint64_t seed, uint64_t stream, uint64_t first, uint64_t* y);
/// y[i] = start + (first + i) step, computed in f64; |first| and |first + n| at most 2^53.
template <class T>
void ramp(int64_t first, int64_t n, double start, double step, T* y);

struct AdamStep {
  double lr, beta1, beta2, eps, weight_decay;
  double bias1, bias2;  // 1 - beta^t
  double grad_scale;    // clipping factor, applied to the gradient on the way in
};
/// Adam (Kingma & Ba 2015, algorithm 1), one pass over parameter, gradient and both moments.
template <class T>
void adam(int64_t n, const AdamStep& step, const T* g, T* p, T* m, T* v);

// ---- rows
// ------------------------------------------------------------------------------------------------------------

/// y[i] = table[ids[i]]. Throws IndexError naming op, id and rows.
template <class T>
void gather_rows(const char* op, int64_t n, const int64_t* ids, int64_t rows, int64_t D, const T* table,
                 T* y);
void gather_rows(const char* op, int64_t n, const int64_t* ids, const QuantisedRows& table, float* y);
void gather_rows(const char* op, int64_t n, const int64_t* ids, const Bf16Rows& table, float* y);
/// The first i with ids[i] outside [0, bound); n where there is none.
int64_t first_outside(int64_t n, const int64_t* ids, int64_t bound);
/// table[ids[i]] += g[i], rows with equal ids summed in the order of i at any thread count.
template <class T>
void scatter_add_rows(int64_t n, const int64_t* ids, int64_t rows, int64_t D, const T* g, T* table);

// ---- what the kernels run on
// -----------------------------------------------------------------------------------------

// the instruction set that runs ours, such as AVX3; HEED_ISA=avx512|avx2|baseline forces one
std::string simd_target();
std::string blas_core();  // OpenBLAS's kernel set
std::string openblas_version();
std::string onednn_version();
std::string highway_version();

}  // namespace heed::kernels
