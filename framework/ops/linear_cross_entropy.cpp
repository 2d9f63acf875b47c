// linear_cross_entropy(x, W, b, targets) = cross_entropy(linear(x, W, b), targets), fused: rows of logits are
// made, scored and turned into their gradient a few at a time, while they are in cache, so neither
// probabilities nor a second [N, V] are ever stored.
// vjp, with G = dlogits of cross_entropy:  dx = g G W, dW = g G^T x, db = g sum of G over rows
// Of a long x not even G is stored whole: it does not depend on g, so forward turns all blocks of its rows
// but the last into their part of G W and G^T x at once, and lets them go.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <variant>

#include "framework/kernels/kernels.h"
#include "framework/ops/apply.h"
#include "framework/ops/cross_entropy.h"
#include "framework/ops/naming.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

// Rows of G [N, V] that are stored at a time: all of them, unless blocks and the products [N, D] and [V, D]
// of those before the last take less memory.
int64_t block_rows(int64_t N, int64_t D, int64_t V) {
  constexpr int64_t kBlock = 256;
  return N * V > kBlock * V + (N + V) * D ? kBlock : std::max<int64_t>(N, 1);
}

// G = d(summed loss)/d(logits), for backward: its last rows, and what came of those before. x [N, D] and
// weight [V, D], which are dense, are the same in all calls.
template <class T>
class LogitGradient {
 public:
  // `wanted`: whether x and whether weight needs a gradient.
  LogitGradient(const Tensor& x, const Tensor& weight, std::array<bool, 2> wanted)
      : N_(x.size(0)),
        D_(x.size(1)),
        V_(weight.size(0)),
        block_rows_(block_rows(N_, D_, V_)),
        wanted_(wanted),
        turned_(kernels::StoredMatrix<T>::is_faster_on_the_right(D_)),
        bias_(static_cast<size_t>(V_)) {}

  // Where the next rows of G are best computed; null: anywhere.
  T* next_rows(const Tensor& x, const Tensor& weight) {
    if (row_ == first_ + block_rows_ || !block_) begin_block(x, weight);
    return block_->rows(row_ - first_);
  }
  // The next rows of G, which do not go over the end of a block: at next_rows(), or elsewhere. `sum`: whether
  // their sum is needed.
  void store(int64_t count, const T* rows, bool sum) {
    if (rows != block_->rows(row_ - first_)) block_->store(row_ - first_, count, rows);
    if (sum) kernels::add_rows_wide(count, V_, rows, V_, bias_.data());
    row_ += count;
  }

  // scale G W
  Tensor of_input(double scale, const Tensor& weight) const {
    const Tensor dx = empty({N_, D_}, weight.dtype());
    T* const last = dx.data<T>() + first_ * D_;
    if (block_) block_->multiply(D_, weight.data<T>(), last);
    const auto scaled = [&](T v) { return v * static_cast<T>(scale); };
    if (first_ > 0) std::transform(dx_.data<T>(), dx_.data<T>() + first_ * D_, dx.data<T>(), scaled);
    std::transform(last, last + (N_ - first_) * D_, last, scaled);
    return dx;
  }
  // Adds scale G^T x to dw [V, D].
  void add_of_weight(double scale, const Tensor& x, const Tensor& dw) const {
    if (first_ > 0) {
      const Tensor before = turned_ ? transpose(dw_).contiguous() : dw_;
      std::transform(dw.data<T>(), dw.data<T>() + V_ * D_, before.data<T>(), dw.data<T>(),
                     [&](T sum, T v) { return sum + v * static_cast<T>(scale); });
    }
    if (!block_) return;
    const Tensor last = (slice(x, 0, first_, N_) * scale).contiguous();
    block_->add_transposed_product(D_, last.data<T>(), dw.data<T>());
  }
  // The sum of G over all rows, [V].
  const std::vector<double>& of_bias() const { return bias_; }

