// The built-in corpus: English-German pairs from our own synchronous grammar, with exact alignments, in no need
// of a download. It is small data made for demonstration, tests and benchmarks; a model trained on it speaks
// this grammar and no more. No text of others is in it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/data/alignment.h"

namespace heed::models {

struct DemoCorpus {
  std::vector<AlignedPair> train, validation, test;
};

struct DemoCorpusOptions {
  uint64_t seed = 1;
  int train = 16000;
  int validation = 300;
  int test = 1000;
};

/// The corpus of a seed, the same on every machine. Sources have 3 to 60 tokens with the end mark; the training
/// and validation parts lean to short sentences, the test part fills every stretch of ten lengths about evenly.
/// No source sentence occurs twice. Training opens with "I am a student ." and, if it has 4000 pairs or more,
/// knows each word of the other parts from at least three pairs. Throws ValueError if a size is negative.
DemoCorpus make_demo_corpus(const DemoCorpusOptions& options);

/// The names that AlignedPair::patterns may hold, sorted.
std::vector<std::string> demo_pattern_names();

}  // namespace heed::models
