// Splits a corpus into training, validation and test by distinct source sentences, or by documents where it
// has them. A split by pairs leaves sentences of the test in training: on Tatoeba's English-French pairs 933
// of 2000.
#pragma once

#include <cstdint>
#include <vector>

namespace heed::models {

/// What a pair is split by.
struct SplitKey {
  uint64_t source = 0, target = 0;  // text_hash(folded(side))
  uint32_t words = 0;               // of the source
};

/// How many sentences are held back.
struct SplitOptions {
  int64_t valid = -1, test = -1;  // distinct source sentences; -1: a twentieth, at most 1000 and 2000
  int64_t test_long = 0;          // at least so many long ones in the test
  int64_t long_words = 15;        // what is long: so many words and more
  bool targets_apart = true;      // nothing in training that has the translation of a held-back sentence
  uint64_t seed = 1;              // another seed, another split
};

/// Where a pair goes.
enum class Part : uint8_t { train, valid, test, none };

/// The parts of a corpus.
struct Split {
  std::vector<Part> parts;                   // of each pair; none: its target is that of a held-back sentence
  int64_t sources = 0, valid = 0, test = 0;  // distinct source sentences: in all, in validation, in the test
  int64_t test_long = 0;                     // long ones in the test
};

/// Splits a corpus. All pairs whose source is the same go to one part; which, depends on the sentence and the
/// seed alone, so that the order of the pairs does not matter and a corpus that grows keeps most of its test.
/// @param keys of the pairs
/// @param options sizes and seed
/// @return the parts
/// @throws ValueError for more held-back sentences than there are, leaving none to train on
Split split_corpus(const std::vector<SplitKey>& keys, const SplitOptions& options);

/// Splits a corpus by documents: each lies in one part with all its pairs. A part takes documents, in an
/// order that the seed and their names give, that fit into what is asked, and where that is not enough the
/// smallest of the others. Sentences of the test may be in training, in other documents.
/// @param keys of the pairs
/// @param groups of each pair, the hash of what is not to fall into two parts
/// @param options sizes, in pairs, and seed
/// @return the parts; `sources` counts sentences, the other numbers pairs
/// @throws ValueError for held-back documents that leave none to train on
Split split_documents(const std::vector<SplitKey>& keys, const std::vector<uint64_t>& groups,
                      const SplitOptions& options);

}  // namespace heed::models
