#include "framework/core/tensor.h"

#include <fmt/format.h>

#include <atomic>
#include <bit>
#include <cmath>
#include <cstring>
#include <new>
#include <numbers>

#include "framework/autograd/engine.h"
#include "framework/autograd/grad_mode.h"
#include "framework/autograd/node.h"
#include "framework/core/error.h"
#include "framework/core/memory_pool.h"
#include "framework/core/parallel.h"
#include "framework/core/random.h"
#include "framework/core/sanitizers.h"
#include "framework/kernels/configure.h"
#include "framework/kernels/kernels.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"

namespace heed {
namespace {

std::atomic<int64_t> contiguous_copy_count{0};

// applies HEED_ISA before the first kernel runs
const bool kernels_configured = (kernels::configure(), true);

// Layout of the block of a small new tensor. Under AddressSanitizer each part has its own block, so that
// overruns and uses of a destroyed body are detected.
#if HEED_ASAN
constexpr bool kOneBlock = false;
#else
constexpr bool kOneBlock = true;
#endif
constexpr size_t kHead = (sizeof(Storage) + sizeof(TensorBody) + 63) / 64 * 64;  // then the data
// up to here the pool's classes are 64 bytes apart, so nothing is wasted
constexpr size_t kLargestInside = 1024 - kHead;

// Error handling of allocations, kept out of the path that every op takes.
[[noreturn, gnu::cold, gnu::noinline]] void throw_extents(const char* op, const char* what,
                                                          const Shape& shape) {
  throw ShapeError(op, fmt::format("{} in {}", what, shape.str()));
}
[[gnu::noinline]] void* allocate_data(const char* op, const Shape& shape, DType dtype, size_t bytes) {
  try {
    return pool_allocate(bytes);
  } catch (const MemoryError&) {
    throw MemoryError(op, fmt::format("{}{} needs {} bytes, more than the system gives", name_of(dtype),
                                      shape.str(), bytes));
  }
}

// The LeafNode of a leaf may outlive the leaf in a graph; it then drops the gradient.
void forget_leaf(TensorBody* body) {
  if (!body->wants_grad || !body->grad_node) return;
  auto* const collector = static_cast<LeafNode*>(body->grad_node.get());
  collector->body = nullptr;
  collector->drop_hooks();
}

}  // namespace

void Storage::destroy(Storage* storage) noexcept {
  const size_t block_bytes = storage->block_bytes;
  if (storage->owner) [[unlikely]] {
    delete storage->owner;
  } else if (!kOneBlock || storage->bytes > kLargestInside) {
    pool_free(storage->data, storage->bytes);
  }
  storage->~Storage();
  pool_free(storage, block_bytes);
}

inline TensorBody::TensorBody(DType type, const Shape& extents, const Strides& steps)
    : dtype(type), shape(extents), strides(steps) {}

void TensorBody::destroy(TensorBody* body) noexcept {
  if (body->wants_grad) forget_leaf(body);
  // destroyed last: the body may lie in its block
  const IntrusivePtr<Storage> storage = std::move(body->storage);
  const bool in_block = body->in_block;
  body->~TensorBody();
  if (!in_block) pool_free(body, sizeof(TensorBody));
}

void detail::require_not_recording(const char* op, const Tensor& x) {
  if (GradMode::enabled() && x.requires_grad()) {
    throw GradError(op, fmt::format("the tensor {} records gradients; write in place under NoGradGuard only",
                                    x.describe()));
  }
}

void detail::require_writable(const char* op, const Tensor& x, const Tensor& values) {
  require_not_recording(op, x);
  if (GradMode::enabled() && values.requires_grad()) {
    throw GradError(
        op,
        "the values require a gradient, which would be lost: index_put() is recorded, and detach() "
        "gives the values alone");
  }
  for (int d = 0; d < x.ndim(); ++d) {
    if (x.shape()[d] > 1 && x.strides()[d] == 0 && x.numel() > 0)
      throw ValueError(op, fmt::format("several elements of the stretched {} are one", x.describe()));
  }
}

void detail::throw_undefined(const char* asked) {
  throw ValueError(asked, "the tensor is undefined, it was never given a value");
}

int64_t Tensor::size(int dim) const { return shape()[wrap_dim("size", dim, ndim())]; }

void Tensor::throw_dtype(DType wanted) const {
  if (!defined()) throw DTypeError("data", "the tensor is undefined");
  throw DTypeError("data", fmt::format("asked for {}, the tensor is {}", name_of(wanted), describe()));
}

Scalar Tensor::number() const {
  if (numel() != 1) throw ShapeError("item", fmt::format("needs one element, got {}", shape().str()));
  return dispatch_all(dtype(), [&](auto t) { return Scalar(*data<decltype(t)>()); });
}
double Tensor::item() const { return number().value(); }

double Tensor::at(std::initializer_list<int64_t> position) const {
  if (static_cast<int>(position.size()) != ndim())
    throw ShapeError("at", fmt::format("{} indices for shape {}", position.size(), shape().str()));
  int64_t offset = 0;
  int dim = 0;
  for (const int64_t i : position) {
    offset += wrap_index("at", i, dim, shape()) * strides()[dim];
    ++dim;
  }
  return dispatch_all(dtype(), [&](auto t) { return static_cast<double>(data<decltype(t)>()[offset]); });
}

template <class T, DType kDType>
std::vector<T> Tensor::to_vector() const {
  NoGradGuard no_grad;
  const Tensor dense = contiguous();
  const T* values = dense.data<T>();
  return std::vector<T>(values, values + dense.numel());
}
template std::vector<float> Tensor::to_vector() const;
template std::vector<double> Tensor::to_vector() const;
template std::vector<int64_t> Tensor::to_vector() const;
template std::vector<bool> Tensor::to_vector() const;

Tensor Tensor::contiguous() const {
  if (is_contiguous()) return *this;
  contiguous_copy_count.fetch_add(1, std::memory_order_relaxed);
  return clone();
}

Tensor Tensor::detach() const { return make_view(*this, shape(), strides(), 0); }

Tensor Tensor::to(DType target) const {
  if (target == dtype()) return *this;
  if (is_floating(target) && requires_grad() && GradMode::enabled()) return heed::cast(*this, target);
  NoGradGuard no_grad;
  const Tensor source = detail::composed("to", [&] { return contiguous(); });
  Tensor result = detail::allocate("to", shape(), target);
  dispatch_all(dtype(), [&](auto from) {
    dispatch_all(target, [&](auto into) {
      using From = decltype(from);
      using Into = decltype(into);
      const From* const x = source.data<From>();
      Into* const y = result.data<Into>();
      parallel_for(numel(), 1 << 15, [&](int64_t begin, int64_t end) {
        if constexpr (std::is_floating_point_v<From> && std::is_floating_point_v<Into>) {
          if constexpr (!std::is_same_v<From, Into>) kernels::convert(end - begin, x + begin, y + begin);
        } else {
          std::transform(x + begin, x + end, y + begin, [](auto v) { return static_cast<Into>(v); });
        }
      });
    });
  });
  return result;
}

bool Tensor::is_leaf() const {
  const TensorBody& b = detail::body_of(body(), "is_leaf");
  return b.wants_grad || !b.grad_node;
}

const Tensor& Tensor::set_requires_grad(bool wanted) const {
  if (wanted) require_training("set_requires_grad");
  if (!is_leaf())
    throw GradError("set_requires_grad", "only a leaf can be marked, this tensor was made by an op");
  if (wanted && !is_floating(dtype()))
    throw DTypeError("set_requires_grad", "only floating values have a gradient: " + describe());
  if (!wanted) {
    forget_leaf(body_.get());
    body_->grad_node.reset();
  }
  body_->wants_grad = wanted;
  // now, so that threads do not race to create it
  if (wanted && !body_->grad_node) detail::leaf_edge(body_.get());
  return *this;
}

Tensor Tensor::grad() const { return detail::body_of(body(), "grad").grad; }
void Tensor::set_grad(Tensor grad) const {
  detail::body_of(body(), "set_grad");
  if (grad.defined() && (grad.shape() != shape() || grad.dtype() != dtype())) {
    throw ShapeError("set_grad", fmt::format("{} for a tensor {}", grad.describe(), describe()));
  }
  body_->grad = std::move(grad);
}

void Tensor::backward(const Tensor& cotangent, bool retain_graph) const {
  heed::backward(*this, cotangent, retain_graph);
}

namespace {
void set_all(const Tensor& x, Scalar value) {
  Strides none;
  for (int d = 0; d < x.ndim(); ++d) none.push_back(0);
  dispatch_all(x.dtype(), [&](auto t) {
    using T = decltype(t);
    using Bits =
        std::conditional_t<sizeof(T) == 1, uint8_t, std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>>;
    const auto element = std::bit_cast<Bits>(value.as<T>());
    kernels::copy_strided(x.dtype(), x.shape(), &element, none, x.raw_data(), x.strides());
  });
}
}  // namespace

const Tensor& Tensor::fill_(Scalar value) const {
  detail::body_of(body(), "fill_");
  detail::require_not_recording("fill_", *this);
  ++body_->storage->version;
  set_all(*this, value);
  return *this;
}

const Tensor& Tensor::copy_(const Tensor& source) const {
  detail::body_of(body(), "copy_");
  detail::body_of(source.body(), "copy_");
  detail::require_writable("copy_", *this, source);
  if (source.shape() != shape() || source.dtype() != dtype()) {
    throw ShapeError("copy_", fmt::format("{} into {}", source.describe(), describe()));
  }
  const NoGradGuard no_grad;  // parts of one storage may overlap: then by a copy
  const Tensor from = source.body()->storage.get() == body_->storage.get() ? source.clone() : source;
  ++body_->storage->version;
  kernels::copy_strided(dtype(), shape(), from.raw_data(), from.strides(), raw_data(), strides());
  return *this;
}

std::string Tensor::describe() const { return defined() ? name_of(dtype()) + shape().str() : "undefined"; }

int64_t detail::countable(const char* op, const Shape& shape, DType dtype) {
  auto most = static_cast<int64_t>(size_of(dtype));
  int64_t count = 1;
  for (int i = shape.ndim() - 1; i >= 0; --i) {
    const int64_t extent = shape[i];
    if (extent < 0) throw_extents(op, "negative extent", shape);
    if (__builtin_mul_overflow(most, std::max<int64_t>(extent, 1), &most))
      throw_extents(op, "too many elements", shape);
    count *= extent;
  }
  return count;
}

Tensor detail::allocate(const char* op, const Shape& shape, DType dtype) {
  const int64_t count = countable(op, shape, dtype);
  const size_t bytes = static_cast<size_t>(count) * size_of(dtype);
  const bool inside = kOneBlock && bytes <= kLargestInside;
  const size_t block_bytes = !kOneBlock ? sizeof(Storage) : inside ? kHead + bytes : kHead;
  auto* const block = static_cast<char*>(pool_allocate(block_bytes));
  auto storage = IntrusivePtr<Storage>::adopt(new (block) Storage);
  storage->block_bytes = block_bytes;
  storage->data = inside ? block + kHead : allocate_data(op, shape, dtype, bytes);
  storage->bytes = bytes;
  void* const place = kOneBlock ? block + sizeof(Storage) : pool_allocate(sizeof(TensorBody));
  auto body = IntrusivePtr<TensorBody>::adopt(new (place) TensorBody(dtype, shape, shape));
  int64_t step = 1;
  // in place: copying a Shape would stall on these stores
  for (int i = shape.ndim(); i-- > 0; step *= shape[i]) body->strides[i] = step;
  body->in_block = kOneBlock;
  body->storage = std::move(storage);
  return Tensor(std::move(body));
}

Tensor from_memory(void* data, const Shape& shape, DType dtype, std::shared_ptr<void> owner) {
  const Tensor small = detail::allocate("from_memory", {0}, dtype);
  Storage& storage = *small.body()->storage;
  if constexpr (!kOneBlock) pool_free(storage.data, storage.bytes);
  storage.owner = new std::shared_ptr<void>(std::move(owner));
  storage.data = data;
  storage.bytes = static_cast<uint64_t>(shape.numel()) * size_of(dtype);
  return make_view(small, shape, contiguous_strides(shape), 0);
}

bool share_memory(const Tensor& to, const Tensor& from) {
  TensorBody& body = *to.body();
  const Storage& other = *from.body()->storage;
  if (!other.owner || body.storage->owner || body.dtype != from.dtype() || body.shape != from.shape() ||
      !to.is_contiguous() || !from.is_contiguous() || body.offset != 0 ||
      body.storage->bytes != static_cast<uint64_t>(to.numel()) * size_of(body.dtype) ||
      (kOneBlock && body.storage->bytes <= kLargestInside))
    return false;
  if (other.deferred && (from.body()->offset != 0 || other.bytes != body.storage->bytes)) return false;
  auto owner = std::make_unique<std::shared_ptr<void>>(*other.owner);
  pool_free(body.storage->data, body.storage->bytes);
  body.storage->data = other.deferred ? other.data.load() : from.raw_data();
  body.storage->deferred = other.deferred;
  body.storage->owner = owner.release();
  ++body.storage->version;
  return true;
}

namespace {

// What a converted tensor owns: its new values, and the storage in whose block its body lies.
struct Converted {
  Tensor values;
  IntrusivePtr<Storage> block;
};
struct DeleteConverted {  // tells such an owner from others
  void operator()(Converted* converted) const { delete converted; }
};

}  // namespace

void convert_in_place(const Tensor& x, DType dtype) {
  detail::body_of(x.body(), "convert_in_place");
  TensorBody& body = *x.body();
  if (!x.is_leaf()) throw GradError("convert_in_place", "only a leaf can be converted");
  if (!is_floating(body.dtype) || !is_floating(dtype)) {
    throw DTypeError("convert_in_place",
                     fmt::format("between f32 and f64, got {} into {}", x.describe(), name_of(dtype)));
  }
  if (body.dtype == dtype) return;
  const Tensor values = x.detach().to(dtype);
  const IntrusivePtr<Storage> old = body.storage;
  IntrusivePtr<Storage> block;
  if (body.in_block) {
    const bool again = old->owner && std::get_deleter<DeleteConverted>(*old->owner);
    block = again ? static_cast<Converted*>(old->owner->get())->block : old;
  }
  const Tensor fresh =
      from_memory(values.raw_data(), x.shape(), dtype,
                  std::shared_ptr<Converted>(new Converted{values, block}, DeleteConverted{}));
  body.storage = fresh.body()->storage;
  body.storage->version = old->version + 1;
  body.offset = 0;
  body.dtype = dtype;
  body.strides = contiguous_strides(body.shape);
  body.grad = Tensor{};
  // Only the block of the old values is kept, where nobody else has them: `old`, `block` and the new owner.
  if (kOneBlock && block.get() == old.get() && old->refs == 3 && !old->owner && old->bytes > kLargestInside) {
    pool_free(old->data, old->bytes);
    old->data = nullptr;
    old->bytes = 0;
  }
}

Tensor empty(const Shape& shape, DType dtype) { return detail::allocate("empty", shape, dtype); }

Tensor make_view(const Tensor& x, const Shape& shape, const Strides& strides, int64_t offset_from_x) {
  auto body = IntrusivePtr<TensorBody>::adopt(new (pool_allocate(sizeof(TensorBody)))
                                                  TensorBody(x.dtype(), shape, strides));
  body->offset = x.body()->offset + offset_from_x;
  body->storage = x.body()->storage;
  return Tensor(std::move(body));
}

Tensor zeros(const Shape& shape, DType dtype) {
  Tensor x = detail::allocate("zeros", shape, dtype);
  constexpr int64_t kFilled = 1 << 20;  // bytes that a thread should get at least
  auto* const bytes = static_cast<std::byte*>(x.raw_data());
  const auto each = static_cast<int64_t>(size_of(dtype));
  parallel_for(x.numel() * each, kFilled, [&](int64_t begin, int64_t end) {
    std::memset(bytes + begin, 0, static_cast<size_t>(end - begin));
  });
  return x;
}

namespace {
Tensor filled(const char* op, const Shape& shape, Scalar value, DType dtype) {
  Tensor x = detail::allocate(op, shape, dtype);
  set_all(x, value);
  return x;
}

}  // namespace

Tensor full(const Shape& shape, Scalar value, DType dtype) { return filled("full", shape, value, dtype); }
Tensor ones(const Shape& shape, DType dtype) { return filled("ones", shape, 1, dtype); }

Tensor arange(int64_t n, DType dtype) {
  Tensor x = detail::allocate("arange", {n}, dtype);
  dispatch_all(dtype, [&](auto t) {
    using T = decltype(t);
    T* const to = x.data<T>();
    if (n <= INT32_MAX) {  // whole numbers of 32 bits become floating ones in vectors
      for (int32_t i = 0, last = static_cast<int32_t>(n); i < last; ++i) to[i] = static_cast<T>(i);
      return;
    }
    for (int64_t i = 0; i < n; ++i) to[i] = static_cast<T>(i);
  });
  return x;
}

template <class T, DType kDType>
Tensor from_vector(const std::vector<T>& values, const Shape& shape) {
  if (static_cast<int64_t>(values.size()) != shape.numel()) {
    throw ShapeError("from_vector", fmt::format("{} values for shape {}", values.size(), shape.str()));
  }
  Tensor x = detail::allocate("from_vector", shape, kDType);
  std::copy(values.begin(), values.end(), x.data<T>());
  return x;
}
template Tensor from_vector(const std::vector<float>&, const Shape&);
template Tensor from_vector(const std::vector<double>&, const Shape&);
template Tensor from_vector(const std::vector<int64_t>&, const Shape&);
template Tensor from_vector(const std::vector<bool>&, const Shape&);

Tensor uniform(const Shape& shape, double low, double high, DType dtype) {
  Generator& generator = default_generator();
  const uint64_t seed = generator.seed(), stream = generator.next_stream();
  Tensor x = detail::allocate("uniform", shape, dtype);
  dispatch_floating("uniform", dtype, [&](auto t) {
    using T = decltype(t);
    kernels::uniform<T>(x.numel(), seed, stream, low, high, x.data<T>());
  });
  return x;
}

Tensor randn(const Shape& shape, DType dtype) {
  Generator& generator = default_generator();
  const uint64_t seed = generator.seed(), stream = generator.next_stream();
  Tensor x = detail::allocate("randn", shape, dtype);
  dispatch_floating("randn", dtype, [&](auto t) {
    using T = decltype(t);
    kernels::normal(x.numel(), seed, stream, x.data<T>());
  });
  return x;
}

int64_t contiguous_copies() { return contiguous_copy_count; }

}  // namespace heed
