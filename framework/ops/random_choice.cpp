// Random integers, orders and choices: randint, randperm, multinomial. Each call is one draw of the
// generator, so that the numbers are a function of its seed and of the calls before.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <span>

#include "framework/core/check.h"
#include "framework/core/distributions.h"
#include "framework/core/random.h"
#include "framework/kernels/kernels.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

// A bound, and below_from it by a multiplication in place of a division.
class Bound {
 public:
  explicit Bound(uint64_t bound) : bound_(bound), inverse_(UINT64_MAX / bound) {}
  std::optional<uint64_t> below_from(uint64_t word) const {
    if (word > UINT64_MAX - bound_) return detail::below_from(word, bound_);
    const auto quotient = static_cast<uint64_t>((Wide{word} * inverse_) >> 64);  // 2 too small at most
    uint64_t rest = word - quotient * bound_;
    while (rest >= bound_) rest -= bound_;
    return rest;
  }

 private:
  __extension__ using Wide = unsigned __int128;
  uint64_t bound_, inverse_;
};

// The numbers of one draw, one behind the other.
class Draw {
 public:
  uint64_t below(uint64_t bound) {
    for (;;) {
      if (const auto x = detail::below_from(word(), bound)) return *x;
    }
  }
  uint64_t below(const Bound& bound) {
    for (;;) {
      if (const auto x = bound.below_from(word())) return *x;
    }
  }
  double unit() {
    const uint64_t bits = word();
    return detail::unit_uniform(static_cast<uint32_t>(bits), static_cast<uint32_t>(bits >> 32));
  }

 private:
  static constexpr size_t kTogether = 256;
  uint64_t word() {
    if (at_ == kTogether) {
      kernels::random_words(kTogether, seed_, stream_, drawn_, words_.data());
      drawn_ += kTogether;
      at_ = 0;
    }
    return words_[at_++];
  }
  uint64_t seed_ = default_generator().seed(), stream_ = default_generator().next_stream(), drawn_ = 0;
  std::array<uint64_t, kTogether> words_;
  size_t at_ = kTogether;
};

// Sums up to and with each weight, in double.
std::vector<double> cumulative(const std::vector<double>& weights) {
  std::vector<double> sums(weights.size());
  std::partial_sum(weights.begin(), weights.end(), sums.begin());
  return sums;
}

void with_replacement(Draw& draw, const std::vector<double>& weights, std::span<int64_t> into) {
  const std::vector<double> sums = cumulative(weights);
  const auto last = std::ranges::find_if(weights.rbegin(), weights.rend(), [](double w) { return w > 0; });
  const auto most = static_cast<int64_t>(weights.rend() - last) - 1;  // the last that can be drawn
  for (int64_t& index : into) {
    const double at = draw.unit() * sums.back();
    index = std::min<int64_t>(std::ranges::upper_bound(sums, at) - sums.begin(), most);
  }
}

// The largest but `rank` of them.
double ranked_at(std::vector<double> keys, size_t rank) {
  const auto place = keys.begin() + static_cast<std::ptrdiff_t>(rank);
  std::ranges::nth_element(keys, place, std::greater());
  return *place;
}

// The largest of u^(1 / w), by their logarithms: in vectors, and those that may be among the largest once
// more by the C library, so that the choice is the same on every machine.
void without_replacement(Draw& draw, const std::vector<double>& weights, std::span<int64_t> into) {
  constexpr double kMargin = 1e-9;  // beyond what the logarithms in vectors may be wrong by
  const size_t n = weights.size(), count = into.size();
  std::vector<double> rest(n), keys(n);  // 1 - u; of what is never drawn 1
  for (size_t i = 0; i < n; ++i) rest[i] = weights[i] > 0 ? 1 - draw.unit() : 1;
  kernels::unary<double>(kernels::Unary::log, static_cast<int64_t>(n), rest.data(), keys.data());
  for (size_t i = 0; i < n; ++i) keys[i] = weights[i] > 0 ? keys[i] / weights[i] : -INFINITY;
  const double edge = count == 1 ? *std::ranges::max_element(keys) : ranked_at(keys, count - 1);
  const double least = edge + edge * kMargin;  // keys are 0 at most
  struct Candidate {
    double key;
    int64_t index;
  };
  std::vector<Candidate> candidates;
  for (size_t i = 0; i < n; ++i) {
    if (weights[i] > 0 && keys[i] >= least)
      candidates.push_back({std::log1p(rest[i] - 1) / weights[i], static_cast<int64_t>(i)});
  }
  std::ranges::partial_sort(candidates, candidates.begin() + static_cast<std::ptrdiff_t>(count),
                            [](const Candidate& a, const Candidate& b) { return a.key > b.key; });
  for (size_t k = 0; k < count; ++k) into[k] = candidates[k].index;
}

