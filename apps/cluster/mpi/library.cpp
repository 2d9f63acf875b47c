// The one thing that the library shows (kMpiSymbol in mpi.h).
#define OMPI_SKIP_MPICXX 1  // C alone
#define MPICH_SKIP_MPICXX 1
#include <dlfcn.h>
#include <mpi.h>

#include <algorithm>
#include <climits>
#include <vector>

#include "apps/cluster/mpi.h"

namespace heed::cluster {
namespace {

constexpr int kBeatTag = 1;
// One call of MPI counts in ints; larger ones are cut.
constexpr size_t kMost = size_t{1} << 30;

struct Begun {
  std::vector<MPI_Request> requests;
  std::vector<int> sizes, places;  // of a gathering
};
std::vector<Begun> begun;       // by number; done ones are empty and used again
MPI_Comm beats;                 // a communicator of their own
std::vector<MPI_Request> sent;  // the last beat to each rank
std::vector<Beat> sent_beats;
int ranks = 1;

int new_number() {
  const auto free =
      std::find_if(begun.begin(), begun.end(), [](const Begun& b) { return b.requests.empty(); });
  if (free != begun.end()) return static_cast<int>(free - begun.begin());
  begun.emplace_back();
  return static_cast<int>(begun.size() - 1);
}

// f(offset, count, request) for parts of at most kMost.
template <class F>
int in_parts(size_t count, const F& f) {
  const int number = new_number();
  Begun& b = begun[static_cast<size_t>(number)];
  size_t at = 0;
  do {
    const size_t n = std::min(kMost, count - at);
    f(at, static_cast<int>(n), &b.requests.emplace_back(MPI_REQUEST_NULL));
    at += n;
  } while (at < count);
  return number;
}

std::string begin(int& rank, int& size) {
  // Open MPI's own plugins look for its symbols in the whole program.
  Dl_info own = {};
  if (dladdr(reinterpret_cast<void*>(&MPI_Init_thread), &own) != 0 && own.dli_fname)
    dlopen(own.dli_fname, RTLD_NOW | RTLD_GLOBAL | RTLD_NOLOAD);
  int level = 0;
  if (MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &level) != MPI_SUCCESS)
    return "MPI does not start";
  if (level < MPI_THREAD_SERIALIZED) return "MPI was built without threads (MPI_THREAD_SERIALIZED)";
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  MPI_Comm_dup(MPI_COMM_WORLD, &beats);
  ranks = size;
  sent.assign(static_cast<size_t>(size), MPI_REQUEST_NULL);
  sent_beats.resize(static_cast<size_t>(size));
  return "";
}

int sum_floats(float* values, size_t count) {
  return in_parts(count, [&](size_t at, int n, MPI_Request* request) {
    MPI_Iallreduce(MPI_IN_PLACE, values + at, n, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD, request);
  });
}

int sum_doubles(double* values, size_t count) {
  return in_parts(count, [&](size_t at, int n, MPI_Request* request) {
    MPI_Iallreduce(MPI_IN_PLACE, values + at, n, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD, request);
  });
}

int broadcast(void* bytes, size_t count) {
  return in_parts(count, [&](size_t at, int n, MPI_Request* request) {
    MPI_Ibcast(static_cast<char*>(bytes) + at, n, MPI_BYTE, 0, MPI_COMM_WORLD, request);
  });
}

int gather_sizes(const uint64_t* mine, uint64_t* all) {
  return in_parts(1, [&](size_t, int, MPI_Request* request) {
    MPI_Iallgather(mine, 1, MPI_UINT64_T, all, 1, MPI_UINT64_T, MPI_COMM_WORLD, request);
  });
}

int gather(const char* mine, char* all, const uint64_t* sizes) {
  return in_parts(1, [&](size_t, int, MPI_Request* request) {
    Begun& b = *std::find_if(begun.begin(), begun.end(), [&](const Begun& one) {
      return !one.requests.empty() && &one.requests.back() == request;
    });
    b.sizes.clear();
    b.places.clear();
    size_t at = 0;
    int rank = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    for (int i = 0; i < ranks; ++i) {
      b.sizes.push_back(static_cast<int>(sizes[i]));
      b.places.push_back(static_cast<int>(at));
      at += sizes[i];
    }
    MPI_Iallgatherv(mine, b.sizes[static_cast<size_t>(rank)], MPI_BYTE, all, b.sizes.data(), b.places.data(),
                    MPI_BYTE, MPI_COMM_WORLD, request);
  });
}

bool test(int number) {
  Begun& b = begun[static_cast<size_t>(number)];
  int done = 0;
  MPI_Testall(static_cast<int>(b.requests.size()), b.requests.data(), &done, MPI_STATUSES_IGNORE);
  if (done != 0) b.requests.clear();
  return done != 0;
}

void send_beat(int to, const Beat& beat) {
  const auto i = static_cast<size_t>(to);
  int done = 0;
  MPI_Test(&sent[i], &done, MPI_STATUS_IGNORE);
  if (done == 0) return;
  sent_beats[i] = beat;
  MPI_Isend(&sent_beats[i], sizeof(Beat), MPI_BYTE, to, kBeatTag, beats, &sent[i]);
}

int take_beat(Beat& beat) {
  int there = 0;
  MPI_Status status;
  MPI_Iprobe(MPI_ANY_SOURCE, kBeatTag, beats, &there, &status);
  if (there == 0) return -1;
  MPI_Recv(&beat, sizeof(Beat), MPI_BYTE, status.MPI_SOURCE, kBeatTag, beats, MPI_STATUS_IGNORE);
  return status.MPI_SOURCE;
}

void end() { MPI_Finalize(); }

void abort(int code) { MPI_Abort(MPI_COMM_WORLD, code); }

}  // namespace
}  // namespace heed::cluster

extern "C" [[gnu::visibility("default")]] const heed::cluster::MpiModule heed_mpi;
const heed::cluster::MpiModule heed_mpi{
    heed::cluster::begin,     heed::cluster::sum_floats,   heed::cluster::sum_doubles,
    heed::cluster::broadcast, heed::cluster::gather_sizes, heed::cluster::gather,
    heed::cluster::test,      heed::cluster::send_beat,    heed::cluster::take_beat,
    heed::cluster::end,       heed::cluster::abort};
