// A counted pointer whose count lives in the object. T has `std::atomic<int32_t> refs` and `static void destroy(T*)`.
//
// A locked instruction costs as much as a small op's arithmetic, so there are none where they can be left out: moves take none, a new
// object starts with its count of one (adopt), and the last handle destroys without counting down.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace heed {

template <class T>
class IntrusivePtr {
 public:
  IntrusivePtr() = default;
  explicit IntrusivePtr(T* p) : p_(p) { retain(); }
  /// The first handle to an object that nobody else has seen.
  static IntrusivePtr adopt(T* fresh) {
    fresh->refs.store(1, std::memory_order_relaxed);
    return take(fresh);
  }
  /// A handle for a count that leave() left behind.
  static IntrusivePtr take(T* p) {
    IntrusivePtr handle;
    handle.p_ = p;
    return handle;
  }
  /// Gives the pointer away with its count.
  T* leave() { return std::exchange(p_, nullptr); }
  IntrusivePtr(const IntrusivePtr& other) : p_(other.p_) { retain(); }
  IntrusivePtr(IntrusivePtr&& other) noexcept : p_(std::exchange(other.p_, nullptr)) {}
  IntrusivePtr& operator=(IntrusivePtr other) noexcept {
    std::swap(p_, other.p_);
    return *this;
  }
  ~IntrusivePtr() { reset(); }

  void reset() {
    T* const p = std::exchange(p_, nullptr);
    if (!p) return;
    // A count of one is this handle's own, and nobody can copy it meanwhile.
    if (p->refs.load(std::memory_order_acquire) == 1 || p->refs.fetch_sub(1, std::memory_order_acq_rel) == 1) T::destroy(p);
  }
  T* get() const { return p_; }
  T* operator->() const { return p_; }
  T& operator*() const { return *p_; }
  explicit operator bool() const { return p_ != nullptr; }
  bool unique() const { return p_ && p_->refs.load(std::memory_order_acquire) == 1; }

 private:
  void retain() {
    if (p_) p_->refs.fetch_add(1, std::memory_order_relaxed);
  }
  T* p_ = nullptr;
};

}  // namespace heed