// Throws unless `count` indices can be drawn.
void check_weights(const std::vector<double>& weights, int64_t count, bool replacement, int64_t row) {
  int64_t possible = 0;
  double total = 0;
  for (const double w : weights) {
    if (!(w >= 0) || !std::isfinite(w))
      throw ValueError("multinomial", fmt::format("weight {} in row {} is negative or not finite", w, row));
    possible += w > 0 ? 1 : 0;
    total += w;
  }
  if (count == 0) return;
  if (possible == 0 || !std::isfinite(total))
    throw ValueError("multinomial", fmt::format("the weights of row {} sum to {}", row, total));
  if (!replacement && count > possible) {
    throw ValueError(
        "multinomial",
        fmt::format("{} draws without replacement from {} weights above 0 in row {}", count, possible, row));
  }
}

constexpr const char* kRandom = "random: PyTorch draws other numbers";

struct RandInt {
  static void samples(SampleList& s) {
    s.add("", {}, [](const auto&) {
       manual_seed(3);
       return std::vector{randint(-2, 5, {3, 4})};
     }).without_gradient(kRandom);
  }
};
struct RandPerm {
  static void samples(SampleList& s) {
    s.add("", {}, [](const auto&) {
       manual_seed(3);
       return std::vector{randperm(7)};
     }).without_gradient(kRandom);
  }
};
struct Multinomial {
  static void samples(SampleList& s) {
    const auto draws = [](int64_t count, bool replacement) {
      return [count, replacement](const auto& x) {
        manual_seed(3);
        return std::vector{multinomial(x[0], count, replacement)};
      };
    };
    s.add("", {positive({2, 5})}, draws(4, false)).without_gradient(kRandom);
    s.add("", {positive({3})}, draws(6, true)).without_gradient(kRandom);
    s.again({positive({0, 3})});
  }
};

}  // namespace

Tensor randint(int64_t low, int64_t high, const Shape& shape) {
  if (low >= high) throw ValueError("randint", fmt::format("nothing from {} to below {}", low, high));
  const Tensor y = detail::allocate("randint", shape, DType::i64);
  Draw draw;
  const Bound range(static_cast<uint64_t>(high) - static_cast<uint64_t>(low));
  for (int64_t& value : std::span(y.data<int64_t>(), static_cast<size_t>(y.numel())))
    value = static_cast<int64_t>(static_cast<uint64_t>(low) + draw.below(range));
  return y;
}

Tensor randperm(int64_t n) {
  const Tensor y = detail::composed("randperm", [&] { return arange(n); });
  Draw draw;
  int64_t* const order = y.data<int64_t>();
  for (int64_t i = n - 1; i > 0; --i) std::swap(order[i], order[draw.below(static_cast<uint64_t>(i) + 1)]);
  return y;
}

Tensor multinomial(const Tensor& weights, int64_t count, bool replacement) {
  detail::require_defined("multinomial", weights);
  if (!is_floating(weights.dtype()))
    throw DTypeError("multinomial", "takes f32 or f64, got " + weights.describe());
  if (weights.ndim() != 1 && weights.ndim() != 2)
    throw ShapeError("multinomial", "takes weights [C] or [B, C], got " + weights.shape().str());
  check_at_least("multinomial", "count", count, 0);
  const int64_t classes = weights.shape().back(), rows = weights.ndim() == 1 ? 1 : weights.size(0);
  const std::vector<double> all = weights.detach().to(DType::f64).to_vector<double>();
  const Tensor y =
      detail::allocate("multinomial", weights.ndim() == 1 ? Shape{count} : Shape{rows, count}, DType::i64);
  Draw draw;
  for (int64_t r = 0; r < rows; ++r) {
    const std::vector<double> row(all.begin() + r * classes, all.begin() + (r + 1) * classes);
    check_weights(row, count, replacement, r);
    if (count == 0) continue;
    (replacement ? with_replacement : without_replacement)(
        draw, row, std::span(y.data<int64_t>() + r * count, static_cast<size_t>(count)));
  }
  return y;
}

DEFINE_OP(randint, RandInt)
DEFINE_OP(randperm, RandPerm)
DEFINE_OP(multinomial, Multinomial)

}  // namespace heed
