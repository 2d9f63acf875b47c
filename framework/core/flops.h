// Counting the floating-point operations of matrix products and convolutions, where nearly all the work of a
// network lies.
#pragma once

#include <atomic>
#include <cstdint>

namespace heed {

namespace detail {
inline std::atomic<int> flop_counters{0};
inline std::atomic<int64_t> flops{0};
inline constinit thread_local int64_t flops_of_thread = 0;  // those of the calling thread

// Called by the kernels; does nothing unless a FlopCounter exists.
inline void count_flops(int64_t n) {
  if (flop_counters.load(std::memory_order_relaxed) > 0) [[unlikely]] {
    flops.fetch_add(n, std::memory_order_relaxed);
    flops_of_thread += n;
  }
}
}  // namespace detail

/// Counts the operations of all threads while the object exists. A multiplication and an addition count as
/// two operations.
class FlopCounter {
 public:
  FlopCounter() : begin_(detail::flops.load()) { ++detail::flop_counters; }
  ~FlopCounter() { --detail::flop_counters; }
  FlopCounter(const FlopCounter&) = delete;
  FlopCounter& operator=(const FlopCounter&) = delete;
  /// @return operations since this counter was constructed
  int64_t count() const { return detail::flops.load() - begin_; }

 private:
  int64_t begin_;
};

}  // namespace heed
