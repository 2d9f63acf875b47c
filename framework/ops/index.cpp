// index(x, {...}) and index_put(x, {...}, v): parts of a tensor as PyTorch's brackets name them.
// Positions, ranges and new axes make a view of x. Tensors then choose from it: the dimensions that they
// index come to the front and are joined, and rows of the result are selected there. vjp of index_put: dx = g
// with 0 in the places; dv = g in the places, for those written last.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <variant>

#include "framework/kernels/kernels.h"
#include "framework/ops/apply.h"
#include "framework/ops/elementwise.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

// What an index names: a view of x, and tensors that choose along some of its dimensions.
struct Located {
  Tensor view;
  std::vector<int> dims;       // of the view, in order
  std::vector<Tensor> chosen;  // i64, one for each, of one shape
  Shape chosen_shape;          // their common shape
  bool side_by_side = true;    // whether the dims are neighbours

  // The view with the chosen dims in front, and its other extents.
  Tensor in_front() const {
    std::vector<int> order = dims;
    for (int i = 0; i < view.ndim(); ++i) {
      if (std::ranges::find(dims, i) == dims.end()) order.push_back(i);
    }
    return permute(view, order);
  }
  Shape rest() const {
    Shape shape;
    for (int i = 0; i < view.ndim(); ++i) {
      if (std::ranges::find(dims, i) == dims.end()) shape.push_back(view.shape()[i]);
    }
    return shape;
  }
  // For [chosen_shape..., rest...]: the order that puts chosen_shape where it belongs.
  std::vector<int> order() const {
    const int front = side_by_side ? dims.front() : 0, wide = chosen_shape.ndim();
    std::vector<int> result;
    for (int i = 0; i < front; ++i) result.push_back(wide + i);
    for (int i = 0; i < wide; ++i) result.push_back(i);
    for (int i = front; i < view.ndim() - static_cast<int>(dims.size()); ++i) result.push_back(wide + i);
    return result;
  }
  // One number for each choice: its row among the chosen dims joined.
  Tensor rows() const {
    Tensor row = zeros(chosen_shape, DType::i64);
    for (size_t i = 0; i < dims.size(); ++i) row = row * view.size(dims[i]) + chosen[i];
    return reshape(row, {row.numel()});
  }
};

// Dimensions of x that an entry takes.
int taken(const Index& entry) {
  const auto* const tensor = std::get_if<Tensor>(&entry.entry());
  if (tensor && tensor->defined() && tensor->dtype() == DType::boolean) return tensor->ndim();
  return std::holds_alternative<Ellipsis>(entry.entry()) || std::holds_alternative<NewAxis>(entry.entry())
             ? 0
             : 1;
}

// Positions along a dimension of extent n, none of them negative.
Tensor positions(const char* op, const Tensor& ids, int dim, const Shape& shape) {
  const Tensor dense = ids.contiguous(), y = empty(ids.shape(), DType::i64);
  const int64_t* const from = dense.data<int64_t>();
  for (int64_t i = 0; i < y.numel(); ++i) y.data<int64_t>()[i] = wrap_index(op, from[i], dim, shape);
  return y;
}

class Locator {
 public:
  Locator(const char* op, const Tensor& x, std::span<const Index> index) : op_(op), x_(x) {
    int named = 0, ellipses = 0;
    for (const Index& entry : index) {
      named += taken(entry);
      ellipses += std::holds_alternative<Ellipsis>(entry.entry()) ? 1 : 0;
    }
    if (ellipses > 1) throw ValueError(op, "more than one ellipsis");
    if (named > x.ndim())
      throw IndexError(op, fmt::format("{} entries for shape {}", named, x.shape().str()));
    left_ = x.ndim() - named;
    located_.view = x;
    for (const Index& entry : index) {
      std::visit([&](const auto& it) { take(it); }, entry.entry());
    }
    broadcast();
  }
  const Located& located() const { return located_; }

