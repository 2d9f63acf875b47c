// A oneDNN primitive that is made once for a size and kept, and runs on plain row-major tensors: where it
// prefers another layout, what goes in and comes out is reordered on the way.
#pragma once

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "framework/core/memory_pool.h"
#include "framework/core/parallel.h"
#include "framework/kernels/onednn/compat.h"

namespace heed::kernels::onednn {

/// f32 in row-major order.
inline dnnl::memory::desc plain(const dnnl::memory::dims& dims) {
  dnnl::memory::dims strides(dims.size(), 1);
  for (size_t i = dims.size(); i-- > 1;) strides[i - 1] = strides[i] * std::max<int64_t>(dims[i], 1);
  return {dims, dnnl::memory::data_type::f32, strides};
}

// Kept primitives are a few hundred at most: batches of many shapes would make them without end, at 1 ms and
// some KB each.
template <class Map>
void bound(Map& kept) {
  constexpr size_t kMost = 512;
  if (kept.size() >= kMost) kept.clear();
}

class Task {
 public:
  Task() = default;
  explicit operator bool() const { return static_cast<bool>(primitive_); }

  void set(dnnl::primitive primitive, const dnnl::memory::desc& scratchpad) {
    primitive_ = std::move(primitive);
    add(DNNL_ARG_SCRATCHPAD, scratchpad, scratchpad, Way::own);
  }
  void input(int which, const dnnl::memory::desc& plain, const dnnl::memory::desc& wanted) {
    add(which, plain, wanted, Way::in);
  }
  void output(int which, const dnnl::memory::desc& plain, const dnnl::memory::desc& wanted) {
    add(which, plain, wanted, Way::out);
  }

  /// Pointers for the arguments that input() and output() announced, in that order.
  void run(std::initializer_list<const void*> pointers) {
    const heed::detail::ProductThreads alone;
    struct Spaces {
      std::vector<Argument>& arguments;
      ~Spaces() {
        for (Argument& a : arguments) pool_free(std::exchange(a.space, nullptr), a.bytes);
      }
    } spaces{arguments_};
    auto pointer = pointers.begin();
    for (Argument& a : arguments_) {
      void* const given = a.way == Way::own ? nullptr : const_cast<void*>(*pointer++);
      a.inner.set_data_handle(a.bytes > 0 ? a.space = pool_allocate(a.bytes) : given);
      if (!a.moves) continue;
      a.outer.set_data_handle(given);
      if (a.way == Way::in) a.move.execute(stream(), a.outer, a.inner);
    }
    primitive_.execute(stream(), table_);
    for (Argument& a : arguments_) {
      if (a.moves && a.way == Way::out) a.move.execute(stream(), a.inner, a.outer);
    }
    stream().wait();
  }

 private:
  enum class Way : uint8_t { in, out, own };
  struct Argument {
    Way way;
    bool moves = false;  // between the plain layout outside and the primitive's own
    size_t bytes = 0;    // of the pool's memory that the primitive's side needs
    dnnl::memory outer, inner;
    dnnl::reorder move;
    void* space = nullptr;
  };

  void add(int which, const dnnl::memory::desc& plain, const dnnl::memory::desc& wanted, Way way) {
    Argument a{.way = way, .moves = way != Way::own && plain != wanted};
    a.inner = dnnl::memory(wanted, engine(), nullptr);
    if (a.moves) {
      a.outer = dnnl::memory(plain, engine(), nullptr);
      a.move = way == Way::in ? dnnl::reorder(a.outer, a.inner) : dnnl::reorder(a.inner, a.outer);
    }
    if (a.moves || way == Way::own) a.bytes = wanted.get_size();
    table_[which] = a.inner;  // a memory is a handle: what run() sets is seen here
    arguments_.push_back(std::move(a));
  }

  dnnl::primitive primitive_;
  std::vector<Argument> arguments_;
  std::unordered_map<int, dnnl::memory> table_;
};

}  // namespace heed::kernels::onednn
