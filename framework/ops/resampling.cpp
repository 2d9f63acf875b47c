// interpolate, adaptive_avg_pool2d and adaptive_max_pool2d: images of other sizes.
// vjp: the first two are linear in x, and each has its transpose, whose own vjp is the map again. max: g goes
// to where the largest stands.
#include <fmt/format.h>

#include <cmath>

#include "framework/core/parallel.h"
#include "framework/core/scratch.h"
#include "framework/kernels/spatial.h"
#include "framework/ops/apply.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"
#include "framework/ops/spatial.h"

namespace heed {
namespace {

// The weights of one dimension: output o is the sum over i < width of weights[o, i] x[first[o] + i].
struct Taps {
  const char* op;
  int64_t in, count, width = 0;
  Tensor first;    // i64 [out]
  Tensor weights;  // f64 [out, width]; what is 0 is not read

  // Of any number of outputs that there is memory for.
  Taps(const char* name, int64_t in_extent, int64_t out)
      : op(name), in(in_extent), count(out), first(detail::allocate(op, {out}, DType::i64)) {}
  void widen(int64_t most) {
    width = most;
    weights = detail::allocate(op, {out(), width}, DType::f64).fill_(0);
  }
  int64_t out() const { return count; }
  int64_t& begin(int64_t o) { return first.data<int64_t>()[o]; }
  int64_t begin(int64_t o) const { return first.data<int64_t>()[o]; }
  double& weight(int64_t o, int64_t i) { return weights.data<double>()[o * width + i]; }
  // Whether every output is one input as it is, or a sum of two neighbours at most, the first of weight above
  // 0.
  bool is_copy() const { return width == 1; }
  bool is_pair() const { return width == 2; }
  // Calls f(input, weight, whether it is the first) for every weight of output o that is not 0.
  template <class F>
  void each(int64_t o, const F& f) const {
    bool begins = true;
    const int64_t at = begin(o);
    const double* const row = weights.data<double>() + o * width;
    for (int64_t i = 0; i < width; ++i) {
      if (row[i] == 0) continue;
      f(at + i, row[i], begins);
      begins = false;
    }
  }
};

Taps nearest_taps(const char* op, int64_t in, int64_t out) {
  Taps taps(op, in, out);
  taps.widen(1);
  for (int64_t o = 0; o < out; ++o) {
    taps.begin(o) = o * in / out;
    taps.weight(o, 0) = 1;
  }
  return taps;
}

Taps linear_taps(const char* op, int64_t in, int64_t out, bool align_corners) {
  Taps taps(op, in, out);
  taps.widen(2);
  for (int64_t o = 0; o < out; ++o) {
    const auto at = static_cast<double>(o), extent = static_cast<double>(in),
               wanted = static_cast<double>(out);
    const double place = align_corners ? (out > 1 ? at * (extent - 1) / (wanted - 1) : 0)
                                       : std::max(0.0, (at + 0.5) * extent / wanted - 0.5);
    const auto low = std::min(static_cast<int64_t>(place), in - 1);
    const double part = low + 1 < in ? place - static_cast<double>(low) : 0;
    taps.begin(o) = low;
    taps.weight(o, 0) = 1 - part;
    taps.weight(o, 1) = part;
  }
  return taps;
}

// Where the window of output o begins and ends.
int64_t window_begin(int64_t in, int64_t out, int64_t o) { return o * in / out; }
int64_t window_end(int64_t in, int64_t out, int64_t o) { return ((o + 1) * in + out - 1) / out; }

Taps mean_taps(const char* op, int64_t in, int64_t out) {
  Taps taps(op, in, out);
  int64_t most = 1;
  for (int64_t o = 0; o < out; ++o) {
    taps.begin(o) = window_begin(in, out, o);
    most = std::max(most, window_end(in, out, o) - taps.begin(o));
  }
  taps.widen(most);
  for (int64_t o = 0; o < out; ++o) {
    const int64_t n = window_end(in, out, o) - taps.begin(o);
    for (int64_t i = 0; i < n; ++i) taps.weight(o, i) = 1 / static_cast<double>(n);
  }
  return taps;
}

// Rows and columns of images, and the name of the op.
struct Resampling {
  const char* op;
  Taps rows, columns;

