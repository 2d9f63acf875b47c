// The ranks of an MPI job, where the program is one of several that mpirun or srun started.
#pragma once

#include "models/cluster/ranks.h"

namespace heed::cluster {

/// Where this process stands among those that a launcher started, by the variables that it set.
struct Place {
  int rank = 0, size = 1;
  int local_size = 1;  // processes on this machine
};
/// The variables of Open MPI, of PMI (MPICH, Intel MPI) and of Slurm with PMIx. Without them there is one
/// rank.
Place place_of_environment();

/// Starts MPI where there are several ranks; what is said and noted comes from the first rank alone from the
/// beginning of the program (silence_other_ranks). Throws Error where MPI cannot be loaded or started.
/// @return null where the program runs alone. It stays until end_ranks()
models::Ranks* start_ranks();

/// Makes say() and note() of all ranks but the first write nothing, and what run_app() says of an error
/// wait: where all ranks fail with the same one, the launcher has ended the others by then.
void silence_other_ranks();

/// Says that this rank has come to a good end, at which all ranks arrive.
void all_ranks_are_done();

/// Ends MPI. Where all_ranks_are_done() was not called, it ends all ranks.
/// @param code exit code of this one
/// @return the code
int end_ranks(int code);

/// Threads of a rank where nobody asked for a number: those that it is allowed, shared with the other ranks
/// of the machine unless the launcher bound each to cores of its own.
int threads_of_rank();

}  // namespace heed::cluster
