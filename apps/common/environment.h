// What the programs ask of the process around them: threads, signals, the clock.
#pragma once

#include <atomic>

namespace heed::apps {

/// libgomp's threads spin for milliseconds by default and then fight over shared cores; the setting acts only
/// before libgomp starts, so the program starts itself again once with GOMP_SPINCOUNT set, unless the user
/// chose a waiting policy.
void restart_with_short_spinning(char** argv);

/// The number of the signal, SIGINT or SIGTERM, that came since catch_interrupts() was called, or 0; a second
/// one ends the program at once.
extern std::atomic<int> interrupted;
void catch_interrupts();

double steady_seconds();

/// 0: as many as the container allows.
void use_threads(int threads);

}  // namespace heed::apps