  // Calls f(image) for each image, on several threads.
  template <class F>
  static void each_image(const Tensor& x, const F& f) {
    const int64_t area = x.size(2) * x.size(3);
    parallel_for(x.size(0) * x.size(1), std::max<int64_t>(1, 16384 / std::max<int64_t>(area, 1)),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t image = begin; image < end; ++image) f(image);
                 });
  }
  // An image [rows.in, columns.in] to [rows.out(), columns.out()], a row at a time: rows are added, then
  // columns.
  template <class T>
  void forward(const T* from, T* to) const {
    const double start = rows.width == 1 && columns.width == 1 ? -0.0 : 0.0;  // copies, also of a -0
    const detail::Scratch<double> memory(columns.in);
    double* const row = memory.data();
    for (int64_t oy = 0; oy < rows.out(); ++oy, to += columns.out()) {
      if (rows.width == 1 && oy > 0 && rows.begin(oy) == rows.begin(oy - 1)) {
        std::copy_n(to - columns.out(), columns.out(), to);
        continue;
      }
      if (rows.is_copy() && columns.is_copy()) {
        const T* const x = from + rows.begin(oy) * columns.in;
        const int64_t* const at = columns.first.template data<int64_t>();
        for (int64_t ox = 0; ox < columns.out(); ++ox) to[ox] = x[at[ox]];
        continue;
      }
      rows.each(oy, [&](int64_t iy, double w, bool begins) {
        const T* const x = from + iy * columns.in;
        for (int64_t i = 0; i < columns.in; ++i)
          row[i] = w * static_cast<double>(x[i]) + (begins ? start : row[i]);
      });
      if (columns.is_pair()) {
        const int64_t* const at = columns.first.template data<int64_t>();
        const double* const w = columns.weights.template data<double>();
        for (int64_t ox = 0; ox < columns.out(); ++ox) {
          const double first = start + w[2 * ox] * row[at[ox]];
          to[ox] = static_cast<T>(w[2 * ox + 1] == 0 ? first : first + w[2 * ox + 1] * row[at[ox] + 1]);
        }
        continue;
      }
      for (int64_t ox = 0; ox < columns.out(); ++ox) {
        double total = start;
        columns.each(ox, [&](int64_t ix, double w, bool) { total += w * row[ix]; });
        to[ox] = static_cast<T>(total);
      }
    }
  }
  // The transpose: [rows.out(), columns.out()] to [rows.in, columns.in].
  template <class T>
  void backward(const T* from, T* to) const {
    const int64_t width = columns.out(), into = columns.in;
    const detail::Scratch<double> memory(rows.in * width + into);
    double *const sums = memory.data(), *const total = sums + rows.in * width;
    std::fill_n(sums, rows.in * width, 0.0);
    for (int64_t oy = 0; oy < rows.out(); ++oy, from += width) {
      rows.each(oy, [&](int64_t iy, double w, bool) {
        double* const sum = sums + iy * width;
        for (int64_t i = 0; i < width; ++i) sum[i] += w * static_cast<double>(from[i]);
      });
    }
    for (int64_t iy = 0; iy < rows.in; ++iy, to += into) {
      const double* const sum = sums + iy * width;
      std::fill_n(total, into, 0.0);
      const int64_t* const at = columns.first.template data<int64_t>();
      const double* const weight = columns.weights.template data<double>();
      if (columns.is_copy()) {
        for (int64_t ox = 0; ox < width; ++ox) total[at[ox]] += sum[ox];
      } else if (columns.is_pair()) {
        for (int64_t ox = 0; ox < width; ++ox) {
          total[at[ox]] += weight[2 * ox] * sum[ox];
          if (weight[2 * ox + 1] != 0) total[at[ox] + 1] += weight[2 * ox + 1] * sum[ox];
        }
      } else {
        for (int64_t ox = 0; ox < width; ++ox)
          columns.each(ox, [&](int64_t ix, double w, bool) { total[ix] += w * sum[ox]; });
      }
      for (int64_t i = 0; i < into; ++i) to[i] = static_cast<T>(total[i]);
    }
  }
  // y = the map of x, or of its transpose; summed in double.
  Tensor map(const Tensor& input, bool transposed) const {
    const Tensor x = input.contiguous();
    const Tensor y = empty(
        {x.size(0), x.size(1), transposed ? rows.in : rows.out(), transposed ? columns.in : columns.out()},
        x.dtype());
    const int64_t from_area = x.size(2) * x.size(3), to_area = y.size(2) * y.size(3);
    dispatch_floating(op, x.dtype(), [&](auto t) {
      using T = decltype(t);
      each_image(x, [&](int64_t image) {
        const T* const from = x.data<T>() + image * from_area;
        T* const to = y.data<T>() + image * to_area;
        transposed ? backward(from, to) : forward(from, to);
      });
    });
    return y;
  }
};

