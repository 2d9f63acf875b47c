// Sentence pairs as ids in one block, in memory or in a file that is mapped, so that a training can read a
// corpus that is larger than memory. The block, all numbers little-endian:
//   ids of all pairs, u16 or u32: of each pair its source, then its target
//   zeros, to a multiple of 8 bytes
//   the two lengths of each pair, u32 each
//   where the first of each 64 pairs begins, in ids, u64
//   128 bytes that say what the block is: "heedids1", then u64: key, pairs, ids, bytes of an id, pairs left
//   out, tokens and unknown tokens of both sides, entries of both vocabularies, PairHash of all these
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/corpus/batches.h"

namespace heed::models {

/// A chain of hashes over the ids of pairs: other pairs, or another order, give another value.
class PairHash {
 public:
  /// @param number the next number: of pairs, of the ids of a side, or an id
  void add(uint64_t number);
  /// @param source,target ids of the next pair
  void add(std::span<const int> source, std::span<const int> target);
  /// @return the hash so far
  uint64_t value() const { return hash_; }

 private:
  uint64_t hash_ = 0;
};

/// What is counted while pairs are encoded.
struct PairCounts {
  /// One side.
  struct Side {
    uint64_t tokens = 0;   // without end marks
    uint64_t unknown = 0;  // of these the ones that the vocabulary does not have
    /// @param ids of a sentence; the end mark does not count
    void add(std::span<const int> ids);
    /// @return unknown / tokens, 0 without tokens
    double share() const;
  };
  Side source, target;   // both sides
  uint64_t skipped = 0;  // pairs that were left out: empty or too long
};

class PairWriter;

/// Reads encoded pairs; copies share the block. Reading is thread-safe.
class EncodedPairs {
 public:
  EncodedPairs() = default;  ///< no pairs
  /// @param pairs pairs without links, as a block in memory
  explicit EncodedPairs(std::span<const EncodedPair> pairs);
  /// Maps a file of pairs.
  /// @param path of the file
  /// @param key of the text and of how it is encoded
  /// @return the pairs, whose hash was checked
  /// @throws IoError; FormatError for a file that is damaged, incomplete, or of another key
  static EncodedPairs map(const std::filesystem::path& path, uint64_t key);

  /// Makes a block in memory.
  /// @param source_entries,target_entries sizes of the vocabularies
  /// @param fill adds the pairs
  /// @return the pairs
  static EncodedPairs in_memory(int source_entries, int target_entries,
                                const std::function<void(PairWriter&)>& fill);

  /// @return the number of pairs
  int64_t size() const { return static_cast<int64_t>(lengths_.size()); }
  /// @return lengths of all pairs, the end mark of the source counted
  std::span<const PairLengths> lengths() const { return lengths_; }
  /// @param i index of a pair, in [0, size())
  /// @return the pair, with its links if there are any
  EncodedPair operator[](int64_t i) const;
  /// @return what was counted while the pairs were encoded
  const PairCounts& counts() const { return counts_; }
  /// @return the hash of all pairs: of their number, then of each of them
  PairHash hash() const;
  /// @return bytes of the block
  uint64_t bytes() const { return bytes_; }
  /// Gives back the memory of pages of a mapped file that were read; they are read again when needed.
  void release_pages() const;

  /// @return whether the pairs have links
  bool linked() const { return links_ != nullptr; }
  /// @param links token to token, a list a pair; not while another thread reads
  void set_links(std::vector<std::vector<AlignmentLink>> links);

 private:
  void open(std::span<const std::byte> block, const std::string& name);
  void check_ids();
  template <class Id>
  void read(uint64_t at, std::vector<int>& ids, size_t count) const;

  std::shared_ptr<const void> owner_;  // of the block
  std::span<const std::byte> ids_;
  std::span<const PairLengths> lengths_;
  std::span<const uint64_t> begins_;  // of each 64 pairs
  std::string name_ = "pairs";        // of the file, in messages
  PairCounts counts_;
  uint64_t bytes_ = 0, key_ = 0, hash_ = 0, id_bytes_ = 4, entries_[2] = {};
  bool mapped_ = false;
  PairHash whole_;  // of a mapped file: hash()
  std::shared_ptr<const std::vector<std::vector<AlignmentLink>>> links_;
};

/// Writes a block of pairs; in memory are only the lengths of the pairs.
class PairWriter {
 public:
  /// @param source_entries,target_entries sizes of the vocabularies
  /// @param key EncodedPairs::map
  /// @param write takes the next bytes of the block
  PairWriter(int source_entries, int target_entries, uint64_t key,
             std::function<void(std::string_view)> write);
  /// @param source,target ids of a pair, in range of their vocabularies
  void add(std::span<const int> source, std::span<const int> target);
  /// Counts a pair that is left out.
  void skip() { ++counts_.skipped; }
  /// Writes what stands behind the ids; call it once, after the last pair.
  void finish();
  /// @return the number of pairs so far
  uint64_t size() const { return lengths_.size(); }

 private:
  template <class Id>
  void append(std::span<const int> ids);
  void flush();

  std::function<void(std::string_view)> write_;
  std::string buffer_;
  uint64_t key_, id_bytes_, ids_ = 0, entries_[2];
  std::vector<PairLengths> lengths_;
  std::vector<uint64_t> begins_;
  PairCounts counts_;
  PairHash hash_;
};

/// Builds a padded batch.
/// @param pairs encoded pairs
/// @param indices which of them to take, in this order
/// @return the batch
Batch make_batch(const EncodedPairs& pairs, std::span<const uint32_t> indices);

}  // namespace heed::models