 private:
  void take(int64_t position) {
    const int64_t i = wrap_index(op_, position, of_x_++, x_.shape());
    located_.view = select(located_.view, at_, i);
  }
  void take(const Range& range) {
    const int64_t n = x_.shape()[of_x_++];
    const auto end = [n](std::optional<int64_t> given, int64_t otherwise) {
      if (!given) return otherwise;
      return std::clamp(*given < 0 ? *given + n : *given, int64_t{0}, n);
    };
    const int64_t start = end(range.start, 0), stop = std::max(start, end(range.stop, n));
    if (range.step < 1) throw ValueError(op_, fmt::format("the step must be at least 1, got {}", range.step));
    if (start != 0 || stop != n || range.step != 1)
      located_.view = slice(located_.view, at_, start, stop, range.step);
    ++at_;
  }
  void take(Ellipsis) { at_ += left_, of_x_ += left_; }
  void take(NewAxis) { located_.view = unsqueeze(located_.view, at_++); }
  void take(const Tensor& chosen) {
    detail::require_defined(op_, chosen);
    if (chosen.dtype() == DType::i64 && chosen.ndim() == 0) return take(*chosen.data<int64_t>());
    if (chosen.dtype() == DType::i64) return choose(positions(op_, chosen, of_x_, x_.shape()));
    if (chosen.dtype() != DType::boolean)
      throw DTypeError(op_,
                       fmt::format("a tensor in an index must be i64 or bool, got {}", chosen.describe()));
    for (int i = 0; i < chosen.ndim(); ++i) {
      if (chosen.shape()[i] != x_.shape()[of_x_ + i]) {
        throw ShapeError(op_, fmt::format("the mask {} does not fit {} at dimension {}", chosen.shape().str(),
                                          x_.shape().str(), of_x_ + i));
      }
    }
    if (chosen.ndim() == 0) {  // all of x or nothing, in a new dimension
      located_.view = unsqueeze(located_.view, at_);
      --of_x_;
      return choose(zeros({chosen.item() != 0 ? 1 : 0}, DType::i64));
    }
    const Tensor places = nonzero(chosen);  // [true elements, dimensions]
    for (int d = 0; d < chosen.ndim(); ++d) choose(select(places, 1, d));
  }
  void choose(const Tensor& places) {
    if (!located_.dims.empty() && located_.dims.back() + 1 != at_) located_.side_by_side = false;
    located_.dims.push_back(at_++);
    located_.chosen.push_back(places);
    ++of_x_;
  }
  void broadcast() {
    Shape shape;
    for (const Tensor& places : located_.chosen) shape = broadcast_shapes(op_, shape, places.shape());
    for (Tensor& places : located_.chosen) places = expand(places, shape);
    located_.chosen_shape = shape;
  }

  const char* op_;
  const Tensor& x_;
  Located located_;
  int at_ = 0, of_x_ = 0;  // the next dimension of the view, and the one of x that it is
  int left_ = 0;           // dimensions for the ellipsis
};

Shape joined(const Shape& a, const Shape& b) {
  Shape shape = a;
  for (const int64_t extent : b) shape.push_back(extent);
  return shape;
}

// Where the places of an index lie: a view, and for chosen rows the offset of each in it.
struct Places {
  Located at;
  Tensor target;                 // the view with the chosen dims in front
  std::vector<int64_t> offsets;  // of rows of target; empty where there is no choice

  Places(const char* op, const Tensor& x, std::span<const Index> index)
      : at(Locator(op, x, index).located()), target(at.dims.empty() ? at.view : at.in_front()) {
    if (at.dims.empty()) return;
    const int64_t count = at.chosen_shape.numel();
    offsets.assign(static_cast<size_t>(count), 0);
    for (size_t d = 0; d < at.dims.size(); ++d) {
      const Tensor dense = at.chosen[d].contiguous();
      for (int64_t i = 0; i < count; ++i)
        offsets[static_cast<size_t>(i)] += dense.data<int64_t>()[i] * target.strides()[static_cast<int>(d)];
    }
  }
  // The shape of the places as index() gives it.
  Shape shape() const {
    if (at.dims.empty()) return at.view.shape();
    const Shape behind = joined(at.chosen_shape, at.rest());
    Shape result;
    for (const int dim : at.order()) result.push_back(behind[dim]);
    return result;
  }
  // Writes values of shape() to the places, in order.
  void put(const Tensor& values) const {
    if (at.dims.empty()) {
      at.view.copy_(values);
      return;
    }
    ++target.body()->storage->version;
    std::vector<int> order = at.order(), back(order.size());
    for (size_t i = 0; i < order.size(); ++i) back[static_cast<size_t>(order[i])] = static_cast<int>(i);
    const Shape rest = at.rest();
    Strides strides;
    for (int i = static_cast<int>(at.dims.size()); i < target.ndim(); ++i)
      strides.push_back(target.strides()[i]);
    const Tensor rows = permute(values, back).contiguous();
    const auto size = static_cast<int64_t>(size_of(target.dtype()));
    auto* const to = static_cast<char*>(target.raw_data());
    const auto* const from = static_cast<const char*>(rows.raw_data());
    if (rest.numel() == 0) return;
    if (strides == contiguous_strides(rest)) {  // one element, or a run of them
      const auto bytes = static_cast<size_t>(rest.numel() * size);
      for (size_t i = 0; i < offsets.size(); ++i)
        std::memcpy(to + offsets[i] * size, from + i * bytes, bytes);
      return;
    }
    for (size_t i = 0; i < offsets.size(); ++i) {
      kernels::copy_strided(target.dtype(), rest, from + static_cast<int64_t>(i) * rest.numel() * size,
                            contiguous_strides(rest), to + offsets[i] * size, strides);
    }
  }
};

