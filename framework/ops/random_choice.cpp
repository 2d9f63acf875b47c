// Random integers, orders and choices: randint, randperm, multinomial. Each call is one draw of the
// generator, so that the numbers are a function of its seed and of the calls before.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "framework/core/check.h"
#include "framework/core/distributions.h"
#include "framework/core/random.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

// The numbers of one draw, one behind the other.
class Draw {
 public:
  uint64_t below(uint64_t bound) {
    for (;;) {
      const auto words = next();
      if (const auto x = detail::below_from(uint64_t{words[1]} << 32 | words[0], bound)) return *x;
    }
  }
  double unit() {
    const auto words = next();
    return detail::unit_uniform(words[0], words[1]);
  }

 private:
  std::array<uint32_t, 4> next() { return philox(seed_, stream_, index_++); }
  uint64_t seed_ = default_generator().seed(), stream_ = default_generator().next_stream(), index_ = 0;
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

// The largest of u^(1 / w), by their logarithms.
void without_replacement(Draw& draw, const std::vector<double>& weights, std::span<int64_t> into) {
  std::vector<double> keys;
  for (const double w : weights) keys.push_back(w > 0 ? std::log1p(-draw.unit()) / w : -INFINITY);
  std::vector<int64_t> order(weights.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::partial_sort(
      order, order.begin() + static_cast<std::ptrdiff_t>(into.size()),
      [&](int64_t i, int64_t j) { return keys[static_cast<size_t>(i)] > keys[static_cast<size_t>(j)]; });
  std::copy_n(order.begin(), into.size(), into.begin());
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
  const uint64_t range = static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
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
