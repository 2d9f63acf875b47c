// MPI, which lies in a library of its own: it is loaded by a program that mpirun or srun started as one of
// several (apps/common/module.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace heed::cluster {

/// What a rank tells the others now and then.
struct Beat {
  uint32_t work = 0;        // grows while the rank computes or calls
  uint32_t takes_long = 0;  // not 0: it may stay as it is for any time
};

/// What the library exports. One thread at a time may call it. Functions that give a number begin something:
/// it is done when test() says so, and what it reads and writes stays until then.
struct MpiModule {
  /// Begins; sets number and count of the ranks. @return why not; empty: it did
  std::string (*begin)(int& rank, int& size);
  int (*sum_floats)(float* values, size_t count);
  int (*sum_doubles)(double* values, size_t count);
  int (*broadcast)(void* bytes, size_t count);                        // of rank 0
  int (*gather_sizes)(const uint64_t* mine, uint64_t* all);           // one of each rank, to all
  int (*gather)(const char* mine, char* all, const uint64_t* sizes);  // so many bytes of each rank, to all
  bool (*test)(int begun);
  /// Sends a beat, unless the last one to that rank is still on its way.
  void (*send_beat)(int to, const Beat& beat);
  /// @return the rank of a beat that came, -1: none
  int (*take_beat)(Beat& beat);
  void (*end)();            // after which nothing is called
  void (*abort)(int code);  // ends all ranks
};
constexpr const char* kMpiFile = "lib/heed/heed_mpi.so";
constexpr const char* kMpiSymbol = "heed_mpi";  // of type MpiModule

}  // namespace heed::cluster
