// Tensors as text.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ostream>
#include <vector>

#include "framework/autograd/grad_mode.h"
#include "framework/core/tensor.h"

namespace heed {
namespace {

constexpr int64_t kAllUpTo = 1000;  // elements of a tensor that is shown as a whole
constexpr int64_t kEdge = 3;        // elements that are shown at each end of a dimension otherwise
constexpr size_t kColumns = 80;     // of a line

// An element: whole numbers keep all of their digits.
struct Element {
  double value;
  int64_t whole;
};

// How all elements of a tensor are written, so that they stand below each other.
class Format {
 public:
  Format(DType dtype, const std::vector<Element>& shown) : dtype_(dtype) {
    double least = INFINITY, most = 0;
    for (const auto& [v, _] : shown) {
      if (!std::isfinite(v)) continue;
      whole_ = whole_ && v == std::floor(v);
      if (v != 0) least = std::min(least, std::abs(v));
      most = std::max(most, std::abs(v));
    }
    const bool far_apart = most > 1e8 || most / least > 1000;
    scientific_ = whole_ ? most > 1e8 : far_apart || (most > 0 && least < 1e-4);
    for (const Element& element : shown) width_ = std::max(width_, text(element).size());
  }
  std::string of(const Element& element) const { return fmt::format("{:>{}}", text(element), width_); }
  size_t width() const { return width_; }

 private:
  std::string text(const Element& element) const {
    const double v = element.value;
    if (dtype_ == DType::boolean) return v != 0 ? "true" : "false";
    if (dtype_ == DType::i64) return fmt::format("{}", element.whole);
    if (std::isnan(v)) return "nan";
    if (!std::isfinite(v)) return fmt::format("{}", v);
    return scientific_ ? fmt::format("{:.4e}", v)
           : whole_    ? fmt::format("{:.0f}.", v)
                       : fmt::format("{:.4f}", v);
  }
  DType dtype_;
  bool whole_ = true, scientific_ = false;
  size_t width_ = 0;
};

class Printer {
 public:
  explicit Printer(const Tensor& x) : x_(x), shortened_(x.numel() > kAllUpTo), format_(x.dtype(), shown()) {}
  std::string text() {
    write(0, 0);
    return std::move(text_);
  }

 private:
  // Calls f with each index of a dimension that is shown; -1 where some are left out.
  template <class F>
  void each(int dim, const F& f) const {
    const int64_t n = x_.shape()[dim];
    const bool cut = shortened_ && n > 2 * kEdge;
    for (int64_t i = 0; i < n; ++i) {
      if (cut && i == kEdge) {
        f(int64_t{-1});
        i = n - kEdge;
      }
      f(i);
    }
  }
  Element value(int64_t offset) const {
    return dispatch_all(x_.dtype(), [&](auto t) {
      const auto v = x_.data<decltype(t)>()[offset];
      return Element{static_cast<double>(v),
                     std::is_same_v<decltype(t), int64_t> ? static_cast<int64_t>(v) : 0};
    });
  }
  void collect(int dim, int64_t offset, std::vector<Element>& into) const {
    if (dim == x_.ndim()) return into.push_back(value(offset));
    each(dim, [&](int64_t i) {
      if (i >= 0) collect(dim + 1, offset + i * x_.strides()[dim], into);
    });
  }
  std::vector<Element> shown() const {
    std::vector<Element> values;
    collect(0, 0, values);
    return values;
  }
  void write(int dim, int64_t offset) {
    if (dim == x_.ndim()) {
      text_ += format_.of(value(offset));
      return;
    }
    const bool last = dim + 1 == x_.ndim();
    const auto indent = static_cast<size_t>(dim) + 1;
    const size_t in_line = std::max<size_t>(1, (kColumns - indent) / (format_.width() + 2));
    size_t written = 0;
    text_ += '[';
    each(dim, [&](int64_t i) {
      if (written > 0) {
        const bool wrapped = last ? written % in_line == 0 : true;
        text_ +=
            wrapped ? last ? ",\n" : "," + std::string(static_cast<size_t>(x_.ndim() - dim - 1), '\n') : ", ";
        if (wrapped) text_.append(indent, ' ');
      }
      ++written;
      if (i < 0) {
        text_ += "...";
      } else {
        write(dim + 1, offset + i * x_.strides()[dim]);
      }
    });
    text_ += ']';
  }

  const Tensor& x_;
  bool shortened_;
  Format format_;
  std::string text_;
};

}  // namespace

std::string Tensor::str() const {
  if (!defined()) return "undefined";
  const NoGradGuard no_grad;
  const std::string values = numel() == 0 ? "[]" : Printer(*this).text();
  return values + (values.find('\n') == std::string::npos ? "  " : "\n") + describe();
}

std::ostream& operator<<(std::ostream& out, const Tensor& x) { return out << x.str(); }
std::ostream& operator<<(std::ostream& out, const Shape& x) { return out << x.str(); }
std::ostream& operator<<(std::ostream& out, DType x) { return out << name_of(x); }

}  // namespace heed
