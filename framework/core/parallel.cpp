// parallel_for calls libgomp's entry point itself, so that ThreadSanitizer can be told of the hand-over and
// the join.
#include "framework/core/parallel.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <fstream>
#include <string>

#include "framework/core/autocast.h"
#include "framework/core/error.h"
#include "framework/core/flops.h"
#include "framework/core/sanitizers.h"

extern "C" {
void GOMP_parallel(void (*fn)(void*), void* data, unsigned num_threads, unsigned flags);
int omp_get_thread_num(void);
int omp_get_num_threads(void);
int omp_in_parallel(void);
void omp_set_num_threads(int);
int omp_get_max_threads(void);
int omp_get_num_places(void);
int omp_get_place_num_procs(int);
#if HEED_TSAN
void __tsan_release(void*);
void __tsan_acquire(void*);
#endif
}

namespace heed {
namespace {

#if HEED_TSAN
void tsan_release(void* p) { __tsan_release(p); }
void tsan_acquire(void* p) { __tsan_acquire(p); }
#else
void tsan_release(void*) {}
void tsan_acquire(void*) {}
#endif

constexpr int kMostThreads = 1024;  // OpenMP ends the process where it has no memory for a team

int cgroup_quota(int fallback) {
  double quota = 0, period = 0;
  if (std::ifstream v2("/sys/fs/cgroup/cpu.max"); v2) {
    std::string first;
    if (v2 >> first >> period && first != "max") quota = std::stod(first);
  } else {
    std::ifstream("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") >> quota;
    std::ifstream("/sys/fs/cgroup/cpu/cpu.cfs_period_us") >> period;
  }
  if (quota <= 0 || period <= 0) return fallback;
  return std::max(1, std::min(fallback, static_cast<int>(quota / period)));
}

std::atomic<int>& threads() {
  static std::atomic<int> count{[] {
    const int n = available_threads();
    omp_set_num_threads(n);
    return n;
  }()};
  return count;
}

struct Job {
  detail::RangeFunction f;
  void* context;
  int64_t n;
  int64_t ranges;
  bool rounded;
  std::atomic<int64_t> flops{0};  // of the threads that help
  std::atomic<bool> failed{false};
  std::exception_ptr error;  // the first exception thrown
};

void run_share(void* data) {
  tsan_acquire(data);
  Job& job = *static_cast<Job*>(data);
  const detail::RoundedProducts rounded(job.rounded);
  const int64_t id = omp_get_thread_num(), team = omp_get_num_threads();
  const int64_t flops_before = detail::flops_of_thread;
  try {
    for (int64_t r = id; r < job.ranges; r += team) {
      const int64_t begin = job.n * r / job.ranges, end = job.n * (r + 1) / job.ranges;
      if (begin < end) job.f(job.context, begin, end);
    }
  } catch (...) {
    if (!job.failed.exchange(true)) job.error = std::current_exception();
  }
  if (id != 0) job.flops.fetch_add(detail::flops_of_thread - flops_before, std::memory_order_relaxed);
  tsan_release(data);
}

}  // namespace

int available_threads() {
  cpu_set_t set;
  CPU_ZERO(&set);
  const int affinity = ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  // OMP_PLACES and its kind bind this thread to a place, and the team's to the others
  int in_places = 0;
  for (int place = 0; place < omp_get_num_places(); ++place) in_places += omp_get_place_num_procs(place);
  return cgroup_quota(std::clamp(in_places > 0 ? in_places : affinity, 1, kMostThreads));
}

namespace {
std::atomic<bool> is_deterministic{false};
thread_local int alone = 0;  // number of ProductThreads objects that limit the calling thread
}  // namespace

int num_threads() { return alone > 0 ? 1 : threads().load(std::memory_order_relaxed); }

void set_deterministic(bool on) { is_deterministic = on; }
bool deterministic() { return is_deterministic.load(std::memory_order_relaxed); }

detail::ProductThreads::ProductThreads(bool small) : limited_(small || deterministic()) {
  if (limited_) ++alone;
  // OpenMP's count is each thread's own
  if (const int n = num_threads(); omp_get_max_threads() != n) omp_set_num_threads(n);
}
detail::ProductThreads::~ProductThreads() {
  if (limited_ && --alone == 0) omp_set_num_threads(num_threads());
}

void set_num_threads(int n) {
  if (n < 1 || n > kMostThreads)
    throw ValueError("set_num_threads", fmt::format("takes 1 to {} threads, got {}", kMostThreads, n));
  threads().store(n);
  omp_set_num_threads(n);
}

namespace detail {

bool inside_parallel_for() { return omp_in_parallel() != 0; }

void parallel_ranges(int64_t n, int64_t grain, RangeFunction f, void* context) {
  if (n <= 0) return;
  const int64_t wanted = std::min<int64_t>(num_threads(), n / std::max<int64_t>(grain, 1));
  if (wanted <= 1 || omp_in_parallel()) {
    f(context, 0, n);
    return;
  }
  Job job{f, context, n, wanted, RoundedProducts::active()};
  tsan_release(&job);
  GOMP_parallel(run_share, &job, static_cast<unsigned>(wanted), 0);
  tsan_acquire(&job);
  flops_of_thread += job.flops.load(std::memory_order_relaxed);
  if (job.error) std::rethrow_exception(job.error);
}

}  // namespace detail
}  // namespace heed
