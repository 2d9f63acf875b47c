// The only thread pool: libgomp's, which oneDNN shares. No other file uses OpenMP pragmas.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

namespace heed {

/// Threads that parallel_for may use.
/// @return the number set by set_num_threads; before any call, available_threads()
int num_threads();
/// Sets the number of threads that parallel_for may use, for the whole process.
/// @param threads 1 to 1024
/// @throws ValueError for another number
void set_num_threads(int threads);
/// The number of threads that are allowed: CPU affinity, or OpenMP's places, and cgroup quota, rounded down.
/// @return 1 to 1024
int available_threads();

/// Turns deterministic mode on or off for the whole process (off by default): the same seed then gives
/// bit-identical results for any number of threads. Matrix products, convolutions and everything else that
/// oneDNN computes then run on one thread each. All other kernels still use every thread, because their order
/// of summation never depends on the number of threads.
/// @param on the new setting
void set_deterministic(bool on);
/// @return whether deterministic mode is on
bool deterministic();

namespace detail {
/// While a ProductThreads exists, the calling thread uses one thread alone if deterministic mode is on or the
/// work is too small for several.
class ProductThreads {
 public:
  explicit ProductThreads(bool small = false);
  ~ProductThreads();
  ProductThreads(const ProductThreads&) = delete;
  ProductThreads& operator=(const ProductThreads&) = delete;

 private:
  bool limited_;
};

// Whether the calling thread runs a range of a parallel_for that has several.
bool inside_parallel_for();

using RangeFunction = void (*)(void* context, int64_t begin, int64_t end);
void parallel_ranges(int64_t n, int64_t grain, RangeFunction f, void* context);
}  // namespace detail

/// Calls f(begin, end) on disjoint ranges that together cover [0, n). Runs on several threads where each
/// gets a range of at least grain; runs inline otherwise and inside another parallel_for. The ranges depend
/// on the number of threads, so a reduction that must give the same bits for any number of threads should
/// combine fixed-size chunks instead of these ranges.
/// @param n the end of the range
/// @param grain the smallest range worth giving to one thread: some 10 microseconds of work, as starting and
///   ending a parallel range takes 2 to 5
/// @param f void(int64_t begin, int64_t end); if calls throw, the first exception is rethrown after all
///   threads have finished
template <class F>
void parallel_for(int64_t n, int64_t grain, F&& f) {
  if (n / 2 < grain || n == 1) {
    if (n > 0) f(int64_t{0}, n);
    return;
  }
  detail::parallel_ranges(
      n, grain,
      [](void* context, int64_t begin, int64_t end) {
        (*static_cast<std::remove_reference_t<F>*>(context))(begin, end);
      },
      const_cast<void*>(static_cast<const void*>(&f)));
}

}  // namespace heed
