// From raw sentence pairs to a corpus folder: read, clean, split, write.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "models/corpus/clean.h"
#include "models/corpus/corpus_folder.h"
#include "models/corpus/raw_pairs.h"
#include "models/corpus/split.h"

namespace heed::models {

/// What a corpus is made of and how.
struct PrepareOptions {
  std::vector<PairInput> inputs;                 // read in this order
  TableOptions table;                            // how their tables are read
  std::string source_language, target_language;  // codes
  CleanOptions clean;                            // what is dropped
  SplitOptions split;                            // what is held back
  int64_t references = 4;                        // translations of a test sentence that are kept, at most
  std::vector<std::filesystem::path> avoid;      // files with sentences that must not be in the corpus
  std::string licence, attribution;              // of the sentences
  std::filesystem::path folder;                  // to write
  bool overwrite = false;                        // whether a corpus that is there may be replaced
  std::filesystem::path dropped;                 // file for what is dropped, with reasons; empty: none
};

/// Makes a corpus folder. The pairs go through a file in the folder's temporary; of each, 24 bytes stay in
/// memory, and 16 more against duplicates.
/// @param options what to do
/// @param read called often with the number of pairs read so far, and after signals; what it throws ends the
///   work
/// @return what was made
/// @throws ValueError for inputs without a pair that is good, sizes that leave nothing to train on, two files
///   of different lengths; FormatError for broken inputs; IoError
CorpusInfo prepare_corpus(const PrepareOptions& options, const std::function<void(uint64_t)>& read);

}  // namespace heed::models
