#include "apps/cluster/ranks.h"

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>

#include "apps/cluster/mpi.h"
#include "apps/common/environment.h"
#include "apps/common/module.h"
#include "apps/common/print.h"
#include "framework/core/error.h"
#include "framework/core/parallel.h"

namespace heed::cluster {
namespace {

// Of the first variable that is set to a number; -1: none is.
int number_of(std::initializer_list<const char*> variables) {
  for (const char* name : variables) {
    const char* const value = std::getenv(name);
    if (!value) continue;
    const std::string_view text = value;
    int number = -1;
    std::from_chars(text.data(), text.data() + text.size(), number);
    if (number >= 0) return number;
  }
  return -1;
}

// Seconds after which a rank that says nothing is given up.
double time_limit() {
  const char* const text = std::getenv("HEED_MPI_TIMEOUT");
  if (!text) return 45;
  const double seconds = std::strtod(text, nullptr);
  if (!(seconds >= 1 && seconds <= 86400))
    throw ValueError("HEED_MPI_TIMEOUT", fmt::format("is seconds, from 1 to 86400, got '{}'", text));
  return seconds;
}

// All calls of MPI are made by one thread, which also says now and then that the process is there, and
// listens whether the others are: every rank to the first, the first to every rank.
class MpiRanks : public models::Ranks {
 public:
  explicit MpiRanks(const MpiModule& mpi) : mpi_(mpi), limit_(time_limit()) {
    if (const std::string why = mpi_.begin(rank_, size_); !why.empty()) throw Error("mpi", why);
    const double now = apps::steady_seconds();
    others_.assign(static_cast<size_t>(size_), {.beat = {}, .heard = now, .worked = now});
    thread_ = std::thread([this] { serve(); });
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }

  void start_sum(std::span<float> values) override {
    ++sums_;
    add({.begin = [this, values] { return mpi_.sum_floats(values.data(), values.size()); },
         .bytes = static_cast<int64_t>(values.size_bytes()),
         .is_sum = true});
  }
  void finish_sums() override {
    wait([this] { return sums_done_ == sums_; });
  }
  void sum(std::span<double> values) override {
    call([this, values] { return mpi_.sum_doubles(values.data(), values.size()); }, values.size_bytes());
  }
  void broadcast(std::span<std::byte> bytes) override {
    call([this, bytes] { return mpi_.broadcast(bytes.data(), bytes.size()); }, bytes.size());
  }
  std::vector<std::string> gather(const std::string& mine) override {
    const uint64_t own = mine.size();
    std::vector<uint64_t> sizes(static_cast<size_t>(size_));
    call([&] { return mpi_.gather_sizes(&own, sizes.data()); }, sizeof(own));
    uint64_t total = 0;
    for (const uint64_t size : sizes) total += size;
    if (total > INT32_MAX)
      throw Error("mpi",
                  fmt::format("{} MB at once are more than MPI gathers; use more parts", total >> 20U));
    std::string all(total, '\0');
    if (total > 0) call([&] { return mpi_.gather(mine.data(), all.data(), sizes.data()); }, own);
    std::vector<std::string> result;
    for (size_t at = 0; const uint64_t size : sizes) {
      result.push_back(all.substr(at, size));
      at += size;
    }
    return result;
  }
  void working() override { work_.fetch_add(1, std::memory_order_relaxed); }
  void takes_long(bool at_length) override {
    working();
    takes_long_.store(at_length);
  }
  models::Communication communication() const override {
    const std::lock_guard lock(mutex_);
    return facts_;
  }

