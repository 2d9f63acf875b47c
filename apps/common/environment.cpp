#include "apps/common/environment.h"

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>

#include "framework/core/parallel.h"

namespace heed::apps {

std::atomic<int> interrupted{0};

namespace {

std::atomic<bool> asked_to_save{false};

char** to_restart = nullptr;  // the arguments, where use_threads() is to decide

void restart(char** argv) {
  if (std::getenv("GOMP_SPINCOUNT") || std::getenv("OMP_WAIT_POLICY")) return;
  ::setenv("GOMP_SPINCOUNT", "20000", 1);    // tens of microseconds
  ::setenv("OPENBLAS_NUM_THREADS", "1", 0);  // threads of its own would never get work
  ::execv("/proc/self/exe", argv);           // comes back only if it failed; then the default serves
}

// The kernels of oneDNN's sgemm have their stack pointer in a buffer of the heap for a while. A handler that
// ran there would leave its frame among what malloc keeps, so handlers have a stack of their own. Signals to
// the process go to the main thread.
void use_signal_stack() {
  alignas(64) static char stack[size_t{1} << 16];
  stack_t place = {};
  place.ss_sp = stack;
  place.ss_size = sizeof stack;
  ::sigaltstack(&place, nullptr);
}

}  // namespace

void restart_with_short_spinning(Restart when, char** argv) {
  if (when == Restart::now) restart(argv);
  if (when == Restart::with_threads) to_restart = argv;
}

void catch_interrupts() {
  use_signal_stack();
  struct sigaction action = {};
  action.sa_handler = [](int signal) { interrupted.store(signal); };
  action.sa_flags = SA_RESETHAND | SA_ONSTACK;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  struct sigaction now = {};
  if (::sigaction(SIGHUP, nullptr, &now) == 0 && now.sa_handler != SIG_IGN)
    ::sigaction(SIGHUP, &action, nullptr);
}

void release_interrupts() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction now = {};
    if (::sigaction(signal, nullptr, &now) == 0 && now.sa_handler != SIG_IGN) std::signal(signal, SIG_DFL);
  }
}

void catch_save_requests() {
  use_signal_stack();
  struct sigaction action = {};
  action.sa_handler = [](int) { asked_to_save.store(true); };
  action.sa_flags = SA_RESTART | SA_ONSTACK;
  ::sigaction(SIGUSR1, &action, nullptr);
}

bool save_was_asked_for() { return asked_to_save.exchange(false); }

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void use_threads(int threads) {
  set_num_threads(threads > 0 ? threads : available_threads());
  if (to_restart && num_threads() > 1) restart(to_restart);
}

}  // namespace heed::apps
