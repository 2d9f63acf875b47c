// The one thread pool: libgomp's, which oneDNN shares. No OpenMP pragma stands anywhere else.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

namespace heed {

/// Threads that parallel_for may use.
/// @return what set_num_threads set; at first available_threads()
int num_threads();
/// For the whole process.
/// @param threads at least 1
/// @throws ValueError below 1
void set_num_threads(int threads);
/// What the container allows: CPU affinity and cgroup quota, rounded down.
/// @return at least 1
int available_threads();

/// Deterministic mode, of the whole process and off at first: the same seed gives the same bits at any number of threads. Products,
/// convolutions and what else oneDNN computes then run on one thread each; all other kernels sum in an order that never depends on the
/// number of threads, and go on using them all.
/// @param on from now on
void set_deterministic(bool on);
/// @return whether it is on
bool deterministic();

namespace detail {
/// While one lives the calling thread works alone, in deterministic mode or for a product too small for several.
class ProductThreads {
 public:
  explicit ProductThreads(bool small = false);
  ~ProductThreads();
  ProductThreads(const ProductThreads&) = delete;
  ProductThreads& operator=(const ProductThreads&) = delete;

 private:
  bool limited_;
};

using RangeFunction = void (*)(void* context, int64_t begin, int64_t end);
void parallel_ranges(int64_t n, int64_t grain, RangeFunction f, void* context);
}  // namespace detail

/// Calls f(begin, end) on ranges that together cover [0, n) once, on several threads when n > grain and inline otherwise or
/// inside another parallel_for. How the range is cut depends on the number of threads, so a reduction across ranges goes by fixed chunks
/// instead, to keep its bits the same.
/// @param n the end of the range
/// @param grain as much as one thread should have at least
/// @param f void(int64_t begin, int64_t end); the first exception is thrown on, once every thread is done
template <class F>
void parallel_for(int64_t n, int64_t grain, F&& f) {
  if (n <= grain) {
    if (n > 0) f(int64_t{0}, n);
    return;
  }
  detail::parallel_ranges(
      n, grain, [](void* context, int64_t begin, int64_t end) { (*static_cast<std::remove_reference_t<F>*>(context))(begin, end); },
      const_cast<void*>(static_cast<const void*>(&f)));
}

}  // namespace heed
