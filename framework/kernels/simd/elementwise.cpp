// Elementwise kernels, row reductions' building blocks and optimiser passes, for float and double.
#include "framework/kernels/simd/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "framework/kernels/simd/elementwise.cpp"
#include <hwy/foreach_target.h>

#include "framework/core/distributions.h"
#include "framework/core/parallel.h"
#include "framework/core/random.h"
#include "framework/kernels/kernels.h"
#include "framework/kernels/simd/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace heed::kernels {
namespace HWY_NAMESPACE {

template <class T>
void UnaryKernel(Unary op, int64_t n, const T* x, T* y) {
  const hn::ScalableTag<T> d;
  switch (op) {
    case Unary::neg:
      return Map(n, x, y, [](auto v) { return hn::Neg(v); });
    case Unary::exp:
      return Map(n, x, y, [d](auto v) { return SafeExp(d, v); });
    case Unary::log:
      return Map(n, x, y, [d](auto v) { return SafeLog(d, v); });
    case Unary::tanh:
      return Map(n, x, y, [d](auto v) { return SafeTanh(d, v); });
    case Unary::sigmoid:
      return Map(n, x, y, [d](auto v) { return SafeSigmoid(d, v); });
    case Unary::relu:
      return Map(n, x, y,
                 [d](auto v) { return KeepNaN(d, v, hn::IfThenElseZero(hn::Gt(v, hn::Zero(d)), v)); });
    case Unary::sqrt:
      return Map(n, x, y, [](auto v) { return hn::Sqrt(v); });
    case Unary::square:
      return Map(n, x, y, [](auto v) { return hn::Mul(v, v); });
    case Unary::abs:
      return Map(n, x, y, [](auto v) { return hn::Abs(v); });
  }
}

template <class T>
void UnaryBackwardKernel(Unary op, int64_t n, const T* g, const T* x, const T* y, T* dx) {
  const hn::ScalableTag<T> d;
  const auto one = hn::Set(d, T{1});
  switch (op) {
    case Unary::neg:
      return Map(n, g, dx, [](auto v) { return hn::Neg(v); });
    case Unary::exp:
      return Map2(n, g, y, dx, [](auto a, auto b) { return hn::Mul(a, b); });
    case Unary::log:
      return Map2(n, g, x, dx, [](auto a, auto b) { return hn::Div(a, b); });
    case Unary::tanh:
      return Map2(n, g, y, dx, [one](auto a, auto b) { return hn::Mul(a, hn::NegMulAdd(b, b, one)); });
    case Unary::sigmoid:
      return Map2(n, g, y, dx, [one](auto a, auto b) { return hn::Mul(a, hn::Mul(b, hn::Sub(one, b))); });
    case Unary::relu:
      return Map2(n, g, y, dx, [d](auto a, auto b) { return hn::IfThenElseZero(hn::Gt(b, hn::Zero(d)), a); });
    case Unary::sqrt:
      return Map2(n, g, y, dx, [d](auto a, auto b) { return hn::Div(hn::Mul(a, hn::Set(d, T(0.5))), b); });
    case Unary::square:
      return Map2(n, g, x, dx, [](auto a, auto b) { return hn::Mul(a, hn::Add(b, b)); });
    case Unary::abs:
      return Map2(n, g, x, dx, [d](auto a, auto b) {
        const auto zero = hn::Zero(d);
        return hn::IfThenElse(hn::Gt(b, zero), a, hn::IfThenElse(hn::Lt(b, zero), hn::Neg(a), zero));
      });
  }
}

// One dense output row from operands that advance by 0 or 1.
template <class T, class F>
void BinaryRow(int64_t n, const T* a, bool a_moves, const T* b, bool b_moves, T* y, const F& f) {
  const hn::ScalableTag<T> d;
  if (a_moves && b_moves) return Map2(n, a, b, y, f);
  if (a_moves) {
    const auto vb = hn::Set(d, *b);
    return Map(n, a, y, [&](auto v) { return f(v, vb); });
  }
  const auto va = hn::Set(d, *a);
  if (b_moves) return Map(n, b, y, [&](auto v) { return f(va, v); });
  const auto value = hn::GetLane(f(va, hn::Set(d, *b)));
  for (int64_t i = 0; i < n; ++i) y[i] = value;
}

template <class T>
void BinaryKernel(Binary op, int64_t n, const T* a, bool a_moves, const T* b, bool b_moves, T* y) {
  switch (op) {
    case Binary::add:
      return BinaryRow(n, a, a_moves, b, b_moves, y, [](auto p, auto q) { return hn::Add(p, q); });
    case Binary::sub:
      return BinaryRow(n, a, a_moves, b, b_moves, y, [](auto p, auto q) { return hn::Sub(p, q); });
    case Binary::mul:
      return BinaryRow(n, a, a_moves, b, b_moves, y, [](auto p, auto q) { return hn::Mul(p, q); });
    case Binary::div:
      return BinaryRow(n, a, a_moves, b, b_moves, y, [](auto p, auto q) { return hn::Div(p, q); });
  }
}

template <class T>
void AffineKernel(int64_t n, const T* x, T scale, T shift, T* y) {
  const hn::ScalableTag<T> d;
  const auto a = hn::Set(d, scale), b = hn::Set(d, shift);
  Map(n, x, y, [=](auto v) { return hn::MulAdd(v, a, b); });
}

template <class T>
void MultiplyAddKernel(int64_t n, const T* a, const T* b, T* y) {
  Lanewise<T>(n, [&](int64_t, const auto& load, const auto& store, auto) {
    store(hn::MulAdd(load(a), load(b), load(y)), y);
  });
}

template <class T>
void AddIntoKernel(int64_t n, const T* x, T* y) {
  Map2(n, x, y, y, [](auto a, auto b) { return hn::Add(a, b); });
}

void RoundToBf16Kernel(int64_t n, const float* x, uint16_t* y) {
  const hn::ScalableTag<uint32_t> d;
  const hn::Rebind<uint16_t, decltype(d)> d16;
  const hn::RebindToFloat<decltype(d)> df;
  const auto half = hn::Set(d, 0x7FFFU), one = hn::Set(d, 1U), quiet = hn::Set(d, 0x40U);
  const auto round = [&](auto v) {
    const auto bits = hn::BitCast(d, v), high = hn::ShiftRight<16>(bits);
    const auto rounded = hn::ShiftRight<16>(hn::Add(bits, hn::Add(half, hn::And(high, one))));
    return hn::TruncateTo(d16, hn::IfThenElse(hn::RebindMask(d, hn::IsNaN(v)), hn::Or(high, quiet), rounded));
  };
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(round(hn::LoadU(df, x + i)), d16, y + i);
  for (; i < n; ++i) y[i] = hn::GetLane(round(hn::Set(df, x[i])));
}

template <class T>
double SumKernel(int64_t n, const T* x) {
  return WideSum(n, [x](auto d, int64_t i) { return Widen(d, x + i); });
}

template <class T>
double SumOfSquaresKernel(int64_t n, const T* x) {
  return WideSum(n, [x](auto d, int64_t i) {
    const auto v = Widen(d, x + i);
    return hn::Mul(v, v);
  });
}

template <class T>
void AdamKernel(int64_t n, const AdamStep& s, const T* g, T* p, T* m, T* v) {
  const hn::ScalableTag<T> d;
  const auto scale = hn::Set(d, static_cast<T>(s.grad_scale)),
             decay = hn::Set(d, static_cast<T>(s.weight_decay));
  const auto beta1 = hn::Set(d, static_cast<T>(s.beta1)), rest1 = hn::Set(d, static_cast<T>(1 - s.beta1));
  const auto beta2 = hn::Set(d, static_cast<T>(s.beta2)), rest2 = hn::Set(d, static_cast<T>(1 - s.beta2));
  const auto step = hn::Set(d, static_cast<T>(s.lr / s.bias1)), eps = hn::Set(d, static_cast<T>(s.eps));
  const auto root = hn::Set(d, static_cast<T>(1 / std::sqrt(s.bias2)));
  Lanewise<T>(n, [&](int64_t, const auto& load, const auto& store, auto) {
    const auto value = load(p);
    const auto gradient = hn::MulAdd(load(g), scale, hn::Mul(decay, value));
    const auto first = hn::MulAdd(beta1, load(m), hn::Mul(rest1, gradient));
    const auto second = hn::MulAdd(beta2, load(v), hn::Mul(rest2, hn::Mul(gradient, gradient)));
    store(first, m);
    store(second, v);
    store(hn::Sub(value, hn::Div(hn::Mul(step, first), hn::MulAdd(hn::Sqrt(second), root, eps))), p);
  });
}

// Philox 4x32-10 on 16 consecutive blocks, so that a chunk of 128 elements is the same whatever the vector
// length: element 16 (2 w + half) + block takes the given half of word w.
constexpr int64_t kBlocks = 16;
constexpr int64_t kChunk = 8 * kBlocks;

#if HWY_TARGET == HWY_SCALAR
inline void DropoutBits(uint64_t seed, uint64_t stream, uint64_t chunk, uint32_t* words /* [4][16] */) {
  for (int64_t b = 0; b < kBlocks; ++b) {
    const auto block = philox(seed, stream, chunk * kBlocks + static_cast<uint64_t>(b));
    for (int64_t w = 0; w < 4; ++w) words[w * kBlocks + b] = block[static_cast<size_t>(w)];
  }
}
#else
template <class D32, class V>
void MulHiLo(D32 d32, V a, V b, V& high, V& low) {
  const hn::Repartition<uint64_t, D32> d64;
  const auto even = hn::BitCast(d64, hn::MulEven(a, b));
  const auto odd = hn::BitCast(d64, hn::MulEven(hn::BitCast(d32, hn::ShiftRight<32>(hn::BitCast(d64, a))),
                                                hn::BitCast(d32, hn::ShiftRight<32>(hn::BitCast(d64, b)))));
  const auto low_mask = hn::Set(d64, uint64_t{0xFFFFFFFF});
  low = hn::BitCast(d32, hn::Or(hn::And(even, low_mask), hn::ShiftLeft<32>(odd)));
  high = hn::BitCast(d32, hn::Or(hn::ShiftRight<32>(even), hn::AndNot(low_mask, odd)));
}

inline void DropoutBits(uint64_t seed, uint64_t stream, uint64_t chunk, uint32_t* words /* [4][16] */) {
  const hn::CappedTag<uint32_t, 16> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto m0 = hn::Set(d, 0xD2511F53U), m1 = hn::Set(d, 0xCD9E8D57U);
  for (int64_t b = 0; b < kBlocks; b += lanes) {
    // kBlocks divides 2^32: the high word is constant here
    const uint64_t first = chunk * kBlocks + static_cast<uint64_t>(b);
    auto c0 = hn::Iota(d, static_cast<uint32_t>(first)), c1 = hn::Set(d, static_cast<uint32_t>(first >> 32));
    auto c2 = hn::Set(d, static_cast<uint32_t>(stream)), c3 = hn::Set(d, static_cast<uint32_t>(stream >> 32));
    auto k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
    for (int round = 0; round < 10; ++round) {
      auto high0 = c0, low0 = c0, high1 = c0, low1 = c0;
      MulHiLo(d, c0, m0, high0, low0);
      MulHiLo(d, c2, m1, high1, low1);
      c0 = hn::Xor(hn::Xor(high1, c1), hn::Set(d, k0));
      c1 = low1;
      c2 = hn::Xor(hn::Xor(high0, c3), hn::Set(d, k1));
      c3 = low0;
      k0 += 0x9E3779B9U;
      k1 += 0xBB67AE85U;
    }
    hn::StoreU(c0, d, words + b);
    hn::StoreU(c1, d, words + kBlocks + b);
    hn::StoreU(c2, d, words + 2 * kBlocks + b);
    hn::StoreU(c3, d, words + 3 * kBlocks + b);
  }
}
#endif

template <class T>
void DropoutKernel(int64_t first_chunk, int64_t n, double p, uint64_t seed, uint64_t stream, const T* x,
                   T* y) {
  const detail::DropoutRule rule(p);
  const T keep = static_cast<T>(rule.scale);
  uint32_t words[4 * kBlocks];
  T scale[kChunk];
  for (int64_t start = 0; start < n; start += kChunk) {
    DropoutBits(seed, stream, static_cast<uint64_t>(first_chunk + start / kChunk), words);
    for (int64_t w = 0; w < 4; ++w) {
      for (int64_t b = 0; b < kBlocks; ++b) {
        const uint32_t word = words[w * kBlocks + b];
        scale[2 * w * kBlocks + b] = rule.keeps(word & 0xFFFF) ? keep : T{0};
        scale[(2 * w + 1) * kBlocks + b] = rule.keeps(word >> 16) ? keep : T{0};
      }
    }
    Map2(std::min(kChunk, n - start), x + start, scale, y + start,
         [](auto a, auto b) { return hn::Mul(a, b); });
  }
}

#define HEED_TYPED(name)                   \
  constexpr auto& name##F32 = name<float>; \
  constexpr auto& name##F64 = name<double>;
HEED_TYPED(UnaryKernel)
HEED_TYPED(UnaryBackwardKernel)
HEED_TYPED(BinaryKernel)
HEED_TYPED(AffineKernel)
HEED_TYPED(MultiplyAddKernel)
HEED_TYPED(AddIntoKernel)
HEED_TYPED(SumKernel)
HEED_TYPED(SumOfSquaresKernel)
HEED_TYPED(AdamKernel)
HEED_TYPED(DropoutKernel)
#undef HEED_TYPED

}  // namespace HWY_NAMESPACE
}  // namespace heed::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <vector>

