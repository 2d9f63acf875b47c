// While libraries are loaded this program stays on one CPU, so that OpenBLAS, which counts CPUs then and
// makes a thread for each, makes none: heed never uses them (one pool for everything), and starting, waiting
// of and ending them take a fourth of a short command's time. libgomp counts one CPU, too, so a program of
// several threads starts itself again (restart_with_short_spinning); then, as for users who have set what
// that sets, nothing of this happens.
#include <sched.h>

#include <string_view>

namespace {

cpu_set_t allowed;  // before
bool confined = false;

bool is_set(char** environment, std::string_view name) {
  for (; *environment; ++environment) {
    const std::string_view entry = *environment;
    if (entry.starts_with(name) && entry.substr(name.size()).starts_with('=')) return true;
  }
  return false;
}

// Before any library is started, the C library included: nothing but system calls.
void stay_on_one_cpu(int, char**, char** environment) {
  // what a restart sets, and what says on which CPUs threads are
  for (const char* name : {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "OPENBLAS_NUM_THREADS", "OMP_PLACES",
                           "OMP_PROC_BIND", "GOMP_CPU_AFFINITY"}) {
    if (is_set(environment, name)) return;
  }
  const int here = ::sched_getcpu();
  if (here < 0 || ::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(here, &one);
  confined = ::sched_setaffinity(0, sizeof one, &one) == 0;
}

// Called before the constructors of shared libraries (System V ABI, chapter 5; of an executable alone).
__attribute__((section(".preinit_array"), used)) void (*const before_libraries)(int, char**,
                                                                                char**) = stay_on_one_cpu;

// After those of the libraries, and before this program's other ones.
__attribute__((constructor(101))) void use_all_cpus() {
  if (confined) ::sched_setaffinity(0, sizeof allowed, &allowed);
}

}  // namespace