 private:
  // Turns the block that is full into its products, and begins one behind it.
  void begin_block(const Tensor& x, const Tensor& weight) {
    if (block_ && wanted_[0]) {
      if (first_ == 0) dx_ = empty({N_, D_}, x.dtype());
      block_->multiply(D_, weight.data<T>(), dx_.data<T>() + first_ * D_);
    }
    if (block_ && wanted_[1]) {
      if (first_ == 0) dw_ = zeros(turned_ ? Shape{D_, V_} : Shape{V_, D_}, x.dtype());
      const T* const rows = x.data<T>() + first_ * D_;
      if (turned_) {
        block_->add_product_on_the_right(D_, rows, dw_.data<T>());
      } else {
        block_->add_transposed_product(D_, rows, dw_.data<T>());
      }
    }
    block_.reset();  // its memory serves the next one
    first_ = row_;
    block_ = std::make_unique<kernels::StoredMatrix<T>>(std::min(block_rows_, N_ - first_), V_);
  }

  int64_t N_, D_, V_, block_rows_;
  std::array<bool, 2> wanted_;
  std::unique_ptr<kernels::StoredMatrix<T>> block_;  // rows first_, first_ + 1, ... of G
  int64_t first_ = 0, row_ = 0;                      // of the block; of the next row to come
  bool turned_;                                      // whether dw_ is [D, V]
  Tensor dx_, dw_;                                   // of the rows before first_
  std::vector<double> bias_;
};

struct LinearCrossEntropy {
  static constexpr const char* kName = "linear_cross_entropy";
  static constexpr int kSaved = 3;
  Tensor targets;  // the op's own: backward reads them again
  CrossEntropyOptions options;
  std::shared_ptr<std::variant<std::monostate, LogitGradient<float>, LogitGradient<double>>> kept;