#include "framework/kernels/simd/dispatch.h"

namespace heed::kernels {
HEED_EXPORT(UnaryKernel)
HEED_EXPORT(UnaryBackwardKernel)
HEED_EXPORT(BinaryKernel)
HEED_EXPORT(AffineKernel)
HEED_EXPORT(MultiplyAddKernel)
HEED_EXPORT(AddIntoKernel)
HWY_EXPORT(RoundToBf16Kernel);
HEED_EXPORT(SumKernel)
HEED_EXPORT(SumOfSquaresKernel)
HEED_EXPORT(AdamKernel)
HEED_EXPORT(DropoutKernel)

namespace {
constexpr int64_t kGrain = 1 << 15;  // elements a thread should get at least
}

template <class T>
void unary(Unary op, int64_t n, const T* x, T* y) {
  parallel_for(n, kGrain, [&](int64_t b, int64_t e) { HEED_DISPATCH(UnaryKernel)(op, e - b, x + b, y + b); });
}
template <class T>
void unary_backward(Unary op, int64_t n, const T* g, const T* x, const T* y, T* dx) {
  parallel_for(n, kGrain, [&](int64_t b, int64_t e) {
    HEED_DISPATCH(UnaryBackwardKernel)(op, e - b, g + b, x ? x + b : nullptr, y ? y + b : nullptr, dx + b);
  });
}
template <class T>
void affine(int64_t n, const T* x, T scale, T shift, T* y) {
  parallel_for(n, kGrain, [&](int64_t b, int64_t e) {
    HEED_DISPATCH(AffineKernel)(e - b, x + b, scale, shift, y + b);
  });
}
template <class T>
void multiply_add(int64_t n, const T* a, const T* b, T* y) {
  parallel_for(n, kGrain, [&](int64_t i, int64_t e) {
    HEED_DISPATCH(MultiplyAddKernel)(e - i, a + i, b + i, y + i);
  });
}
void add_into(DType dtype, int64_t n, const void* x, void* y) {
  dispatch_floating("add", dtype, [&](auto t) {
    using T = decltype(t);
    const T* from = static_cast<const T*>(x);
    T* into = static_cast<T*>(y);
    parallel_for(n, kGrain, [&](int64_t b, int64_t e) {
      HEED_DISPATCH(AddIntoKernel)(e - b, from + b, into + b);
    });
  });
}

void round_to_bf16(int64_t rows, int64_t columns, const float* x, int64_t ld, uint16_t* y) {
  if (columns == 0) return;
  if (ld == columns) {
    parallel_for(rows * columns, kGrain, [&](int64_t b, int64_t e) {
      HWY_DYNAMIC_DISPATCH(RoundToBf16Kernel)(e - b, x + b, y + b);
    });
    return;
  }
  parallel_for(rows, std::max<int64_t>(1, kGrain / columns), [&](int64_t b, int64_t e) {
    for (int64_t r = b; r < e; ++r)
      HWY_DYNAMIC_DISPATCH(RoundToBf16Kernel)(columns, x + r * ld, y + r * columns);
  });
}

namespace {

// Drops dimensions of extent 1 and joins neighbours that both operands walk alike, so that rows get long.
void collapse(Shape& shape, Strides& as, Strides& bs) {
  Shape s, a, b;
  for (int i = 0; i < shape.ndim(); ++i) {
    if (shape[i] == 1) continue;
    const int last = s.ndim() - 1;
    if (last >= 0 && a[last] == as[i] * shape[i] && b[last] == bs[i] * shape[i]) {
      s[last] *= shape[i];
      a[last] = as[i];
      b[last] = bs[i];
    } else {
      s.push_back(shape[i]);
      a.push_back(as[i]);
      b.push_back(bs[i]);
    }
  }
  if (s.ndim() == 0) {
    s.push_back(1);
    a.push_back(0);
    b.push_back(0);
  }
  shape = s;
  as = a;
  bs = b;
}

template <class T>
const T* packed_row(const T* x, int64_t stride, int64_t n, std::vector<T>& scratch) {
  if (stride == 0 || stride == 1) return x;
  scratch.resize(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) scratch[static_cast<size_t>(i)] = x[i * stride];
  return scratch.data();
}

}  // namespace

template <class T>
void binary_dense(Binary op, int64_t n, const T* a, const T* b, T* y) {
  parallel_for(n, kGrain, [&](int64_t i, int64_t e) {
    HEED_DISPATCH(BinaryKernel)(op, e - i, a + i, true, b + i, true, y + i);
  });
}

template <class T>
void binary(Binary op, const Shape& full, const T* a, const Strides& as, const T* b, const Strides& bs,
            T* y) {
  if (full.numel() == 0) return;
  Shape shape = full;
  Strides sa = as, sb = bs;
  collapse(shape, sa, sb);
  const int last = shape.ndim() - 1;
  const int64_t n = shape[last], rows = shape.numel() / n, ia = sa[last], ib = sb[last];
  if (rows == 1 && ia <= 1 && ib <= 1) {
    parallel_for(n, kGrain, [&](int64_t from, int64_t to) {
      HEED_DISPATCH(BinaryKernel)(op, to - from, a + from * ia, ia == 1, b + from * ib, ib == 1, y + from);
    });
    return;
  }
  parallel_for(rows, std::max<int64_t>(1, kGrain / n), [&](int64_t from, int64_t to) {
    std::vector<T> scratch_a, scratch_b;
    for (int64_t r = from; r < to; ++r) {
      int64_t rest = r, at_a = 0, at_b = 0;
      for (int d = last - 1; d >= 0; --d) {
        const int64_t i = rest % shape[d];
        rest /= shape[d];
        at_a += i * sa[d];
        at_b += i * sb[d];
      }
      HEED_DISPATCH(BinaryKernel)
      (op, n, packed_row(a + at_a, ia, n, scratch_a), ia != 0, packed_row(b + at_b, ib, n, scratch_b),
       ib != 0, y + r * n);
    }
  });
}

template <class T, class Y>
void sum(int64_t outer, int64_t reduce, int64_t inner, const T* x, Y* y, double divisor) {
  if (inner == 1) {
    parallel_for(outer, std::max<int64_t>(1, kGrain / std::max<int64_t>(reduce, 1)),
                 [&](int64_t b, int64_t e) {
                   for (int64_t o = b; o < e; ++o)
                     y[o] = static_cast<Y>(HEED_DISPATCH(SumKernel)(reduce, x + o * reduce) / divisor);
                 });
    return;
  }
  constexpr int64_t kColumns = 256;  // a tile of columns stays in cache while the rows are added to it
  const int64_t tiles = (inner + kColumns - 1) / kColumns;
  parallel_for(
      outer * tiles, std::max<int64_t>(1, kGrain / std::max<int64_t>(reduce * std::min(inner, kColumns), 1)),
      [&](int64_t b, int64_t e) {
        for (int64_t i = b; i < e; ++i) {
          const int64_t o = i / tiles, from = i % tiles * kColumns, n = std::min(kColumns, inner - from);
          double total[kColumns] = {};
          add_rows_wide(reduce, n, x + o * reduce * inner + from, inner, total);
          for (int64_t k = 0; k < n; ++k) y[o * inner + from + k] = static_cast<Y>(total[k] / divisor);
        }
      });
}

template <class T>
double sum_of_squares(int64_t n, const T* x) {
  constexpr int64_t kChunk = 8192;
  const int64_t chunks = (n + kChunk - 1) / kChunk;
  std::vector<double> partial(static_cast<size_t>(chunks));
  parallel_for(chunks, 8, [&](int64_t b, int64_t e) {
    for (int64_t c = b; c < e; ++c) {
      partial[static_cast<size_t>(c)] =
          HEED_DISPATCH(SumOfSquaresKernel)(std::min(kChunk, n - c * kChunk), x + c * kChunk);
    }
  });
  double total = 0;
  for (const double p : partial) total += p;
  return total;
}

template <class T>
void adam(int64_t n, const AdamStep& step, const T* g, T* p, T* m, T* v) {
  parallel_for(n, kGrain, [&](int64_t b, int64_t e) {
    HEED_DISPATCH(AdamKernel)(e - b, step, g + b, p + b, m + b, v + b);
  });
}

template <class T>
void dropout(int64_t n, double p, uint64_t seed, uint64_t stream, const T* x, T* y, int64_t first) {
  constexpr int64_t kElements = 128;  // one chunk of random bits
  int64_t chunk = first / kElements;
  if (const int64_t before = first % kElements; before > 0) {  // begins within a chunk
    const int64_t head = std::min(n, kElements - before);
    T from[kElements] = {}, to[kElements];
    std::copy_n(x, head, from + before);
    HEED_DISPATCH(DropoutKernel)(chunk, before + head, p, seed, stream, from, to);
    std::copy_n(to + before, head, y);
    x += head, y += head, n -= head, ++chunk;
  }
  parallel_for((n + kElements - 1) / kElements, kGrain / kElements, [&](int64_t b, int64_t e) {
    const int64_t from = b * kElements, to = std::min(n, e * kElements);
    HEED_DISPATCH(DropoutKernel)(chunk + b, to - from, p, seed, stream, x + from, y + from);
  });
}

#define HEED_INSTANTIATE(T)                                                                           \
  template void unary(Unary, int64_t, const T*, T*);                                                  \
  template void unary_backward(Unary, int64_t, const T*, const T*, const T*, T*);                     \
  template void affine(int64_t, const T*, T, T, T*);                                                  \
  template void multiply_add(int64_t, const T*, const T*, T*);                                        \
  template void binary_dense(Binary, int64_t, const T*, const T*, T*);                                \
  template void binary(Binary, const Shape&, const T*, const Strides&, const T*, const Strides&, T*); \
  template void sum(int64_t, int64_t, int64_t, const T*, float*, double);                             \
  template void sum(int64_t, int64_t, int64_t, const T*, double*, double);                            \
  template double sum_of_squares(int64_t, const T*);                                                  \
  template void adam(int64_t, const AdamStep&, const T*, T*, T*, T*);                                 \
  template void dropout(int64_t, double, uint64_t, uint64_t, const T*, T*, int64_t);
HEED_INSTANTIATE(float)
HEED_INSTANTIATE(double)

}  // namespace heed::kernels
#endif
