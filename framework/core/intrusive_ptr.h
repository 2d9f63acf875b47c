// A reference-counted pointer whose count is stored in the object: T has `std::atomic<int32_t> refs` and
// `static void destroy(T*)`.
//
// An atomic read-modify-write costs as much as the arithmetic of a small op, so they are avoided: a move
// needs none, a new object starts with a count of one (adopt), and the last handle destroys the object
// without decrementing.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace heed {

/// A shared owner of a T: one pointer wide, with a thread-safe count.
/// @tparam T has `std::atomic<int32_t> refs` and `static void destroy(T*)`
template <class T>
class IntrusivePtr {
 public:
  IntrusivePtr() = default;
  /// @param p null, or an object whose count is raised by one
  explicit IntrusivePtr(T* p) : p_(p) { retain(); }
  /// @param fresh a new object that has no other owner
  /// @return the first handle to it
  static IntrusivePtr adopt(T* fresh) {
    fresh->refs.store(1, std::memory_order_relaxed);
    return take(fresh);
  }
  /// @param p a pointer returned by leave(), which still counts as one owner
  /// @return a handle that takes over that ownership; the count does not change
  static IntrusivePtr take(T* p) {
    IntrusivePtr handle;
    handle.p_ = p;
    return handle;
  }
  /// @return the pointer; this handle becomes null but the count stays, so the caller must hand the pointer
  ///   to take()
  T* leave() { return std::exchange(p_, nullptr); }
  /// @param other the handle whose object is shared
  IntrusivePtr(const IntrusivePtr& other) : p_(other.p_) { retain(); }
  /// @param other becomes null
  IntrusivePtr(IntrusivePtr&& other) noexcept : p_(std::exchange(other.p_, nullptr)) {}
  /// @param other the new value, copied or moved in
  /// @return this handle
  IntrusivePtr& operator=(IntrusivePtr other) noexcept {
    std::swap(p_, other.p_);
    return *this;
  }
  ~IntrusivePtr() { reset(); }

  /// Gives up the object and becomes null; the last owner destroys the object.
  void reset() {
    T* const p = std::exchange(p_, nullptr);
    if (!p) return;
    // If the count is one, this handle is the only owner, so no other thread can raise it in the meantime.
    if (p->refs.load(std::memory_order_acquire) == 1 || p->refs.fetch_sub(1, std::memory_order_acq_rel) == 1)
      T::destroy(p);
  }
  /// @return the object or null
  T* get() const { return p_; }
  /// @return the object
  T* operator->() const { return p_; }
  /// @return the object
  T& operator*() const { return *p_; }
  /// @return whether the pointer is not null
  explicit operator bool() const { return p_ != nullptr; }
  /// @return whether this handle is the object's only owner; false for null
  bool unique() const { return p_ && p_->refs.load(std::memory_order_acquire) == 1; }

 private:
  void retain() {
    if (p_) p_->refs.fetch_add(1, std::memory_order_relaxed);
  }
  T* p_ = nullptr;
};

}  // namespace heed