  // After all others have said that they are done, too.
  void end() {
    takes_long(true);
    meet();
    {
      const std::lock_guard lock(mutex_);
      ends_ = true;
    }
    changed_.notify_all();
    thread_.join();
    mpi_.end();
  }
  // The thread may be within a call, which does not come back where a rank has stopped.
  void abort(int code) {
    {
      std::unique_lock lock(mutex_);
      ends_ = true;
    }
    changed_.notify_all();
    for (int i = 0; i < 100 && !thread_ended_; ++i) ::usleep(10'000);
    mpi_.abort(code);
  }

 private:
  struct Operation {
    std::function<int()> begin;
    int64_t bytes = 0;
    bool is_sum = false;
    bool* done = nullptr;
    int number = -1;
  };
  struct Other {
    Beat beat;
    double heard = 0, worked = 0;  // when it last said something, and something new
  };

  void add(Operation operation) {
    working();
    {
      const std::lock_guard lock(mutex_);
      facts_.bytes += operation.bytes;
      waiting_.push_back(std::move(operation));
    }
    changed_.notify_all();
  }

  template <class Done>
  void wait(const Done& done) {
    const double begin = apps::steady_seconds();
    waits_.store(true);
    std::unique_lock lock(mutex_);
    done_.wait(lock, [&] { return done() || !failure_.empty(); });
    facts_.waited += apps::steady_seconds() - begin;
    waits_.store(false);
    working();
    if (!done()) give_up(lock);
  }

  // The other ranks may read what this one sums and gathers until they are ended, so nothing is unwound.
  [[noreturn]] void give_up(std::unique_lock<std::mutex>& lock) {
    const Error error("ranks", failure_);
    lock.unlock();
    const std::string who = apps::speak_at_last();
    apps::note("translator: {}{}\n", who, error.what());
    abort(1);
    ::_exit(1);
  }

  void call(std::function<int()> begin, size_t bytes) {
    bool done = false;
    add({.begin = std::move(begin), .bytes = static_cast<int64_t>(bytes), .is_sum = false, .done = &done});
    wait([&] { return done; });
  }

  void serve() {
    std::deque<Operation> running;
    double since = 0, last_beat = 0;
    int idle = 0;
    std::unique_lock lock(mutex_);
    while (!ends_) {
      std::deque<Operation> fresh = std::exchange(waiting_, {});
      lock.unlock();
      const double now = apps::steady_seconds();
      if (!fresh.empty()) {
        if (running.empty()) since = now;
        idle = 0;
      }
      for (Operation& operation : fresh) {
        operation.number = operation.begin();
        running.push_back(std::move(operation));
      }
      std::vector<Operation> finished;
      for (auto one = running.begin(); one != running.end();) {
        if (mpi_.test(one->number)) {
          finished.push_back(std::move(*one));
          one = running.erase(one);
        } else {
          ++one;
        }
      }
      if (now - last_beat >= std::min(1.0, limit_ / 10)) {
        last_beat = now;
        beat();
        listen(now);
      }
      lock.lock();
      if (!finished.empty()) {
        idle = 0;
        for (const Operation& operation : finished) {
          if (operation.is_sum) ++sums_done_;
          if (operation.done) *operation.done = true;
        }
        const double end = apps::steady_seconds();
        facts_.seconds += end - since;
        since = end;
        done_.notify_all();
      }
      if (!waiting_.empty() || ends_) continue;
      if (running.empty()) {
        changed_.wait_for(lock, std::chrono::milliseconds(50), [&] { return !waiting_.empty() || ends_; });
      } else {
        lock.unlock();
        if (++idle < 20) {
          std::this_thread::yield();
        } else {
          std::this_thread::sleep_for(std::chrono::microseconds(idle < 2000 ? 30 : 200));
        }
        lock.lock();
      }
    }
    thread_ended_ = true;
  }

  void beat() {
    const Beat mine{.work = work_.load(std::memory_order_relaxed),
                    .takes_long = takes_long_.load() || waits_.load() ? 1U : 0U};
    if (rank_ > 0) return mpi_.send_beat(0, mine);
    for (int to = 1; to < size_; ++to) mpi_.send_beat(to, mine);
  }

  void listen(double now) {
    // a process that was stopped and goes on has heard nobody for a while, and that is its own fault
    const bool asleep = now - last_listened_ > limit_ / 2;
    last_listened_ = now;
    Beat beat;
    for (int from = mpi_.take_beat(beat); from >= 0; from = mpi_.take_beat(beat)) {
      Other& other = others_[static_cast<size_t>(from)];
      other.heard = now;
      if (beat.work != other.beat.work || beat.takes_long != 0) other.worked = now;
      other.beat = beat;
    }
    const int first = rank_ > 0 ? 0 : 1, last = rank_ > 0 ? 1 : size_;
    for (int i = first; i < last; ++i) {
      Other& other = others_[static_cast<size_t>(i)];
      if (asleep) other.heard = other.worked = now;
      if (now - other.heard < limit_ && now - other.worked < limit_) continue;
      const std::lock_guard lock(mutex_);
      failure_ = fmt::format("rank {} has {} for {:.0f} s, so the run ends; what was saved last is kept", i,
                             now - other.heard >= limit_ ? "not answered" : "done nothing", limit_);
      done_.notify_all();
      return;
    }
  }

  const MpiModule& mpi_;
  double limit_;
  int rank_ = 0, size_ = 1;
  std::atomic<uint32_t> work_{0};
  std::atomic<bool> takes_long_{true}, waits_{false}, thread_ended_{false};
  int64_t sums_ = 0;  // begun, of the calling thread
  double last_listened_ = apps::steady_seconds();
  std::vector<Other> others_;  // of the thread
  mutable std::mutex mutex_;   // of what follows
  std::condition_variable changed_, done_;
  std::deque<Operation> waiting_;
  int64_t sums_done_ = 0;
  models::Communication facts_;
  std::string failure_;
  bool ends_ = false;
  std::thread thread_;
};

MpiRanks* ranks = nullptr;  // until the program ends
bool done = false;

}  // namespace

Place place_of_environment() {
  Place place;
  const int slurm = std::getenv("PMIX_RANK") ? number_of({"SLURM_STEP_NUM_TASKS"}) : -1;
  place.size = std::max({1, number_of({"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"}), slurm});
  if (place.size == 1) return place;
  place.rank = std::max(0, number_of({"OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK"}));
  place.local_size = std::max(1, number_of({"OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS"}));
  return place;
}

models::Ranks* start_ranks() {
  if (ranks || place_of_environment().size == 1) return ranks;
  const auto& module =
      *static_cast<const MpiModule*>(apps::load_module(kMpiFile, kMpiSymbol, "what speaks MPI"));
  ranks = new MpiRanks(module);  // NOLINT: end_ranks() ends it, and a run that fails leaves it
  return ranks;
}

void silence_other_ranks() {
  if (const Place place = place_of_environment(); place.rank > 0) apps::keep_silent(place.rank);
}

void all_ranks_are_done() { done = true; }

int end_ranks(int code) {
  if (!ranks) return code;
  if (done) {
    try {
      ranks->end();
      return code;
    } catch (const Error& error) {
      apps::note("translator: {}\n", error.what());
      code = 1;
    }
  }
  ranks->abort(code == 0 ? 1 : code);
  return code;
}

int threads_of_rank() {
  const int allowed = available_threads();
  cpu_set_t cores;
  const bool bound = ::sched_getaffinity(0, sizeof(cores), &cores) == 0 &&
                     CPU_COUNT(&cores) < ::sysconf(_SC_NPROCESSORS_CONF);
  return bound ? allowed : std::max(1, allowed / place_of_environment().local_size);
}

}  // namespace heed::cluster