  Tensor forward(const Tensor& x, const Tensor& weight, const Tensor& bias, Saved& saved) const {
    Tensor loss = zeros({}, x.dtype());
    dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      const auto total =
          run<T>(x.contiguous(), weight.contiguous(), bias.defined() ? bias.contiguous() : bias, saved);
      if (total.rows > 0) *loss.data<T>() = static_cast<T>(total.loss / static_cast<double>(total.rows));
    });
    saved.input(x);
    saved.input(weight);
    saved.input(bias);
    return loss;
  }

  template <class T>
  kernels::CrossEntropySum run(const Tensor& x, const Tensor& weight, const Tensor& bias,
                               const Saved& saved) const {
    const int64_t N = x.shape()[0], D = x.shape()[1], V = weight.shape()[0];
    // Rows of logits that a core's cache holds, about 2 MB.
    const int64_t piece = std::clamp<int64_t>(
        (int64_t{2} << 20) / (std::max<int64_t>(V, 1) * static_cast<int64_t>(sizeof(T))) / 16 * 16, 16, 64);
    const kernels::PackedMatrix<T> projection(D, V, weight.data<T>(), 1, D, piece);
    LogitGradient<T>* const gradient =
        saved.recording()
            ? &kept->emplace<LogitGradient<T>>(x, weight, std::array{saved.wants(0), saved.wants(1)})
            : nullptr;
    Tensor apart;  // logits that do not lie in the gradient
    const int64_t block = block_rows(N, D, V);
    kernels::CrossEntropySum total;
    for (int64_t row = 0, count = 0; row < N; row += count) {
      count = std::min({piece, N - row, block - row % block});  // none goes over the end of a block
      T* logits = gradient ? gradient->next_rows(x, weight) : nullptr;
      if (!logits) {
        if (!apart.defined()) apart = empty({std::min(N, piece), V}, x.dtype());
        logits = apart.data<T>();
      }
      projection.multiply(count, x.data<T>() + row * D, D, T{0}, logits, V);
      const auto part = kernels::cross_entropy<T>(
          count, V, logits, targets.data<int64_t>() + row, options.padding_id, options.label_smoothing,
          gradient ? logits : nullptr, bias.defined() ? bias.data<T>() : nullptr);
      total.loss += part.loss;
      total.rows += part.rows;
      if (gradient) gradient->store(count, logits, bias.defined());
    }
    return total;
  }

  void release() { *kept = std::monostate{}; }

  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const Tensor x = saved[0], weight = saved[1], bias = saved[2];
    if (GradMode::enabled()) {
      const Tensor dlogits = composed_cross_entropy_gradient(linear(x, weight, bias), targets, options) * g;
      if (d.wants(0)) d.add_matmul(0, dlogits, weight);
      if (d.wants(1)) d.add_matmul(1, transpose(dlogits), x);
      if (d.wants(2)) d.add(2, sum(dlogits, {0}));
      return;
    }
    const std::vector<int64_t> ids = targets.to_vector<int64_t>();
    const int64_t counted = targets.numel() - std::count(ids.begin(), ids.end(), options.padding_id);
    const double scale = g.item() / static_cast<double>(std::max<int64_t>(counted, 1));
    dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      const auto& gradient = std::get<LogitGradient<T>>(*kept);
      if (d.wants(0)) d.add(0, gradient.of_input(scale, weight.contiguous()));
      if (d.wants(1)) gradient.add_of_weight(scale, x, d.buffer(1, weight.shape(), weight.dtype()));
      if (d.wants(2)) d.add(2, (from_vector(gradient.of_bias(), bias.shape()) * scale).to(bias.dtype()));
    });
  }
  static void samples(SampleList& s) {
    const auto run = [](double smoothing, int64_t ignored) {
      return [=](const auto& x) {
        return std::vector{linear_cross_entropy(x[0], x[1], x[2], x[3], {smoothing, ignored})};
      };
    };
    s.add("torch.nn.functional.cross_entropy(torch.nn.functional.linear(a, b, c), d)",
          {{3, 4}, {5, 4}, {5}, integers({3}, {4, 0, 2})}, run(0, -100));
    s.add(
        "torch.nn.functional.cross_entropy(torch.nn.functional.linear(a, b, c), d, ignore_index=0, "
        "label_smoothing=0.1)",
        {{4, 3}, {6, 3}, {6}, integers({4}, {5, 0, 2, 0})}, run(0.1, 0));
    s.add("", {{0, 3}, {6, 3}, {6}, integers({0}, {})}, run(0, -100)).reason =
        "the mean over no rows is 0 in heed, NaN in PyTorch";
  }
};

}  // namespace

Tensor linear_cross_entropy(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& targets,
                            CrossEntropyOptions options) {
  detail::require_defined("linear_cross_entropy", x, weight);
  if (x.ndim() != 2 || weight.ndim() != 2 || x.shape()[1] != weight.shape()[1]) {
    throw ShapeError("linear_cross_entropy",
                     fmt::format("input {} does not fit weight {}", x.shape().str(), weight.shape().str()));
  }
  if (bias.defined() && bias.shape() != Shape{weight.shape()[0]}) {
    throw ShapeError("linear_cross_entropy",
                     fmt::format("bias {} does not fit weight {}", bias.shape().str(), weight.shape().str()));
  }
  if (x.dtype() != weight.dtype() || (bias.defined() && bias.dtype() != x.dtype())) {
    throw DTypeError("linear_cross_entropy",
                     fmt::format("dtypes differ: {} and {}", x.describe(), weight.describe()));
  }
  check_cross_entropy("linear_cross_entropy", {x.shape()[0], weight.shape()[0]}, targets, options);
  if (options.class_weights.defined()) {
    return detail::composed("linear_cross_entropy",
                            [&] { return cross_entropy(linear(x, weight, bias), targets, options); });
  }
  return apply(LinearCrossEntropy{targets.clone(), options,
                                  std::make_shared<decltype(LinearCrossEntropy::kept)::element_type>()},
               x, weight, bias);
}

DEFINE_OP(linear_cross_entropy, LinearCrossEntropy)

}  // namespace heed
