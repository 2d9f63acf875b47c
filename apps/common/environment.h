// What the programs ask of the process around them: threads, signals, the clock.
#pragma once

#include <atomic>
#include <cstdint>

namespace heed::apps {

/// libgomp's threads spin for milliseconds by default and then fight over shared cores; the setting acts only
/// before libgomp starts, so the program starts itself again once with GOMP_SPINCOUNT set (and
/// OPENBLAS_NUM_THREADS to one), unless the user chose a waiting policy. That takes as long as starting, so a
/// program that uses one thread does without.
enum class Restart : uint8_t {
  now,           // several threads will run
  with_threads,  // use_threads() restarts it for several; nothing may have been read from pipes before
  never          // one thread, or hardly any work
};
void restart_with_short_spinning(Restart when, char** argv);

/// The number of the signal, SIGINT, SIGTERM or SIGHUP (a terminal that is closed; not under nohup), that
/// came since catch_interrupts() was called, or 0; a second one ends the program at once.
extern std::atomic<int> interrupted;
void catch_interrupts();
/// From here on these signals end the program again.
void release_interrupts();
/// From here on SIGUSR1 asks for a checkpoint and ends nothing. Before a run is locked, which tells others
/// where to send it.
void catch_save_requests();
/// Whether SIGUSR1 came since it was last asked.
bool save_was_asked_for();

double steady_seconds();

/// 0: as many as the container allows.
void use_threads(int threads);

}  // namespace heed::apps
