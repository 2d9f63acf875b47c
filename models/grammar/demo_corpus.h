// The built-in corpus: English-German pairs from our own synchronous grammar, with exact alignments, in no need
// of a download. It is small data made for demonstration, tests and benchmarks; a model trained on it speaks
// this grammar and no more. No text of others is in it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/corpus/alignment.h"

namespace heed::models {

/// Its three parts.
struct DemoCorpus {
  std::vector<AlignedPair> train, validation, test;  // without a common source
};

/// Which corpus.
struct DemoCorpusOptions {
  uint64_t seed = 1;     // of the draws
  int train = 16000;     // pairs
  int validation = 300;  // pairs
  int test = 1000;       // pairs
};

/// The corpus of a seed, the same on every machine. Sources have 3 to 60 tokens with the end mark; the training
/// and validation parts lean to short sentences, the test part fills every stretch of ten lengths about evenly.
/// No source sentence occurs twice. Training opens with "I am a student ." and, if it has 4000 pairs or more,
/// knows each word of the other parts from at least three pairs.
/// @param options seed and sizes
/// @return the corpus
/// @throws ValueError if a size is negative
DemoCorpus make_demo_corpus(const DemoCorpusOptions& options);

/// @return the names that AlignedPair::patterns may hold, sorted
std::vector<std::string> demo_pattern_names();

}  // namespace heed::models