// A map under its row's name; kRow is a name known when compiling.
template <bool kTransposed>
struct Resample {
  static constexpr const char* kName = kTransposed ? "interpolate_backward" : "interpolate";
  static constexpr const char* kRow = "interpolate";
  Resampling resampling;
  Tensor forward(const Tensor& x, Saved&) const { return resampling.map(x, kTransposed); }
  void vjp(Grads& d, const Tensor& g, const Saved&) const {
    d.add(0, apply(Resample<!kTransposed>{resampling}, g));
  }
};

void check_images(const char* op, const Tensor& x, Extent2d out) {
  detail::require_defined(op, x);
  if (x.ndim() != 4) throw ShapeError(op, "takes [B, C, H, W], got " + x.shape().str());
  if (out.height < 1 || out.width < 1)
    throw ValueError(op, fmt::format("images of {}, {} have no pixels", out.height, out.width));
  if (x.size(2) < 1 || x.size(3) < 1)
    throw ShapeError(op, "there are no pixels to take values from in " + x.shape().str());
  if (!is_floating(x.dtype()))
    throw DTypeError(op, fmt::format("takes f32 or f64, got {}", name_of(x.dtype())));
}

struct AdaptiveMaxPool2d {
  static constexpr const char* kName = "adaptive_max_pool2d";
  Shape in, out;
  Tensor forward(const Tensor& input, Saved& saved) const {
    const Tensor x = input.contiguous(), y = empty(out, x.dtype());
    const Tensor places = empty({out[0] * out[1], out[2] * out[3]}, DType::i64);
    const std::vector<Window> rows = windows(in[2], out[2]), columns = windows(in[3], out[3]);
    dispatch_floating(kName, x.dtype(), [&](auto t) {
      using T = decltype(t);
      Resampling::each_image(x, [&](int64_t image) {
        const T* const from = x.data<T>() + image * in[2] * in[3];
        T* const to = y.data<T>() + image * out[2] * out[3];
        int64_t* const place = places.data<int64_t>() + image * out[2] * out[3];
        for (int64_t oy = 0, o = 0; oy < out[2]; ++oy) {
          for (int64_t ox = 0; ox < out[3]; ++ox, ++o) {
            place[o] = largest(from, window(rows, oy), window(columns, ox));
            to[o] = from[place[o]];
          }
        }
      });
    });
    saved.input(places);
    return y;
  }
  struct Window {
    int64_t begin, end;
  };
  static std::vector<Window> windows(int64_t in, int64_t out) {
    std::vector<Window> result;
    for (int64_t o = 0; o < out; ++o) result.push_back({window_begin(in, out, o), window_end(in, out, o)});
    return result;
  }
  static const Window& window(const std::vector<Window>& all, int64_t o) {
    return all[static_cast<size_t>(o)];
  }
  // The pixel of a window with the largest value: the first of equals, a NaN before all.
  template <class T>
  int64_t largest(const T* from, const Window& rows, const Window& columns) const {
    int64_t place = rows.begin * in[3] + columns.begin;
    T best = from[place];
    for (int64_t y = rows.begin; y < rows.end; ++y) {
      const int64_t row = y * in[3];
      for (int64_t x = columns.begin; x < columns.end; ++x) {
        if (from[row + x] <= best) continue;
        if (std::isnan(best)) return place;
        place = row + x;
        best = from[place];
      }
    }
    return place;
  }
  void vjp(Grads& d, const Tensor& g, const Saved& saved) const {
    const Tensor places = saved[0], none = zeros({in[0] * in[1], in[2] * in[3]}, g.dtype());
    d.add(0, reshape(scatter_add(none, 1, places, reshape(g, places.shape())), in));
  }
  static void samples(SampleList& s) {
    const auto to = [](Extent2d size) {
      return [size](const auto& x) { return std::vector{adaptive_max_pool2d(x[0], size)}; };
    };
    s.add("torch.nn.functional.adaptive_max_pool2d(a, (2, 3))", {{2, 2, 5, 4}}, to({2, 3}));
    s.add("torch.nn.functional.adaptive_max_pool2d(a, 1)", {{1, 2, 3, 2}}, to(1));
    s.add("torch.nn.functional.adaptive_max_pool2d(a, (3, 2))", {{1, 1, 2, 2}}, to({3, 2}));
    s.add("torch.nn.functional.adaptive_max_pool2d(a, 2)", {{0, 2, 3, 3}}, to(2));
  }
};
struct AdaptiveAvgPool2d {
  static void samples(SampleList& s) {
    const auto to = [](Extent2d out) {
      return [out](const auto& x) { return std::vector{adaptive_avg_pool2d(x[0], out)}; };
    };
    s.add("torch.nn.functional.adaptive_avg_pool2d(a, (2, 3))", {{2, 2, 5, 4}}, to({2, 3}));
    s.add("torch.nn.functional.adaptive_avg_pool2d(a, 1)", {{1, 2, 3, 2}}, to(1));
    s.add("torch.nn.functional.adaptive_avg_pool2d(a, (3, 2))", {{1, 1, 2, 2}}, to({3, 2}));
    s.add("torch.nn.functional.adaptive_avg_pool2d(a, 2)", {{0, 2, 3, 3}}, to(2));
  }
};
struct Interpolate {
  static void samples(SampleList& s) {
    const auto add = [&](const char* arguments, const Shape& x, Extent2d out, Interpolation how,
                         bool align_corners = false) {
      s.add(fmt::format("torch.nn.functional.interpolate(a, {})", arguments),
            {SampleInput(x, SampleInput::Fill::normal)}, [out, how, align_corners](const auto& in) {
              return std::vector{interpolate(in[0], out, how, align_corners)};
            });
    };
    add("(5, 7), mode='bilinear'", {2, 2, 3, 4}, {5, 7}, Interpolation::bilinear);
    add("(4, 3)", {1, 2, 2, 5}, {4, 3}, Interpolation::nearest);
    add("(5, 2), mode='bilinear', align_corners=True", {1, 1, 4, 4}, {5, 2}, Interpolation::bilinear, true);
    add("(1, 3), mode='bilinear', align_corners=True", {1, 1, 3, 1}, {1, 3}, Interpolation::bilinear, true);
    add("(2, 2)", {0, 2, 4, 4}, 2, Interpolation::nearest);
  }
};

}  // namespace

