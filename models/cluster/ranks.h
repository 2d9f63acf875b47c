// Several processes that do one work together: the ranks of an MPI job, seen from a training, a translation
// or an evaluation. Nothing here knows MPI: apps/cluster implements it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace heed::models {

/// What ranks have said to each other so far.
struct Communication {
  int64_t bytes = 0;   // that this rank gave to sums, broadcasts and gatherings
  double seconds = 0;  // in which something was under way
  double waited = 0;   // of these, in which this rank did nothing but wait
};

/// A process among those that work together. All ranks make the same calls in the same order. Each call that
/// waits ends with an Error that names a rank which no longer answers, after a limit of time.
class Ranks {
 public:
  virtual ~Ranks() = default;
  /// @return this process's number, from 0
  virtual int rank() const = 0;
  /// @return the number of processes
  virtual int size() const = 0;
  /// @return whether this is the one that reads what may be read once, and writes
  bool first() const { return rank() == 0; }

  /// Begins to replace values by their sums over all ranks, which are the same bits on each. Returns at once.
  /// @param values as many on every rank; they stay where they are until finish_sums() returns
  virtual void start_sum(std::span<float> values) = 0;
  /// Waits for all that start_sum() began.
  virtual void finish_sums() = 0;
  /// Replaces values by their sums over all ranks.
  /// @param values as many on every rank
  virtual void sum(std::span<double> values) = 0;
  /// Replaces bytes by those of the first rank.
  /// @param bytes as many on every rank
  virtual void broadcast(std::span<std::byte> bytes) = 0;
  /// Brings a text of each rank to all.
  /// @param mine of this rank, of any length
  /// @return that of every rank, in order
  virtual std::vector<std::string> gather(const std::string& mine) = 0;

  /// Waits until all ranks are here.
  void meet() { gather(""); }
  /// @param mine whether this rank wants it
  /// @return whether any rank does
  bool any(bool mine) {
    double count = mine ? 1 : 0;
    sum({&count, 1});
    return count > 0;
  }
  /// @param text of the first rank; elsewhere it is ignored
  /// @return the text of the first rank
  std::string from_first(const std::string& text) { return gather(first() ? text : "").front(); }

  /// Called often while this rank computes: a rank that neither computes nor waits for others hangs.
  virtual void working() = 0;
  /// Says whether what follows may take any time without a call of working(): files, validations. So it is at
  /// the beginning. A process that has stopped is noticed all the same.
  /// @param at_length whether it may
  virtual void takes_long(bool at_length) = 0;
  /// @return what was said so far
  virtual Communication communication() const = 0;
};

/// The part of a number of things that a rank takes: contiguous, in the order of ranks, of sizes that differ
/// by one at most.
struct RankShare {
  int64_t begin = 0, end = 0;  // [begin, end)
  /// @param count number of things
  /// @param rank,size the rank and the number of ranks
  RankShare(int64_t count, int rank, int size) : begin(count * rank / size), end(count * (rank + 1) / size) {}
};

}  // namespace heed::models