struct IndexPut {
  static constexpr const char* kName = "index_put";
  static constexpr int kSaved = 0;
  std::vector<Index> entries;
  Shape value_shape;
  Tensor forward(const Tensor& x, const Tensor& value, Saved&) const {
    const Tensor y = x.clone();
    const Places places(kName, y, entries);
    places.put(expand(value, places.shape()));
    return y;
  }
  void vjp(Grads& d, const Tensor& g, const Saved&) const {
    if (d.wants(0)) d.add(0, index_put(g, entries, zeros({}, g.dtype())));
    if (d.wants(1)) {
      const Tensor there = index(g, entries);
      d.add(1, sum_to(where(written_last(g, there.shape()), there, 0.0), value_shape));
    }
  }
  // Which of the places is the last that names its element.
  Tensor written_last(const Tensor& g, const Shape& shape) const {
    const NoGradGuard no_grad;
    const Tensor number = reshape(arange(shape.numel(), DType::i64), shape);
    return eq(index(index_put(full(g.shape(), -1, DType::i64), entries, number), entries), number);
  }
  static void samples(SampleList& s) {
    const auto put = [](std::vector<Index> at) {
      return [at](const auto& x) { return std::vector{index_put(x[0], at, x[1])}; };
    };
    s.add("torch.slice_scatter(a, b, 1, 1, 4, 2)", {{2, 5}, {2, 2}}, put({Range{}, Range{1, 4, 2}}));
    s.add("torch.select_scatter(a, b, 1, 2)", {{2, 3, 2}, {2, 2}}, put({ellipsis, 2, Range{}}));
    s.add("torch.index_put(a, (b,), c)", {{4, 3}, integers({2}, {3, 0}), {2, 3}},
          [](const auto& x) { return std::vector{index_put(x[0], {x[1]}, x[2])}; });
    s.add("torch.index_put(a, (b, c), d)",
          {{4, 3}, integers({2, 2}, {3, 0, 1, 1}), integers({2}, {0, 2}), {2}}, [](const auto& x) {
            return std::vector{index_put(x[0], {x[1], x[2]}, x[3])};
          });
    s.add("torch.index_put(a, (b,), c)", {{2, 3}, mask({2, 3}, {1, 0, 0, 1, 1, 0}), {}},
          [](const auto& x) { return std::vector{index_put(x[0], {x[1]}, x[2])}; });
    s.again({{4, 3}, integers({0}, {}), {0, 3}});
  }
};

struct IndexRow {
  static void samples(SampleList& s) {
    s.add("a[1, ..., None, ::2]", {{2, 3, 5}}, [](const auto& x) {
      return std::vector{index(x[0], {1, ellipsis, new_axis, Range{.step = 2}})};
    });
    s.add("a[-1, 1:-1]", {{3, 4, 2}}, [](const auto& x) {
      return std::vector{index(x[0], {-1, Range{1, -1}})};
    });
    s.add("a[b]", {{4, 3}, integers({2, 2}, {3, 0, -1, 1})},
          [](const auto& x) { return std::vector<Tensor>{x[0][x[1]]}; });
    s.add("a[:, b, c]", {{2, 3, 4}, integers({2, 1}, {2, 0}), integers({3}, {3, 3, -4})}, [](const auto& x) {
      return std::vector{index(x[0], {Range{}, x[1], x[2]})};
    });
    s.add("a[b, :, c]", {{2, 3, 4}, integers({2}, {1, 0}), integers({2}, {3, 1})}, [](const auto& x) {
      return std::vector{index(x[0], {x[1], Range{}, x[2]})};
    });
    s.add("a[b]", {{2, 3, 2}, mask({2, 3}, {1, 0, 0, 1, 1, 0})},
          [](const auto& x) { return std::vector<Tensor>{x[0][x[1]]}; });
    s.add("a[:, b]", {{0, 3}, integers({2}, {2, 0})}, [](const auto& x) {
      return std::vector{index(x[0], {Range{}, x[1]})};
    });
  }
};

}  // namespace