Tensor interpolate(const Tensor& x, Extent2d size, Interpolation how, bool align_corners) {
  check_images("interpolate", x, size);
  if (align_corners && how == Interpolation::nearest)
    throw ValueError("interpolate", "align_corners is of bilinear interpolation alone");
  const auto taps = [&](int64_t in, int64_t out) {
    return how == Interpolation::nearest ? nearest_taps("interpolate", in, out)
                                         : linear_taps("interpolate", in, out, align_corners);
  };
  return apply(Resample<false>{{"interpolate", taps(x.size(2), size.height), taps(x.size(3), size.width)}},
               x);
}

Tensor adaptive_avg_pool2d(const Tensor& x, Extent2d size) {
  check_images("adaptive_avg_pool2d", x, size);
  constexpr const char* kOp = "adaptive_avg_pool2d";
  return apply(
      Resample<false>{{kOp, mean_taps(kOp, x.size(2), size.height), mean_taps(kOp, x.size(3), size.width)}},
      x);
}

Tensor adaptive_max_pool2d(const Tensor& x, Extent2d size) {
  check_images("adaptive_max_pool2d", x, size);
  return apply(AdaptiveMaxPool2d{x.shape(), {x.size(0), x.size(1), size.height, size.width}}, x);
}

DEFINE_OP(interpolate, Interpolate)
DEFINE_OP(adaptive_avg_pool2d, AdaptiveAvgPool2d)
DEFINE_OP(adaptive_max_pool2d, AdaptiveMaxPool2d)

}  // namespace heed
