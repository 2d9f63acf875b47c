// A counted pointer whose count lives in the object. T has `std::atomic<int32_t> refs` and `static void destroy(T*)`.
//
// A locked instruction costs as much as a small op's arithmetic, so there are none where they can be left out: moves take none, a new
// object starts with its count of one (adopt), and the last handle destroys without counting down.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace heed {

/// A shared owner of a T; one word, thread-safe counting.
/// @tparam T has `std::atomic<int32_t> refs` and `static void destroy(T*)`
template <class T>
class IntrusivePtr {
 public:
  IntrusivePtr() = default;
  /// @param p null, or one that counts its owners
  explicit IntrusivePtr(T* p) : p_(p) { retain(); }
  /// @param fresh an object that nobody else has seen
  /// @return the first handle to it
  static IntrusivePtr adopt(T* fresh) {
    fresh->refs.store(1, std::memory_order_relaxed);
    return take(fresh);
  }
  /// @param p with a count that leave() left behind
  /// @return a handle for that count
  static IntrusivePtr take(T* p) {
    IntrusivePtr handle;
    handle.p_ = p;
    return handle;
  }
  /// @return the pointer, given away with its count
  T* leave() { return std::exchange(p_, nullptr); }
  /// @param other shares its object
  IntrusivePtr(const IntrusivePtr& other) : p_(other.p_) { retain(); }
  /// @param other gives its object up
  IntrusivePtr(IntrusivePtr&& other) noexcept : p_(std::exchange(other.p_, nullptr)) {}
  /// @param other a copy, or what was moved
  /// @return this
  IntrusivePtr& operator=(IntrusivePtr other) noexcept {
    std::swap(p_, other.p_);
    return *this;
  }
  ~IntrusivePtr() { reset(); }

  /// Lets go of the object; the last owner destroys it.
  void reset() {
    T* const p = std::exchange(p_, nullptr);
    if (!p) return;
    // A count of one is this handle's own, and nobody can copy it meanwhile.
    if (p->refs.load(std::memory_order_acquire) == 1 || p->refs.fetch_sub(1, std::memory_order_acq_rel) == 1) T::destroy(p);
  }
  /// @return the object or null
  T* get() const { return p_; }
  /// @return the object
  T* operator->() const { return p_; }
  /// @return the object
  T& operator*() const { return *p_; }
  /// @return whether there is one
  explicit operator bool() const { return p_ != nullptr; }
  /// @return whether nobody else owns it
  bool unique() const { return p_ && p_->refs.load(std::memory_order_acquire) == 1; }

 private:
  void retain() {
    if (p_) p_->refs.fetch_add(1, std::memory_order_relaxed);
  }
  T* p_ = nullptr;
};

}  // namespace heed