namespace {
void put_in_place(const char* op, const Tensor& x, std::span<const Index> entries, const Tensor& value) {
  detail::require_defined(op, x, value);
  detail::require_writable(op, x, value);
  const NoGradGuard no_grad;
  detail::composed(op, [&] {
    const Places places(op, x, entries);
    const bool shared = value.body()->storage.get() == x.body()->storage.get();  // then parts may overlap
    const Tensor fitting =
        detail::without_leading_ones(shared ? value.clone() : value.detach(), places.shape().ndim());
    places.put(expand(fitting.to(x.dtype()), places.shape()));
    return 0;
  });
}
}  // namespace

Tensor index(const Tensor& x, std::span<const Index> entries) {
  detail::require_defined("index", x);
  return detail::composed("index", [&] {
    const Located at = Locator("index", x, entries).located();
    if (at.dims.empty()) return at.view;
    if (at.dims.size() == 1) {
      const int dim = at.dims.front();
      Shape shape;
      for (int i = 0; i < at.view.ndim(); ++i) {
        if (i == dim) shape = joined(shape, at.chosen_shape);
        if (i != dim) shape.push_back(at.view.shape()[i]);
      }
      return reshape(index_select(at.view, dim, at.rows()), shape);
    }
    const Shape rest = at.rest();
    int64_t joined_extent = 1;
    for (const int dim : at.dims) joined_extent *= at.view.size(dim);
    const Tensor rows = reshape(at.in_front(), joined({joined_extent}, rest));
    const Tensor chosen = reshape(index_select(rows, 0, at.rows()), joined(at.chosen_shape, rest));
    return permute(chosen, at.order());
  });
}

Tensor index_put(const Tensor& x, std::span<const Index> entries, const Tensor& value) {
  detail::require_defined("index_put", x, value);
  std::vector<Index> kept;  // backward reads the index as it is now, whatever is written to its tensors later
  for (const Index& entry : entries) {
    const auto* const chosen = std::get_if<Tensor>(&entry.entry());
    kept.push_back(chosen && chosen->defined() ? Index(chosen->detach().clone()) : entry);
  }
  return detail::composed("index_put", [&] {
    return apply(IndexPut{kept, value.shape()}, x, value.to(x.dtype()));
  });
}
Tensor index_put(const Tensor& x, std::initializer_list<Index> entries, Scalar value) {
  detail::require_defined("index_put", x);
  return index_put(x, entries, full({}, value, x.dtype()));
}

Tensor Tensor::operator[](const Index& entry) const { return heed::index(*this, {&entry, 1}); }
TensorPart Tensor::operator[](const Tensor& chosen) const { return index({chosen}); }
TensorPart Tensor::index(std::initializer_list<Index> entries) const {
  const bool copied = std::ranges::any_of(
      entries, [](const Index& entry) { return std::holds_alternative<Tensor>(entry.entry()); });
  if (!copied) return {heed::index(*this, entries), {}, {}};
  return {heed::index(*this, entries), *this, entries};
}
void TensorPart::operator=(const Tensor& values) && {
  if (whole_.defined())
    put_in_place("assignment", whole_, index_, values);
  else
    static_cast<Tensor&&>(*this) = values;
}
void TensorPart::operator=(Scalar values) && { std::move(*this) = full({}, values, dtype()); }
const Tensor& Tensor::index_put_(std::initializer_list<Index> entries, const Tensor& value) const {
  put_in_place("index_put_", *this, {entries.begin(), entries.size()}, value);
  return *this;
}
const Tensor& Tensor::index_put_(std::initializer_list<Index> entries, Scalar value) const {
  detail::require_defined("index_put_", *this);
  return index_put_(entries, full({}, value, dtype()));
}

DEFINE_OP(index, IndexRow)
DEFINE_OP(index_put, IndexPut)

}  // namespace heed
